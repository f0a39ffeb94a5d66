//! Notices, security alerts and messages with codes.

pub mod alert;
pub mod message;
