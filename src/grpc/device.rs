//! `DeviceService`: parses requests, calls the use cases, and converts results.

pub(super) mod convert;
mod parse;
mod service;

pub use service::DeviceHandlers;
