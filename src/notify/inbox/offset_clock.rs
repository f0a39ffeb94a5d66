//! A development clock that can be moved ahead, so that tests need not wait.

use countersign_domain::value::time::{Timestamp, millis};
use countersign_transport::system::Clock;
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

/// The maximum offset: far beyond every lifetime, and within the range of timestamps.
const MAX_OFFSET: Duration = Duration::from_hours(10 * 366 * 24);

/// A clock that is ahead of another one by an adjustable offset.
pub struct OffsetClock {
    clock: Arc<dyn Clock>,
    ahead_millis: AtomicI64,
}

impl OffsetClock {
    /// Creates a clock without an offset.
    #[must_use]
    pub fn of(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            ahead_millis: AtomicI64::new(0),
        }
    }

    /// Moves the clock ahead and returns its time. Returns `None`, and does not move it, beyond the maximum offset.
    pub fn advance(&self, span: Duration) -> Option<Timestamp> {
        let within = |ahead: i64| {
            let ahead = ahead.checked_add(millis(span))?;
            (ahead <= millis(MAX_OFFSET)).then_some(ahead)
        };
        let moved = self
            .ahead_millis
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, within);
        moved.ok().map(|_| self.now())
    }
}

impl Clock for OffsetClock {
    fn now(&self) -> Timestamp {
        let ahead = self.ahead_millis.load(Ordering::SeqCst);
        self.clock
            .now()
            .plus(Duration::from_millis(ahead.unsigned_abs()))
    }
}
