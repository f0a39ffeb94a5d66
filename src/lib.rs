//! Countersign.

pub mod app;
pub mod ports;
