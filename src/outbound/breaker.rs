//! Whether a service is passed over for now.

use countersign_domain::limits::circuit_breaker::{
    BreakerConfig, BreakerPermit, BreakerTransition, CallReport, CircuitBreaker,
};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// The breaker of one service, by the clock of this process.
pub(crate) struct ServiceBreaker {
    breaker: Mutex<CircuitBreaker>,
    /// What the breaker's time is counted from.
    began: Instant,
}

impl ServiceBreaker {
    pub(crate) fn new(breaker_config: BreakerConfig) -> Self {
        Self {
            breaker: Mutex::new(CircuitBreaker::new(breaker_config)),
            began: Instant::now(),
        }
    }

    /// Whether a call would be let through.
    pub(crate) fn is_admitted(&self) -> bool {
        self.breaker().admits(self.began.elapsed())
    }

    /// Lets a call through, or does not.
    pub(crate) fn admit(&self) -> Option<BreakerPermit> {
        self.breaker().admit(self.began.elapsed())
    }

    /// Hears what a call came to that was let through, and tells what an operator wants to hear of it.
    pub(crate) fn report(
        &self,
        permit: BreakerPermit,
        report: CallReport,
    ) -> Option<BreakerTransition> {
        self.breaker().report(permit, report, self.began.elapsed())
    }

    /// A breaker is whole between any two of its methods, so that a panic elsewhere spoils nothing.
    fn breaker(&self) -> MutexGuard<'_, CircuitBreaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
