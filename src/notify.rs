//! Messages to people: the client that hands them to notifiers, and the inbox that stands in for one in development.

pub mod client;
mod contract;
pub mod inbox;
