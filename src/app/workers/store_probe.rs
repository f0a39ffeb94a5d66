//! Probes the stores, for [`Readiness`](super::readiness::Readiness).

use crate::{
    app::{
        App,
        workers::{readiness::ReadinessFailure, script_probe::run_every_script},
    },
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
    /// Asks the stores for the time, and whether they keep what they acknowledge. Refuses calls from now on, or accepts them
    /// again, by what they answer.
    ///
    /// # Errors
    /// The first [`ReadinessFailure`] that was found.
    pub async fn check_stores(&self) -> Result<(), ReadinessFailure> {
        let (accounts, challenges) = (self.accounts(), &self.parts.challenges);
        let durable = || accounts.location();
        let short_lived = || challenges.location();
        let (durable_skew, short_lived_skew, durable_forgets, short_lived_forgets) = tokio::join!(
            self.skew(durable, accounts.clock()),
            self.skew(short_lived, challenges.clock()),
            answer(durable, accounts.may_forget()),
            answer(short_lived, challenges.may_forget()),
        );
        let forgets = |why: Option<String>| why.map(ReadinessFailure::MayForget);
        let readiness = &self.readiness;
        let failures = [
            note(&readiness.durable_clock_off, durable_skew),
            note(&readiness.short_lived_clock_off, short_lived_skew),
            note(&readiness.durable_may_forget, durable_forgets.map(forgets)),
            note(
                &readiness.short_lived_may_forget,
                short_lived_forgets.map(forgets),
            ),
        ];
        failures.into_iter().flatten().next().map_or(Ok(()), Err)
    }

    /// Makes a small write in each store.
    ///
    /// # Errors
    /// The first [`ReadinessFailure`] that was found.
    pub async fn probe_writes(&self) -> Result<(), ReadinessFailure> {
        let (accounts, challenges) = (self.accounts(), &self.parts.challenges);
        let (durable, short_lived) = tokio::join!(
            answer(|| accounts.location(), accounts.probe_write(self.now())),
            answer(|| challenges.location(), challenges.probe_write()),
        );
        durable.map_err(|cause| not_writable(accounts.location(), cause))?;
        short_lived.map_err(|cause| not_writable(challenges.location(), cause))
    }

    /// Runs every script of the short-lived stores: proof that the role that serves may run each command in them.
    ///
    /// # Errors
    /// The [`ReadinessFailure`] of the first script that failed.
    pub async fn probe_scripts(&self) -> Result<(), ReadinessFailure> {
        let (challenges, budgets) = (&self.parts.challenges, &self.parts.budgets);
        let seed = self.parts.randomness.bytes();
        let run = run_every_script(challenges.as_ref(), budgets.as_ref(), seed, self.now());
        let ran = answer(|| challenges.location(), run).await;
        ran.map_err(|cause| not_writable(challenges.location(), cause))
    }

    /// How far our clock is off a store's. The store told its time somewhere between question and answer.
    async fn skew(
        &self,
        store: impl Fn() -> String,
        clock: impl Future<Output = StoreResult<Option<Timestamp>>>,
    ) -> Result<Option<ReadinessFailure>, ReadinessFailure> {
        let before = self.now();
        let Some(theirs) = answer(&store, clock).await? else {
            return Ok(None);
        };
        let skew = before.since(theirs).max(theirs.since(self.now()));
        Ok(
            (skew > MAX_CLOCK_SKEW).then(|| ReadinessFailure::OutOfStep {
                store: store(),
                seconds: skew.as_secs(),
            }),
        )
    }
}

fn not_writable(store: String, cause: ReadinessFailure) -> ReadinessFailure {
    ReadinessFailure::NotWritable {
        store,
        cause: Box::new(cause),
    }
}

async fn answer<T>(
    store: impl Fn() -> String,
    asked: impl Future<Output = StoreResult<T>>,
) -> Result<T, ReadinessFailure> {
    match timeout(READINESS_TIMEOUT, asked).await {
        Ok(answer) => Ok(answer?),
        Err(_elapsed) => Err(ReadinessFailure::Silent(store())),
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
