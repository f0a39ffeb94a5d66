//! The audit chain and retention, both off the path of answers: committed events get their numbers and hashes, and what no
//! rule asks for any more goes.

use crate::{
    app::{App, Error},
    ports::AuditLag,
};
use std::{future::Future, sync::Arc, time::Duration};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How long the audit chain rests when it has caught up.
const CHAIN_PERIOD: Duration = Duration::from_secs(1);

/// A round that chained at least so many events is followed by the next one at once.
const EVENTS_PER_ROUND: u64 = 1_000;

/// How often the lag of the audit chain is read.
const LAG_PERIOD: Duration = Duration::from_secs(15);

/// An event that is older than this and not in the audit chain is logged.
const MAX_LAG: Duration = Duration::from_secs(30);

/// How long retention rests after nothing was left to delete.
const RETENTION_PERIOD: Duration = Duration::from_mins(1);

impl App {
    /// Chains events and deletes old rows until `stop` resolves, each apart from the other.
    pub async fn run_audit_chain_and_retention(self: Arc<Self>, stop: impl Future<Output = ()>) {
        let stopping = CancellationToken::new();
        let stopped = async {
            stop.await;
            stopping.cancel();
        };
        tokio::join!(
            stopped,
            self.run_audit_chain(&stopping),
            self.run_retention(&stopping)
        );
    }

    async fn run_audit_chain(&self, stopping: &CancellationToken) {
        let (mut rest, mut lag_read_at) = (CHAIN_PERIOD, self.now());
        while rested(rest, stopping).await {
            rest = CHAIN_PERIOD;
            if self.readiness.pass().is_err() {
                continue;
            }
            match self.seal_events().await {
                Ok(chained) if chained >= EVENTS_PER_ROUND => rest = Duration::ZERO,
                Ok(_) => {}
                Err(error) => tracing::error!(%error, "audit_chain failed; retrying"),
            }
            if self.now().since(lag_read_at) >= LAG_PERIOD {
                lag_read_at = self.now();
                self.watch_lag().await;
            }
        }
    }

    async fn watch_lag(&self) {
        match self.audit_lag().await {
            Ok(Some(lag)) if self.now().since(lag.oldest_at) > MAX_LAG => {
                let lag_seconds = self.now().since(lag.oldest_at).as_secs();
                let waiting_events = lag.waiting_events;
                tracing::warn!(lag_seconds, waiting_events, "audit_chain is behind");
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "audit_chain lag could not be read"),
        }
    }

    async fn run_retention(&self, stopping: &CancellationToken) {
        while rested(RETENTION_PERIOD, stopping).await {
            if self.readiness.pass().is_err() {
                continue;
            }
            let purged = tokio::select! {
                () = stopping.cancelled() => return,
                purged = self.purge() => purged,
            };
            if let Err(error) = purged {
                tracing::error!(%error, "retention cleanup failed; retrying");
            }
        }
    }

    /// Chains committed events, a bounded count at once; how many there were.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn seal_events(&self) -> Result<u64, Error> {
        Ok(self.accounts().seal_events().await?)
    }

    /// How far the audit chain is behind; nothing if all events are in it.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn audit_lag(&self) -> Result<Option<AuditLag>, Error> {
        Ok(self.accounts().audit_lag().await?)
    }

    /// Forgets what no rule asks for any more, by the durable store's own clock where it has one: what a clock that ran
    /// ahead deletes is gone for every replica.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn purge(&self) -> Result<(), Error> {
        let now = self.accounts().clock().await?;
        let now = now.unwrap_or_else(|| self.now());
        Ok(self.accounts().purge(now).await?)
    }
}

/// Waits. Whether to go on after that.
async fn rested(period: Duration, stopping: &CancellationToken) -> bool {
    tokio::select! {
        () = stopping.cancelled() => false,
        () = sleep(period) => true,
    }
}
