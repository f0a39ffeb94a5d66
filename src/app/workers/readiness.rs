//! Whether this replica may answer: its clock agrees with its stores' clocks, and the durable store keeps what it
//! acknowledges. Otherwise expiry and "accepted at most once" would be judged wrongly, so calls are refused.

use crate::{app::Error, ports::StoreUnavailable};
use std::{
    mem::discriminant,
    sync::atomic::{AtomicBool, Ordering},
};

/// Why this replica is not ready.
#[derive(Debug, thiserror::Error)]
pub enum ReadinessFailure {
    /// A store can't answer. Nothing is refused for that: each call finds out itself.
    #[error(transparent)]
    Unavailable(#[from] StoreUnavailable),
    /// A store takes too long.
    #[error("{0} did not answer within 2 seconds")]
    Silent(String),
    /// The clock is off.
    #[error(
        "calls are refused: the clocks of this machine and of {store} differ by {seconds} s; synchronize both (NTP)"
    )]
    OutOfStep {
        /// The store.
        store: String,
        /// By how much.
        seconds: u64,
    },
    /// A store can't be written. Nothing is refused for that either.
    #[error("{store} can't be written: {cause}")]
    NotWritable {
        /// The store.
        store: String,
        /// Why.
        cause: Box<Self>,
    },
    /// A store no longer does what it did at the start.
    #[error("calls are refused: {0}")]
    MayForget(String),
}

impl ReadinessFailure {
    /// Whether an operator learns nothing new from this one after the other: the same failure of the same store.
    #[must_use]
    pub fn is_repeat_of(&self, earlier: &Self) -> bool {
        discriminant(self) == discriminant(earlier) && self.store() == earlier.store()
    }

    fn store(&self) -> &str {
        match self {
            Self::Unavailable(unavailable) => unavailable.store,
            Self::Silent(store)
            | Self::OutOfStep { store, .. }
            | Self::NotWritable { store, .. } => store,
            Self::MayForget(why) => why,
        }
    }
}

/// The results of the last probe. A result stays until its store answers otherwise. Before the first probe, the replica
/// is ready.
#[derive(Default)]
pub(crate) struct Readiness {
    pub(super) durable_clock_off: AtomicBool,
    pub(super) short_lived_clock_off: AtomicBool,
    pub(super) durable_may_forget: AtomicBool,
    pub(super) short_lived_may_forget: AtomicBool,
}

impl Readiness {
    /// Fails if calls must be refused.
    pub(crate) fn pass(&self) -> Result<(), Error> {
        let clock_off = found(&self.durable_clock_off) || found(&self.short_lived_clock_off);
        if clock_off {
            return Err(Error::OutOfService("its clock is off"));
        }
        if found(&self.durable_may_forget) || found(&self.short_lived_may_forget) {
            return Err(Error::OutOfService(
                "a store may forget what it acknowledges",
            ));
        }
        Ok(())
    }
}

fn found(finding: &AtomicBool) -> bool {
    finding.load(Ordering::Relaxed)
}
