//! Whether this replica may answer: its clock agrees with its stores' clocks, and the durable store keeps what it
//! acknowledges. Otherwise expiry and "accepted at most once" would be judged wrongly, so calls are refused.

use crate::{app::Error, ports::StoreUnavailable};
use std::sync::atomic::{AtomicBool, Ordering};

/// Why this replica is not ready.
#[derive(Debug, thiserror::Error)]
pub enum ReadinessFailure {
    /// A store can't answer. Nothing is refused for that: each call finds out itself.
    #[error(transparent)]
    Unavailable(#[from] StoreUnavailable),
    /// A store takes too long.
    #[error("a store does not answer")]
    Silent,
    /// The clock is off.
    #[error(
        "this machine's clock is {0} s off a store's, so that calls are refused: synchronize it (NTP)"
    )]
    OutOfStep(u64),
    /// The durable store can't be written. Nothing is refused for that either.
    #[error("the durable store can't be written: {0}")]
    DurableNotWritable(#[source] Box<Self>),
    /// The short-lived store can't be written. Nothing is refused for that either.
    #[error("the short-lived store can't be written: {0}")]
    ShortLivedNotWritable(#[source] Box<Self>),
    /// The durable store no longer does what it did at the start.
    #[error("calls are refused: {0}")]
    MayForget(String),
}

/// The results of the last probe. A result stays until its store answers otherwise. Before the first probe, the replica
/// is ready.
#[derive(Default)]
pub(crate) struct Readiness {
    pub(super) durable_clock_off: AtomicBool,
    pub(super) short_lived_clock_off: AtomicBool,
    pub(super) may_forget: AtomicBool,
}

impl Readiness {
    /// Fails if calls must be refused.
    pub(crate) fn pass(&self) -> Result<(), Error> {
        let clock_off = found(&self.durable_clock_off) || found(&self.short_lived_clock_off);
        if clock_off {
            return Err(Error::OutOfService("its clock is off"));
        }
        if found(&self.may_forget) {
            return Err(Error::OutOfService(
                "its durable store may forget what it acknowledges",
            ));
        }
        Ok(())
    }
}

fn found(finding: &AtomicBool) -> bool {
    finding.load(Ordering::Relaxed)
}
