//! How often anything may happen.

pub mod budget;
pub mod circuit_breaker;
pub mod user_throttle;
