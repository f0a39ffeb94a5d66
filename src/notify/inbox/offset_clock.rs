//! A clock that development moves ahead, so that nobody has to wait.

use countersign_domain::value::time::{Timestamp, millis};
use countersign_transport::system::Clock;
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

/// The furthest that it goes ahead: far beyond every lifetime, and well within what timestamps can say.
const MAX_OFFSET: Duration = Duration::from_hours(10 * 366 * 24);

/// Another clock, and how far it was moved ahead of it.
pub struct OffsetClock {
    clock: Arc<dyn Clock>,
    ahead_millis: AtomicI64,
}

impl OffsetClock {
    /// In step with this clock.
    #[must_use]
    pub fn of(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            ahead_millis: AtomicI64::new(0),
        }
    }

    /// Moves it ahead and tells the time; nothing, and none, where that would be too far.
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
