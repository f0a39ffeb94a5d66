//! `MethodService`: what requests ask for, the RPCs, what responses say.

pub(super) mod convert;
mod parse;
mod qr;
mod service;

pub use service::MethodHandlers;
