//! Whether a notifier is passed over for now, and what the log hears of it.

use countersign_domain::breaker::{Breaker, Patience, Permit, Report, Turn};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// The breaker of one notifier, by the clock of this process.
pub(super) struct Fuse {
    notifier: String,
    breaker: Mutex<Breaker>,
    /// What the breaker's time is counted from.
    began: Instant,
}

impl Fuse {
    pub(super) fn new(notifier: &str, patience: Patience) -> Self {
        Self {
            notifier: notifier.to_owned(),
            breaker: Mutex::new(Breaker::new(patience)),
            began: Instant::now(),
        }
    }

    /// Whether a call would be let through.
    pub(super) fn is_admitted(&self) -> bool {
        self.breaker().admits(self.began.elapsed())
    }

    /// Lets a call through, or does not.
    pub(super) fn admit(&self) -> Option<Permit> {
        self.breaker().admit(self.began.elapsed())
    }

    /// Hears what a call came to that was let through.
    pub(super) fn report(&self, permit: Permit, report: Report) {
        let turn = self.breaker().report(permit, report, self.began.elapsed());
        let notifier = self.notifier.as_str();
        match turn {
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

    /// A breaker is whole between any two of its methods, so that a panic elsewhere spoils nothing.
    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
