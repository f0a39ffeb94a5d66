//! The sealer: committed audit events get their number and chain hash, off the hot path; and what no rule asks for any
//! more is swept away.

use crate::app::{App, Error};
use std::{future::Future, sync::Arc, time::Duration};

/// How often events are sealed.
const PERIOD: Duration = Duration::from_secs(1);

/// How many rounds of sealing go by between two sweeps.
const ROUNDS_BETWEEN_SWEEPS: u32 = 60;

impl App {
    /// Seals events until `stop` resolves.
    pub async fn run_sealer(self: Arc<Self>, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        let mut rounds: u32 = 0;
        loop {
            tokio::select! {
                () = &mut stop => return,
                () = tokio::time::sleep(PERIOD) => {}
            }
            if self.gate.pass().is_err() {
                continue;
            }
            rounds = rounds.wrapping_add(1);
            if let Err(error) = self.seal_events().await {
                tracing::error!(%error, "audit events could not be sealed; it is tried again");
            }
            if rounds.is_multiple_of(ROUNDS_BETWEEN_SWEEPS)
                && let Err(error) = self.sweep().await
            {
                tracing::error!(%error, "what is out of date could not be swept away; it is tried again");
            }
        }
    }

    /// Seals every committed event; how many there were.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn seal_events(&self) -> Result<u64, Error> {
        Ok(self.accounts().seal_events().await?)
    }

    /// Forgets what no rule asks for any more, by the durable store's own clock where it has one: what a clock that ran
    /// ahead deletes is gone for every replica.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn sweep(&self) -> Result<(), Error> {
        let now = self.accounts().clock().await?;
        let now = now.unwrap_or_else(|| self.now());
        Ok(self.accounts().sweep(now).await?)
    }
}
