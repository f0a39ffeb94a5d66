//! Messages to users: their texts, the client that delivers them through notifiers, and the development inbox that
//! replaces notifiers.

pub mod client;
mod contract;
pub mod inbox;
pub mod texts;
