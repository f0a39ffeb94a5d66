//! A clock that goes when it is told to.

use countersign::ports::Clock;
use countersign_domain::time::Timestamp;
use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

/// A clock that stands still until it is advanced.
pub(crate) struct ManualClock(AtomicI64);

impl ManualClock {
    /// Stands at the beginning of a TOTP step in the year 2026.
    pub(crate) fn new() -> Self {
        Self(AtomicI64::new(1_780_000_020_000))
    }

    pub(crate) fn advance(&self, span: Duration) {
        self.0
            .fetch_add(i64::try_from(span.as_millis()).unwrap(), Ordering::SeqCst);
    }

    pub(crate) fn set_back(&self, span: Duration) {
        self.0
            .fetch_sub(i64::try_from(span.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}
