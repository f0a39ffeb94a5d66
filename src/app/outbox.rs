//! The outbox: news of a change leaves in the change's own transaction, and reaches people at least once, in order.

use crate::{
    app::{App, Call, Error, deliver::display_name},
    ports::{ClaimedNotice, NoticeOutcome},
};
use countersign_domain::{
    account::Account,
    change::QueuedNotice,
    destination::Destination,
    message::{Content, Delivery, Message, Notice, OutboundNotice},
    method::{Kind, MethodSecret},
};
use std::{future::Future, sync::Arc, time::Duration};
use tokio::time::timeout;

/// How long a process may hold a notice. After that, another one takes it up.
const LEASE: Duration = Duration::from_mins(1);

/// How often the outbox is looked at when nothing wakes its worker.
const IDLE: Duration = Duration::from_secs(1);

/// The longest wait between two tries of one notice.
const LONGEST_WAIT: Duration = Duration::from_mins(15);

/// Someone who is told of a change.
pub(super) struct Recipient {
    destination: Destination,
    locale: Option<String>,
}

impl Recipient {
    /// The channel, and where it goes, masked.
    pub(super) fn masked(&self) -> (Kind, String) {
        let kind = match self.destination {
            Destination::Phone(_) => Kind::Sms,
            Destination::Email(_) => Kind::Email,
        };
        (kind, self.destination.masked())
    }
}

impl App {
    /// Delivers notices until `stop` resolves. What was begun is finished.
    pub async fn run_outbox(self: Arc<Self>, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        loop {
            let woken = timeout(IDLE, self.notices_queued.notified());
            tokio::select! {
                () = &mut stop => return,
                _ = woken => {}
            }
            if let Err(error) = self.deliver_due_notices().await {
                tracing::error!(%error, "the outbox could not be worked on; it is tried again");
            }
        }
    }

    /// Delivers every notice that is due, and the ones behind it; how many reached a notifier.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the outbox can't be read or written.
    pub async fn deliver_due_notices(&self) -> Result<usize, Error> {
        let mut delivered = 0;
        loop {
            let now = self.now();
            let claimed = self.accounts().claim_notices(now, now.plus(LEASE)).await?;
            if claimed.is_empty() {
                return Ok(delivered);
            }
            for notice in claimed {
                delivered += usize::from(self.deliver_notice(&notice).await?);
            }
        }
    }

    async fn deliver_notice(&self, claimed: &ClaimedNotice) -> Result<bool, Error> {
        let outcome = match self.open_notice(claimed.subject, claimed.id, &claimed.sealed) {
            Ok(notice) => self.parts.notifier.deliver(&message(claimed, notice)).await,
            Err(error) => {
                tracing::error!(notice = %claimed.id, %error, "a notice does not open; it stays in the outbox");
                Delivery::Failed
            }
        };
        let finished = match outcome {
            Delivery::HandedOver => NoticeOutcome::Delivered,
            Delivery::Failed | Delivery::Unknown => {
                NoticeOutcome::RetryAt(self.now().plus(wait_after(claimed.attempts)))
            }
        };
        self.accounts().finish_notice(claimed.id, finished).await?;
        Ok(finished == NoticeOutcome::Delivered)
    }

    /// Everyone who is to hear of a change: the verified address and number on file, every destination enrolled, and
    /// the one that is being enrolled.
    pub(super) fn everyone_to_tell(
        &self,
        account: &Account,
        new: Option<&MethodSecret>,
        call: &Call,
    ) -> Result<Vec<Recipient>, Error> {
        let on_file = self.on_file(account)?;
        let locale = self.locale(call, account)?;
        let email = on_file
            .profile
            .email
            .filter(|_| on_file.email_verified)
            .map(Destination::Email);
        let verified = on_file.profile.phone_verified;
        let phone = on_file
            .profile
            .phone
            .filter(|_| verified)
            .map(Destination::Phone);
        let mut destinations: Vec<Destination> = email.into_iter().chain(phone).collect();
        for method in &account.methods {
            let secret = self.open_method(&account.subject, method)?;
            destinations.extend(secret.destination().cloned());
        }
        destinations.extend(new.and_then(MethodSecret::destination).cloned());
        let mut recipients: Vec<Recipient> = Vec::new();
        for destination in destinations {
            if recipients
                .iter()
                .all(|known| known.destination.bucket() != destination.bucket())
            {
                recipients.push(Recipient {
                    destination,
                    locale: locale.clone(),
                });
            }
        }
        Ok(recipients)
    }

    /// Notices to be committed with a change.
    pub(super) fn queue(
        &self,
        call: &Call,
        told: &[Recipient],
        notice: &Notice,
    ) -> Vec<QueuedNotice> {
        let subject = self.tag(call);
        let queued = told.iter().map(|recipient| {
            let id = self.new_id();
            let outbound = OutboundNotice {
                tenant: call.who.tenant.clone(),
                destination: recipient.destination.clone(),
                locale: recipient.locale.clone(),
                notice: notice.clone(),
            };
            QueuedNotice {
                id,
                subject,
                sealed: self.seal_notice(subject, id, &outbound),
            }
        });
        queued.collect()
    }
}

fn message(claimed: &ClaimedNotice, notice: OutboundNotice) -> Message {
    Message {
        key: claimed.id.to_string(),
        display_name: display_name(&notice.tenant),
        tenant: notice.tenant,
        destination: notice.destination,
        locale: notice.locale,
        content: Content::Notice(notice.notice),
    }
}

/// 2, 4, 8, … seconds, up to a quarter of an hour.
fn wait_after(attempts: u32) -> Duration {
    let seconds = 2_u64.saturating_pow(attempts.saturating_add(1).min(16));
    Duration::from_secs(seconds).min(LONGEST_WAIT)
}
