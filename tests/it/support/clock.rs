//! A clock that goes when it is told to.

use countersign_domain::value::time::Timestamp;
use countersign_transport::system::Clock;
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

    /// Stands at the present.
    #[expect(
        clippy::disallowed_methods,
        reason = "where real servers and this clock have to agree"
    )]
    pub(crate) fn at_real_time() -> Self {
        let since = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        Self(AtomicI64::new(i64::try_from(since.as_millis()).unwrap()))
    }

    /// Stands an hour ahead: what is written now is young for every server, and younger than the history of its data.
    pub(crate) fn ahead_of_real_time() -> Self {
        let clock = Self::at_real_time();
        clock.advance(Duration::from_hours(1));
        clock
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
