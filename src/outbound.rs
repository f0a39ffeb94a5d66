//! The way to services that others run: how they are reached, what proves who calls, what came of a call, and whether one is
//! passed over. What is asked of them, and what their answers mean, is their clients' matter.

mod answer;
mod breaker;
mod endpoint;
mod headers;

pub(crate) use answer::{UnansweredCall, answer, has_cause};
pub(crate) use breaker::ServiceBreaker;
pub use endpoint::EndpointError;
pub(crate) use endpoint::{ServiceChannel, ServiceConnection, bearer};
pub(crate) use headers::with_headers;

use std::time::Duration;
use tokio::time::Instant;

/// The share of a deadline for the first of so many that are still to be tried.
pub(crate) fn share(ends: Instant, still_to_try: usize) -> Duration {
    let left = ends.saturating_duration_since(Instant::now());
    left / u32::try_from(still_to_try).unwrap_or(u32::MAX).max(1)
}
