//! Whether a notifier is passed over for now, and what the log hears of it.

use crate::outbound;
use countersign_domain::limits::circuit_breaker::{
    BreakerConfig, BreakerPermit, BreakerTransition, CallReport,
};

/// The breaker of one notifier.
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

    /// Whether a call would be let through.
    pub(super) fn is_admitted(&self) -> bool {
        self.inner.is_admitted()
    }

    /// Lets a call through, or does not.
    pub(super) fn admit(&self) -> Option<BreakerPermit> {
        self.inner.admit()
    }

    /// Hears what a call came to that was let through.
    pub(super) fn report(&self, permit: BreakerPermit, report: CallReport) {
        let notifier = self.notifier.as_str();
        match self.inner.report(permit, report) {
            Some(BreakerTransition::Opened) => {
                tracing::warn!(
                    notifier,
                    "a notifier failed time after time; it is passed over"
                );
            }
            Some(BreakerTransition::Closed) => {
                tracing::info!(
                    notifier,
                    "a notifier answers again; it is no longer passed over"
                );
            }
            None => {}
        }
    }
}
