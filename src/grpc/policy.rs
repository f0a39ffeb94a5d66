//! `PolicyService`: what requests ask for, the RPCs, what responses say.

pub(super) mod convert;
mod parse;
mod service;
mod simulation;

pub use service::PolicyHandlers;
