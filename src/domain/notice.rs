//! What people are told.

pub mod alert;
pub mod message;
