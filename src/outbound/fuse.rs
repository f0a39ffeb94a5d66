//! Whether a service is passed over for now.

use countersign_domain::breaker::{Breaker, Patience, Permit, Report, Turn};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// The breaker of one service, by the clock of this process.
pub(crate) struct Fuse {
    breaker: Mutex<Breaker>,
    /// What the breaker's time is counted from.
    began: Instant,
}

impl Fuse {
    pub(crate) fn new(patience: Patience) -> Self {
        Self {
            breaker: Mutex::new(Breaker::new(patience)),
            began: Instant::now(),
        }
    }

    /// Whether a call would be let through.
    pub(crate) fn is_admitted(&self) -> bool {
        self.breaker().admits(self.began.elapsed())
    }

    /// Lets a call through, or does not.
    pub(crate) fn admit(&self) -> Option<Permit> {
        self.breaker().admit(self.began.elapsed())
    }

    /// Hears what a call came to that was let through, and tells what an operator wants to hear of it.
    pub(crate) fn report(&self, permit: Permit, report: Report) -> Option<Turn> {
        self.breaker().report(permit, report, self.began.elapsed())
    }

    /// A breaker is whole between any two of its methods, so that a panic elsewhere spoils nothing.
    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
