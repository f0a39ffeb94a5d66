//! Notices, security alerts and messages with codes.

pub mod account_label;
pub mod alert;
pub mod message;
