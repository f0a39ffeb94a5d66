//! The circuit breaker of a notifier, which logs its transitions.

use crate::outbound;
use countersign_domain::limits::circuit_breaker::{
    BreakerConfig, BreakerPermit, BreakerTransition, CallReport,
};

/// The circuit breaker of one notifier.
pub(super) struct NotifierBreaker {
    notifier: String,
    inner: outbound::ServiceBreaker,
}

impl NotifierBreaker {
    pub(super) fn new(notifier: &str, breaker_config: BreakerConfig) -> Self {
        Self {
            notifier: notifier.to_owned(),
            inner: outbound::ServiceBreaker::new(breaker_config),
        }
    }

    /// Whether [`Self::admit`] would admit a call now.
    pub(super) fn is_admitted(&self) -> bool {
        self.inner.is_admitted()
    }

    /// Admits a call, or returns `None` if the circuit is open.
    pub(super) fn admit(&self) -> Option<BreakerPermit> {
        self.inner.admit()
    }

    /// Records the result of an admitted call.
    pub(super) fn report(&self, permit: BreakerPermit, report: CallReport) {
        let notifier = self.notifier.as_str();
        match self.inner.report(permit, report) {
            Some(BreakerTransition::Opened) => {
                tracing::warn!(notifier, "notifier circuit breaker opened");
            }
            Some(BreakerTransition::Closed) => {
                tracing::info!(notifier, "notifier circuit breaker closed");
            }
            None => {}
        }
    }
}
