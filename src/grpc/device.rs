//! `DeviceService`: what requests ask for, the RPCs, what responses say.

pub(super) mod convert;
mod parse;
mod service;

pub use service::DeviceHandlers;
