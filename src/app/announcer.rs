//! The announcer: alarms that settlements raised become notices, off the path of the answer, and each once.

use crate::{
    app::{App, Error, notices::News},
    ports::{AccountLookup, Announcement},
};
use countersign_domain::alarm::Raised;
use std::{future::Future, sync::Arc, time::Duration};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How often alarms are looked for when nothing wakes the announcer.
const IDLE: Duration = Duration::from_secs(1);

/// When an alarm is tried again whose account does not open: another replica may have the key.
const NOT_BEFORE: Duration = Duration::from_mins(1);

/// An alarm that could not be announced for so long holds up its user's notices no more.
const PATIENCE: Duration = Duration::from_hours(72);

impl App {
    /// Announces alarms until `stop` resolves.
    pub async fn run_announcer(self: Arc<Self>, stop: impl Future<Output = ()>) {
        let stopping = CancellationToken::new();
        let stopped = async {
            stop.await;
            stopping.cancel();
        };
        tokio::join!(stopped, self.announce_until(&stopping));
    }

    /// Turns every alarm that is due into notices; how many there were.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the store can't be read or written.
    pub async fn announce_due_alarms(&self) -> Result<usize, Error> {
        let mut announced = 0;
        loop {
            let due = self.accounts().due_alarms(self.now()).await?;
            if due.is_empty() {
                return Ok(announced);
            }
            for raised in due {
                announced += usize::from(self.announce(raised).await?);
            }
        }
    }

    async fn announce_until(&self, stopping: &CancellationToken) {
        while !stopping.is_cancelled() {
            if self.gate.pass().is_ok()
                && let Err(error) = self.announce_due_alarms().await
            {
                tracing::error!(%error, "alarms could not be announced; it is tried again");
            }
            let woken = timeout(IDLE, self.bells.of_announcer().notified());
            tokio::select! {
                () = stopping.cancelled() => {}
                _ = woken => {}
            }
        }
    }

    /// Whether it was this process that announced it.
    async fn announce(&self, raised: Raised) -> Result<bool, Error> {
        let now = self.now();
        let News { notices, .. } = match self.news_of(&raised).await {
            Ok(news) => news,
            // A store that is down fails here again; one that can't read this account holds up nobody else's alarms.
            Err(error) if is_unavailable(&error) || now.since(raised.at) < PATIENCE => {
                tracing::error!(%error, alarm = raised.alarm.as_str(), "an alarm can't be announced; it is tried again");
                let later = now.plus(NOT_BEFORE);
                self.accounts()
                    .postpone_alarm(raised.position, later)
                    .await?;
                return Ok(false);
            }
            Err(error) => {
                tracing::error!(%error, alarm = raised.alarm.as_str(), "an alarm could not be announced; it is given up");
                News::default()
            }
        };
        let announcement = Announcement {
            raised,
            notices,
            now,
        };
        let ours = self.accounts().announce(&announcement).await?;
        self.bells.ring();
        Ok(ours)
    }

    async fn news_of(&self, raised: &Raised) -> Result<News, Error> {
        let loaded = self
            .accounts()
            .load(&raised.who, AccountLookup::default())
            .await?;
        let Some(account) = loaded.account else {
            return Ok(News::default());
        };
        let user = self.requests.open_scanned(account)?;
        let method = raised.alarm.method();
        let method = method.and_then(|(id, _)| user.account.method(id));
        let masked = |method| self.notices.masked_destination(&user.account, method);
        let destination = method.map(masked).transpose()?.flatten();
        let notice = raised.alarm.notice(destination, raised.at);
        self.notices.news(&user, [], &notice)
    }
}

const fn is_unavailable(error: &Error) -> bool {
    matches!(error, Error::Unavailable(_))
}
