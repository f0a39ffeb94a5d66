//! Turns security alerts into notices, after the response and exactly once.

use crate::{
    app::{App, Error, notices::ChangeNotice},
    ports::{AccountLookup, AlertNotices},
};
use countersign_domain::notice::alert::PendingSecurityAlert;
use std::{future::Future, sync::Arc, time::Duration};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// The interval between reads if nothing wakes the dispatcher.
const IDLE_POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The delay before an alert is retried whose account can't be opened: another replica may have the key.
const RETRY_DELAY: Duration = Duration::from_mins(1);

/// After this time, an alert that could not become notices no longer blocks its user's later notices.
const DISPATCH_TIMEOUT: Duration = Duration::from_hours(72);

impl App {
    /// Dispatches security alerts until `stop` resolves.
    pub async fn run_alert_dispatcher(self: Arc<Self>, stop: impl Future<Output = ()>) {
        let stopping = CancellationToken::new();
        let stopped = async {
            stop.await;
            stopping.cancel();
        };
        tokio::join!(stopped, self.dispatch_until(&stopping));
    }

    /// Turns every due alert into notices. Returns how many alerts this process dispatched.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the store can't be read or written.
    pub async fn dispatch_due_alerts(&self) -> Result<usize, Error> {
        let mut announced = 0;
        loop {
            let due = self.accounts().due_alerts(self.now()).await?;
            if due.is_empty() {
                return Ok(announced);
            }
            for raised in due {
                announced += usize::from(self.dispatch_alert(raised).await?);
            }
        }
    }

    async fn dispatch_until(&self, stopping: &CancellationToken) {
        while !stopping.is_cancelled() {
            if self.readiness.pass().is_ok()
                && let Err(error) = self.dispatch_due_alerts().await
            {
                tracing::error!(%error, "alert_dispatcher failed; retrying");
            }
            let woken = timeout(
                IDLE_POLL_INTERVAL,
                self.wakeup.of_alert_dispatcher().notified(),
            );
            tokio::select! {
                () = stopping.cancelled() => {}
                _ = woken => {}
            }
        }
    }

    /// Dispatches an alert. Returns `false` if it was postponed or another process dispatched it.
    async fn dispatch_alert(&self, raised: PendingSecurityAlert) -> Result<bool, Error> {
        let now = self.now();
        let ChangeNotice { notices, .. } = match self.change_notice_for(&raised).await {
            Ok(notices) => notices,
            // If the store is down, the postponement fails too. If only this account can't be read, other users' alerts
            // go on.
            Err(error) if is_unavailable(&error) || now.since(raised.at) < DISPATCH_TIMEOUT => {
                tracing::error!(%error, alert = raised.alert.as_str(), "security alert can't be dispatched; retrying");
                let later = now.plus(RETRY_DELAY);
                self.accounts()
                    .postpone_alert(raised.position, later)
                    .await?;
                return Ok(false);
            }
            Err(error) => {
                tracing::error!(%error, alert = raised.alert.as_str(), "security alert dropped after 72 h");
                ChangeNotice::default()
            }
        };
        let announcement = AlertNotices {
            raised,
            notices,
            now,
        };
        let ours = self.accounts().dispatch_alert(&announcement).await?;
        self.wakeup.wake_outbox();
        Ok(ours)
    }

    async fn change_notice_for(
        &self,
        raised: &PendingSecurityAlert,
    ) -> Result<ChangeNotice, Error> {
        let loaded = self
            .accounts()
            .load(&raised.subject, AccountLookup::default())
            .await?;
        let Some(account) = loaded.account else {
            return Ok(ChangeNotice::default());
        };
        let user = self.requests.open_scanned(account)?;
        let method = raised.alert.method();
        let method = method.and_then(|(id, _)| user.account.method(id));
        let masked = |method| self.notices.masked_destination(&user.account, method);
        let destination = method.map(masked).transpose()?.flatten();
        let notice = raised.alert.notice(destination, raised.at);
        self.notices.change_notice(&user, [], &notice)
    }
}

const fn is_unavailable(error: &Error) -> bool {
    matches!(error, Error::Unavailable(_))
}
