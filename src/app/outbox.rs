//! The outbox: news of a change leaves in the change's own transaction, and reaches people at least once, in order by
//! each channel. A notice that can't be delivered is dead, and holds up nothing.

use crate::{
    app::{App, Error},
    ports::{ClaimedNotice, Death, DoesNotOpen, NoticeOutcome},
};
use countersign_domain::{
    destination::Channel,
    message::{Content, Handover, Message, OutboundNotice},
    time::Timestamp,
};
use std::{future::Future, sync::Arc, time::Duration};
use tokio::{sync::Notify, time::timeout};
use tokio_util::sync::CancellationToken;

/// How long a process may hold a notice. After that, another one takes it up.
const LEASE: Duration = Duration::from_mins(1);

/// How often the outbox is looked at when nothing wakes its workers.
const IDLE: Duration = Duration::from_secs(1);

/// The longest wait between two tries of one notice.
const LONGEST_WAIT: Duration = Duration::from_mins(15);

/// A notice that nobody took for so long is dead.
const LONGEST_LIFE: Duration = Duration::from_hours(72);

/// Wakes the workers of the outbox, one for each channel, and the announcer.
#[derive(Default)]
pub(super) struct Bells {
    sms: Notify,
    email: Notify,
    announcer: Notify,
}

impl Bells {
    /// There may be something to deliver.
    pub(super) fn ring(&self) {
        self.sms.notify_one();
        self.email.notify_one();
    }

    /// There may be something to announce.
    pub(super) fn alarm(&self) {
        self.announcer.notify_one();
    }

    pub(super) const fn of_announcer(&self) -> &Notify {
        &self.announcer
    }

    const fn of(&self, channel: Channel) -> &Notify {
        match channel {
            Channel::Sms => &self.sms,
            Channel::Email => &self.email,
        }
    }
}

impl App {
    /// Delivers notices until `stop` resolves, each channel apart from the other: a slow notifier holds up nothing but
    /// its own. The delivery that was begun is finished.
    pub async fn run_outbox(self: Arc<Self>, stop: impl Future<Output = ()>) {
        let stopping = CancellationToken::new();
        let stopped = async {
            stop.await;
            stopping.cancel();
        };
        tokio::join!(
            stopped,
            self.work_on(Channel::Sms, &stopping),
            self.work_on(Channel::Email, &stopping)
        );
    }

    /// Delivers every notice that is due, and the ones behind it; how many reached a notifier.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the outbox can't be read or written.
    pub async fn deliver_due_notices(&self) -> Result<usize, Error> {
        let for_ever = CancellationToken::new();
        let by_sms = self.deliver_due(Channel::Sms, &for_ever).await?;
        let by_email = self.deliver_due(Channel::Email, &for_ever).await?;
        Ok(by_sms + by_email)
    }

    async fn work_on(&self, channel: Channel, stopping: &CancellationToken) {
        while !stopping.is_cancelled() {
            if self.gate.pass().is_ok()
                && let Err(error) = self.deliver_due(channel, stopping).await
            {
                tracing::error!(%error, channel = channel.as_str(), "the outbox could not be worked on; it is tried again");
            }
            let woken = timeout(IDLE, self.bells.of(channel).notified());
            tokio::select! {
                () = stopping.cancelled() => {}
                _ = woken => {}
            }
        }
    }

    /// One notice is held at a time, so that whoever stops or is slow leaves the others to other processes.
    async fn deliver_due(
        &self,
        channel: Channel,
        stopping: &CancellationToken,
    ) -> Result<usize, Error> {
        let mut delivered = 0;
        while !stopping.is_cancelled() {
            let now = self.now();
            let claimed = self
                .accounts()
                .claim_notice(channel, now, now.plus(LEASE))
                .await?;
            let Some(claimed) = claimed else { break };
            let outcome = self.deliver_notice(channel, &claimed).await;
            self.accounts().finish_notice(claimed.id, outcome).await?;
            delivered += usize::from(outcome == NoticeOutcome::Delivered);
        }
        Ok(delivered)
    }

    async fn deliver_notice(&self, channel: Channel, claimed: &ClaimedNotice) -> NoticeOutcome {
        let channel = channel.as_str();
        let notice = match self
            .sealing
            .open_notice(claimed.subject, claimed.id, &claimed.sealed)
        {
            Ok(notice) => notice,
            Err(Error::DoesNotOpen(DoesNotOpen::NotWhatWasSealed)) => {
                tracing::error!(notice = %claimed.id, channel, "a notice is not what was sealed; it is dead");
                return NoticeOutcome::Dead(self.now(), Death::DoesNotOpen);
            }
            Err(error) => {
                tracing::error!(notice = %claimed.id, channel, %error, "a notice does not open here; it is tried again");
                return elsewhere_or_never(claimed, self.now());
            }
        };
        match self
            .parts
            .notifier
            .deliver(&self.message(claimed, notice))
            .await
        {
            Handover::Taken => NoticeOutcome::Delivered,
            Handover::NotTaken | Handover::Unanswered => {
                later_or_never(claimed, channel, self.now())
            }
            Handover::Refused => {
                tracing::error!(notice = %claimed.id, channel, "a notice was refused for good; it is dead");
                NoticeOutcome::Dead(self.now(), Death::Refused)
            }
        }
    }

    fn message(&self, claimed: &ClaimedNotice, notice: OutboundNotice) -> Message {
        Message {
            key: claimed.id.to_string(),
            display_name: self.parts.display_names.of(&notice.tenant),
            tenant: notice.tenant,
            destination: notice.destination,
            locale: notice.locale,
            content: Content::Notice(notice.notice),
        }
    }
}

/// The ring or the version of this process may be the mistake; news of a change must outlive it. Others wait behind it
/// meanwhile, so that even that has an end.
fn elsewhere_or_never(claimed: &ClaimedNotice, now: Timestamp) -> NoticeOutcome {
    if now.since(claimed.queued_at) >= LONGEST_LIFE {
        return NoticeOutcome::Dead(now, Death::DoesNotOpen);
    }
    NoticeOutcome::RetryAt(now.plus(LONGEST_WAIT))
}

/// A notice that no notifier takes is tried again, but not for ever: others wait behind it.
fn later_or_never(claimed: &ClaimedNotice, channel: &str, now: Timestamp) -> NoticeOutcome {
    if now.since(claimed.queued_at) >= LONGEST_LIFE {
        tracing::error!(notice = %claimed.id, channel, "no notifier took a notice for three days; it is dead");
        return NoticeOutcome::Dead(now, Death::TooOld);
    }
    NoticeOutcome::RetryAt(now.plus(wait_after(claimed.attempts)))
}

/// 2, 4, 8, … seconds, up to a quarter of an hour.
fn wait_after(attempts: u32) -> Duration {
    let seconds = 2_u64.saturating_pow(attempts.saturating_add(1).min(16));
    Duration::from_secs(seconds).min(LONGEST_WAIT)
}
