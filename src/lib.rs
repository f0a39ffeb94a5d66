//! Countersign.

pub mod app;
pub mod cli;
pub mod config;
pub mod crypto;
pub mod grpc;
pub mod notify;
pub mod ports;
pub mod proto;
pub mod server;
pub mod store;
pub mod system;
pub mod telemetry;
