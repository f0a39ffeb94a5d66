//! The outbox worker. Notices are committed with their change, and delivered at least once, in order for each user and
//! channel. An undeliverable notice becomes dead, and then blocks no other notice.
//!
//! Each channel delivers notices of different users concurrently, so a slow notifier delays only its own channel.

use crate::{
    app::{App, Error},
    ports::{ClaimedNotice, DeadNoticeReason, FinishedNotice, NoticeOutcome, UnsealError},
};
use countersign_domain::{
    notice::message::{DeliveryResult, MessageContent, OutboundMessage, OutboundNotice},
    value::{destination::Channel, id::NoticeId, time::Timestamp},
};
use std::{collections::HashMap, future::Future, sync::Arc, time::Duration};
use tokio::{
    task::{self, JoinError, JoinSet},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

/// How long a process may hold a notice. Afterwards another process may claim it.
const CLAIM_LEASE: Duration = Duration::from_mins(1);

/// Concurrent deliveries of one channel in one process.
const DELIVERIES_AT_ONCE: usize = 64;

/// The interval between claims if nothing wakes the worker.
const IDLE_POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The longest delay between two attempts to deliver one notice.
const MAX_RETRY_DELAY: Duration = Duration::from_mins(15);

/// After this time an undelivered notice is dead.
const MAX_NOTICE_AGE: Duration = Duration::from_hours(72);

impl App {
    /// Delivers notices until `stop` resolves, each channel independently. Running deliveries are finished.
    pub async fn run_outbox(self: Arc<Self>, stop: impl Future<Output = ()>) {
        let stopping = CancellationToken::new();
        let stopped = async {
            stop.await;
            stopping.cancel();
        };
        tokio::join!(
            stopped,
            OutboxWorker::new(&self, Channel::Sms).run(&stopping),
            OutboxWorker::new(&self, Channel::Email).run(&stopping)
        );
    }

    /// Delivers every due notice, and the notices that become due after it. Returns how many a notifier accepted.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the outbox can't be read or written.
    pub async fn deliver_due_notices(self: &Arc<Self>) -> Result<usize, Error> {
        let by_sms = OutboxWorker::new(self, Channel::Sms).deliver_all().await?;
        let by_email = OutboxWorker::new(self, Channel::Email)
            .deliver_all()
            .await?;
        Ok(by_sms + by_email)
    }

    async fn deliver_notice(&self, channel: Channel, claimed: &ClaimedNotice) -> NoticeOutcome {
        let channel = channel.as_str();
        let notice = match self
            .sealing
            .open_notice(claimed.subject, claimed.id, &claimed.sealed)
        {
            Ok(notice) => notice,
            Err(Error::DoesNotOpen(UnsealError::NotWhatWasSealed)) => {
                tracing::error!(notice = %claimed.id, channel, "notice altered in storage; marked dead");
                return NoticeOutcome::Dead(self.now(), DeadNoticeReason::DoesNotOpen);
            }
            Err(error) => {
                tracing::error!(notice = %claimed.id, channel, %error, "notice can't be opened; retrying");
                return retry_elsewhere_or_never(claimed, self.now());
            }
        };
        match self
            .parts
            .notifier
            .deliver(&self.message(claimed, notice))
            .await
        {
            DeliveryResult::Taken => NoticeOutcome::Delivered,
            DeliveryResult::NotTaken | DeliveryResult::Unanswered => {
                retry_later_or_never(claimed, channel, self.now())
            }
            DeliveryResult::Refused => {
                tracing::error!(notice = %claimed.id, channel, "notice refused permanently; marked dead");
                NoticeOutcome::Dead(self.now(), DeadNoticeReason::Refused)
            }
        }
    }

    fn message(&self, claimed: &ClaimedNotice, notice: OutboundNotice) -> OutboundMessage {
        OutboundMessage {
            // A retry that an operator asks for queues the notice again: for its notifier it is another message.
            key: format!("{}-{}", claimed.id, claimed.queued_at.millis()),
            display_name: self.parts.display_names.of(&notice.tenant),
            tenant: notice.tenant,
            destination: notice.destination,
            locale: notice.locale,
            account: notice.account,
            content: MessageContent::Notice(notice.notice),
        }
    }
}

/// The deliveries of one channel.
struct OutboxWorker {
    app: Arc<App>,
    channel: Channel,
    running: JoinSet<FinishedNotice>,
    /// The notice of each running delivery. If its lease ends and it is claimed again, it is not started twice.
    notices: HashMap<task::Id, NoticeId>,
    /// Outcomes that are not recorded yet.
    unrecorded: Vec<FinishedNotice>,
    /// Notices that a notifier accepted.
    delivered: usize,
}

impl OutboxWorker {
    fn new(app: &Arc<App>, channel: Channel) -> Self {
        Self {
            app: Arc::clone(app),
            channel,
            running: JoinSet::new(),
            notices: HashMap::new(),
            unrecorded: Vec::new(),
            delivered: 0,
        }
    }

    async fn run(mut self, stopping: &CancellationToken) {
        while !stopping.is_cancelled() {
            if self.app.readiness.pass().is_ok()
                && let Err(error) = self.begin_due(stopping).await
            {
                self.log_failure(&error);
            }
            self.wait(stopping).await;
        }
        self.drain().await;
    }

    /// Delivers all due notices until none is left. Returns how many a notifier accepted.
    async fn deliver_all(mut self) -> Result<usize, Error> {
        let never = CancellationToken::new();
        loop {
            self.begin_due(&never).await?;
            let Some(ended) = self.running.join_next_with_id().await else {
                return Ok(self.delivered);
            };
            self.note(ended);
        }
    }

    /// Records finished deliveries, and starts due ones up to the limit.
    async fn begin_due(&mut self, stopping: &CancellationToken) -> Result<(), Error> {
        loop {
            self.record().await?;
            let room = DELIVERIES_AT_ONCE.saturating_sub(self.running.len());
            if room == 0 || stopping.is_cancelled() {
                return Ok(());
            }
            let now = self.app.now();
            let claimed = self
                .app
                .accounts()
                .claim_notices(self.channel, now, now.plus(CLAIM_LEASE), room)
                .await?;
            for notice in claimed.notices {
                self.begin(notice);
            }
            if !claimed.has_more {
                return Ok(());
            }
        }
    }

    fn begin(&mut self, notice: ClaimedNotice) {
        let id = notice.id;
        if self.notices.values().any(|running| *running == id) {
            return;
        }
        let (app, channel) = (Arc::clone(&self.app), self.channel);
        let task = self.running.spawn(async move {
            let outcome = app.deliver_notice(channel, &notice).await;
            FinishedNotice { id, outcome }
        });
        self.notices.insert(task.id(), id);
    }

    /// Waits until a delivery ends or a notice may be due.
    async fn wait(&mut self, stopping: &CancellationToken) {
        let has_room = self.running.len() < DELIVERIES_AT_ONCE;
        let ended = tokio::select! {
            Some(ended) = self.running.join_next_with_id() => ended,
            () = stopping.cancelled() => return,
            () = self.app.wakeup.of(self.channel).notified(), if has_room => return,
            () = sleep(IDLE_POLL_INTERVAL) => return,
        };
        self.note(ended);
    }

    /// Finishes running deliveries. Records each outcome at once, because the process may exit before the others end.
    async fn drain(&mut self) {
        loop {
            if let Err(error) = self.record().await {
                self.log_failure(&error);
            }
            let Some(ended) = self.running.join_next_with_id().await else {
                return;
            };
            self.note(ended);
        }
    }

    fn note(&mut self, ended: Result<(task::Id, FinishedNotice), JoinError>) {
        match ended {
            Ok((task, finished)) => {
                self.notices.remove(&task);
                self.delivered += usize::from(finished.outcome == NoticeOutcome::Delivered);
                self.unrecorded.push(finished);
            }
            Err(error) => {
                self.notices.remove(&error.id());
                let channel = self.channel.as_str();
                tracing::error!(%error, channel, "notice delivery panicked; retrying when its lease ends");
            }
        }
    }

    /// Records all outcomes in one batch. After a failure they are kept for the next batch.
    async fn record(&mut self) -> Result<(), Error> {
        while let Some(ended) = self.running.try_join_next_with_id() {
            self.note(ended);
        }
        if !self.unrecorded.is_empty() {
            let now = self.app.now();
            self.app
                .accounts()
                .finish_notices(&self.unrecorded, now)
                .await?;
            self.unrecorded.clear();
        }
        Ok(())
    }

    fn log_failure(&self, error: &Error) {
        let channel = self.channel.as_str();
        tracing::error!(%error, channel, "outbox failed; retrying");
    }
}

/// Retries with the longest delay, because another process may have the missing key or version. After 72 hours the
/// notice is dead, so that it no longer blocks later ones.
fn retry_elsewhere_or_never(claimed: &ClaimedNotice, now: Timestamp) -> NoticeOutcome {
    if now.since(claimed.queued_at) >= MAX_NOTICE_AGE {
        return NoticeOutcome::Dead(now, DeadNoticeReason::DoesNotOpen);
    }
    NoticeOutcome::RetryAt(now.plus(MAX_RETRY_DELAY))
}

/// Retries a notice that no notifier accepted. After 72 hours it is dead, so that it no longer blocks later ones.
fn retry_later_or_never(claimed: &ClaimedNotice, channel: &str, now: Timestamp) -> NoticeOutcome {
    if now.since(claimed.queued_at) >= MAX_NOTICE_AGE {
        tracing::error!(notice = %claimed.id, channel, "notice undeliverable after 72 h; marked dead");
        return NoticeOutcome::Dead(now, DeadNoticeReason::TooOld);
    }
    NoticeOutcome::RetryAt(now.plus(wait_after(claimed.attempts)))
}

/// 2, 4, 8, … seconds, at most [`MAX_RETRY_DELAY`].
fn wait_after(attempts: u32) -> Duration {
    let seconds = 2_u64.saturating_pow(attempts.saturating_add(1).min(16));
    Duration::from_secs(seconds).min(MAX_RETRY_DELAY)
}
