//! `MethodService`: parses requests, calls the use cases, and converts results.

pub(super) mod convert;
mod parse;
mod qr;
mod service;

pub use service::MethodHandlers;
