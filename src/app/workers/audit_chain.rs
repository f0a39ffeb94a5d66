//! The audit chain and retention. Both run in the background: one numbers and hashes committed events, the other
//! deletes expired rows.

use crate::{
    app::{App, Error},
    ports::AuditLag,
};
use std::{future::Future, sync::Arc, time::Duration};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// The pause of the audit chain after it has caught up.
const CHAIN_PERIOD: Duration = Duration::from_secs(1);

/// After a round with at least this many events, the next round follows at once.
const EVENTS_PER_ROUND: u64 = 1_000;

/// How often the lag of the audit chain is read.
const LAG_PERIOD: Duration = Duration::from_secs(15);

/// The lag at which a warning is logged.
const MAX_LAG: Duration = Duration::from_secs(30);

/// The pause of retention after nothing was left to delete.
const RETENTION_PERIOD: Duration = Duration::from_mins(1);

impl App {
    /// Chains events and deletes expired rows until `stop` resolves, independently of each other.
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

    /// Chains committed events, a bounded number at once. Returns how many events it chained.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the store can't be read or written.
    pub async fn seal_events(&self) -> Result<u64, Error> {
        Ok(self.accounts().seal_events().await?)
    }

    /// How far the audit chain is behind; `None` if it contains all events.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the store can't be read.
    pub async fn audit_lag(&self) -> Result<Option<AuditLag>, Error> {
        Ok(self.accounts().audit_lag().await?)
    }

    /// Deletes expired rows by the durable store's own clock, if it has one. A replica with a fast clock would delete
    /// rows that other replicas still need.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the store can't be read or written.
    pub async fn purge(&self) -> Result<(), Error> {
        let now = self.accounts().clock().await?;
        let now = now.unwrap_or_else(|| self.now());
        Ok(self.accounts().purge(now).await?)
    }
}

/// Waits for `period`. Returns `false` if the process is stopping.
async fn rested(period: Duration, stopping: &CancellationToken) -> bool {
    tokio::select! {
        () = stopping.cancelled() => false,
        () = sleep(period) => true,
    }
}
