//! The outbox: news of a change leaves in the change's own transaction, and reaches people at least once, in order by
//! each channel. A notice that can't be delivered is dead, and holds up nothing.
//!
//! Each channel has its own deliveries: many at once, of different users, so that a slow notifier delays only its channel.

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

/// How long a process may hold a notice. After that, another one takes it up.
const CLAIM_LEASE: Duration = Duration::from_mins(1);

/// How many notices of one channel this process delivers at once.
const DELIVERIES_AT_ONCE: usize = 64;

/// How often the outbox is looked at when nothing wakes its workers.
const IDLE_POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The longest wait between two tries of one notice.
const MAX_RETRY_DELAY: Duration = Duration::from_mins(15);

/// A notice that nobody took for so long is dead.
const MAX_NOTICE_AGE: Duration = Duration::from_hours(72);

impl App {
    /// Delivers notices until `stop` resolves, each channel apart from the other: a slow notifier holds up nothing but
    /// its own. The deliveries that have begun are finished.
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

    /// Delivers every notice that is due, and the ones behind it; how many reached a notifier.
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
                tracing::error!(notice = %claimed.id, channel, "a notice is not what was sealed; it is dead");
                return NoticeOutcome::Dead(self.now(), DeadNoticeReason::DoesNotOpen);
            }
            Err(error) => {
                tracing::error!(notice = %claimed.id, channel, %error, "a notice does not open here; it is tried again");
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
                tracing::error!(notice = %claimed.id, channel, "a notice was refused for good; it is dead");
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
            content: MessageContent::Notice(notice.notice),
        }
    }
}

/// The deliveries of one channel.
struct OutboxWorker {
    app: Arc<App>,
    channel: Channel,
    running: JoinSet<FinishedNotice>,
    /// The notice of each delivery. One that outlasts its lease is claimed again, but not begun again.
    notices: HashMap<task::Id, NoticeId>,
    /// Outcomes that the store does not know yet.
    unrecorded: Vec<FinishedNotice>,
    /// How many notices reached a notifier.
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

    /// Delivers all that is due, until nothing is left; how many notices reached a notifier.
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

    /// Records what has ended, and begins what is due, as far as there is room.
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

    /// Until a delivery ends, or something may be due.
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

    /// Finishes what has begun. What has ended is recorded at once: the process may not wait for the rest.
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
                tracing::error!(%error, channel, "a delivery panicked; it is tried again when its lease ends");
            }
        }
    }

    /// Records all outcomes in one batch. If that fails, they are kept, and recorded with the next ones.
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
        tracing::error!(%error, channel, "the outbox could not be worked on; it is tried again");
    }
}

/// The ring or the version of this process may be the mistake; news of a change must outlive it. Others wait behind it
/// meanwhile, so that even that has an end.
fn retry_elsewhere_or_never(claimed: &ClaimedNotice, now: Timestamp) -> NoticeOutcome {
    if now.since(claimed.queued_at) >= MAX_NOTICE_AGE {
        return NoticeOutcome::Dead(now, DeadNoticeReason::DoesNotOpen);
    }
    NoticeOutcome::RetryAt(now.plus(MAX_RETRY_DELAY))
}

/// A notice that no notifier takes is tried again, but not for ever: others wait behind it.
fn retry_later_or_never(claimed: &ClaimedNotice, channel: &str, now: Timestamp) -> NoticeOutcome {
    if now.since(claimed.queued_at) >= MAX_NOTICE_AGE {
        tracing::error!(notice = %claimed.id, channel, "no notifier took a notice for three days; it is dead");
        return NoticeOutcome::Dead(now, DeadNoticeReason::TooOld);
    }
    NoticeOutcome::RetryAt(now.plus(wait_after(claimed.attempts)))
}

/// 2, 4, 8, … seconds, up to a quarter of an hour.
fn wait_after(attempts: u32) -> Duration {
    let seconds = 2_u64.saturating_pow(attempts.saturating_add(1).min(16));
    Duration::from_secs(seconds).min(MAX_RETRY_DELAY)
}
