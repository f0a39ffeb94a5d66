//! Rate limits and circuit breakers.

pub mod budget;
pub mod circuit_breaker;
pub mod user_throttle;
