//! Messages to people: the client that hands them to notifiers, and the inbox that stands in for one in development;
//! and the words of messages.

pub mod client;
mod contract;
pub mod inbox;
pub mod texts;
