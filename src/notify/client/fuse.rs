//! Whether a notifier is passed over for now, and what the log hears of it.

use crate::outbound;
use countersign_domain::breaker::{Patience, Permit, Report, Turn};

/// The breaker of one notifier.
pub(super) struct Fuse {
    notifier: String,
    inner: outbound::Fuse,
}

impl Fuse {
    pub(super) fn new(notifier: &str, patience: Patience) -> Self {
        Self {
            notifier: notifier.to_owned(),
            inner: outbound::Fuse::new(patience),
        }
    }

    /// Whether a call would be let through.
    pub(super) fn is_admitted(&self) -> bool {
        self.inner.is_admitted()
    }

    /// Lets a call through, or does not.
    pub(super) fn admit(&self) -> Option<Permit> {
        self.inner.admit()
    }

    /// Hears what a call came to that was let through.
    pub(super) fn report(&self, permit: Permit, report: Report) {
        let notifier = self.notifier.as_str();
        match self.inner.report(permit, report) {
            Some(Turn::Opened) => {
                tracing::warn!(
                    notifier,
                    "a notifier failed time after time; it is passed over"
                );
            }
            Some(Turn::Closed) => {
                tracing::info!(
                    notifier,
                    "a notifier answers again; it is no longer passed over"
                );
            }
            None => {}
        }
    }
}
