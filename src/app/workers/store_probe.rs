//! Probes the stores, for [`Readiness`](super::readiness::Readiness).

use crate::{
    app::{App, workers::readiness::ReadinessFailure},
    ports::StoreResult,
};
use countersign_domain::value::time::Timestamp;
use std::{
    future::Future,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use tokio::time::timeout;

/// The maximum difference between this replica's clock and a store's.
const MAX_CLOCK_SKEW: Duration = Duration::from_secs(5);

/// How long a store may take to answer.
const READINESS_TIMEOUT: Duration = Duration::from_secs(2);

impl App {
    /// Asks the stores for the time, and the durable one whether it keeps what it acknowledges; refuses calls from now
    /// on, or takes them again, by what they answer.
    ///
    /// # Errors
    /// The first [`ReadinessFailure`] that was found.
    pub async fn check_stores(&self) -> Result<(), ReadinessFailure> {
        let (durable, short_lived, forgets) = tokio::join!(
            self.skew(self.accounts().clock()),
            self.skew(self.parts.challenges.clock()),
            answer(self.accounts().may_forget()),
        );
        let forgets = forgets.map(|why| why.map(ReadinessFailure::MayForget));
        let troubles = [
            note(&self.readiness.durable_clock_off, durable),
            note(&self.readiness.short_lived_clock_off, short_lived),
            note(&self.readiness.may_forget, forgets),
        ];
        troubles.into_iter().flatten().next().map_or(Ok(()), Err)
    }

    /// Makes a small write in each store.
    ///
    /// # Errors
    /// The first [`ReadinessFailure`] that was found.
    pub async fn probe_writes(&self) -> Result<(), ReadinessFailure> {
        let (durable, short_lived) = tokio::join!(
            answer(self.accounts().probe_write(self.now())),
            answer(self.parts.challenges.probe_write()),
        );
        durable.map_err(|why| ReadinessFailure::DurableNotWritable(Box::new(why)))?;
        short_lived.map_err(|why| ReadinessFailure::ShortLivedNotWritable(Box::new(why)))
    }

    /// How far our clock is off a store's. The store told its time somewhere between question and answer.
    async fn skew(
        &self,
        asked: impl Future<Output = StoreResult<Option<Timestamp>>>,
    ) -> Result<Option<ReadinessFailure>, ReadinessFailure> {
        let before = self.now();
        let Some(theirs) = answer(asked).await? else {
            return Ok(None);
        };
        let skew = before.since(theirs).max(theirs.since(self.now()));
        Ok((skew > MAX_CLOCK_SKEW).then(|| ReadinessFailure::OutOfStep(skew.as_secs())))
    }
}

async fn answer<T>(asked: impl Future<Output = StoreResult<T>>) -> Result<T, ReadinessFailure> {
    match timeout(READINESS_TIMEOUT, asked).await {
        Ok(answer) => Ok(answer?),
        Err(_elapsed) => Err(ReadinessFailure::Silent),
    }
}

/// Records a store's answer. Without an answer the earlier finding stays.
fn note(
    finding: &AtomicBool,
    answered: Result<Option<ReadinessFailure>, ReadinessFailure>,
) -> Option<ReadinessFailure> {
    match answered {
        Ok(failure) => {
            finding.store(failure.is_some(), Ordering::Relaxed);
            failure
        }
        Err(unanswered) => Some(unanswered),
    }
}
