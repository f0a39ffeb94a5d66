//! Memory: durable in PostgreSQL or SQLite, short-lived in Redis or in this process.

pub mod memory;
pub mod postgres;
pub mod redis;
pub mod sqlite;

mod durable;
mod record;

pub use durable::{CanaryError, RecordForms};
