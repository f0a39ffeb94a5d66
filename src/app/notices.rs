//! Notices: who is told of a change, and what is queued for them with it.

use crate::{
    app::{
        Error, context::OpenedAccount, replayed_response::QueuedNoticeSummary,
        randomness::Randomness, sealing::ValueSealing,
    },
    ports::Notifier,
};
use countersign_domain::{
    account::{
        Account,
        change::{AccountWriteOp, QueuedNotice},
    },
    method::{Method, MethodKind},
    notice::message::{Notice, NoticeKind, OutboundNotice},
    revert::{RevertClaim, RevertToken, RevertibleChange},
    value::{
        destination::{Channel, Destination},
        time::Timestamp,
    },
};
use std::sync::Arc;

/// What people are told of a change.
#[derive(Default)]
pub(super) struct ChangeNotice {
    /// To be committed with the change.
    pub(super) notices: Vec<QueuedNotice>,
    /// For whoever asked for the change.
    pub(super) queued_notices: Vec<QueuedNoticeSummary>,
}

/// Someone who is told of a change.
struct NoticeRecipient {
    destination: Destination,
    locale: Option<String>,
}

/// Tells people of changes.
#[derive(Clone)]
pub(super) struct NoticeComposer {
    notifier: Arc<dyn Notifier>,
    sealing: ValueSealing,
    randomness: Randomness,
}

impl NoticeComposer {
    pub(super) fn new(
        notifier: Arc<dyn Notifier>,
        sealing: ValueSealing,
        randomness: Randomness,
    ) -> Self {
        Self {
            notifier,
            sealing,
            randomness,
        }
    }

    /// What everyone is told who is to hear of a change: the verified address and number on file, every destination
    /// enrolled and not suspended, and what comes `new` with the change; as far as a notifier gets there, each once. Nobody
    /// is told of a change of their own where the policy has no confirmations.
    pub(super) fn change_notice(
        &self,
        user: &OpenedAccount,
        new: impl IntoIterator<Item = Destination>,
        notice: &Notice,
    ) -> Result<ChangeNotice, Error> {
        if notice.kind.is_change_notice() && !user.policy.rules.change_notices {
            return Ok(ChangeNotice::default());
        }
        let recipients = self.recipients(user, new)?;
        let queued = recipients
            .iter()
            .map(|recipient| self.queued(user, recipient, notice));
        Ok(ChangeNotice {
            notices: queued.collect(),
            queued_notices: recipients.iter().map(NoticeRecipient::masked).collect(),
        })
    }

    /// The same of a change that can be reverted: e-mails tell how, and what is written lets it happen. It is written where
    /// no e-mail goes out, too: who disclaims an earlier change reverts this one with it.
    pub(super) fn revertible_notice(
        &self,
        user: &OpenedAccount,
        new: impl IntoIterator<Item = Destination>,
        notice: Notice,
        change_kind: RevertibleChange,
    ) -> Result<(ChangeNotice, AccountWriteOp), Error> {
        let token = RevertToken::new(self.randomness.bytes());
        let write = AccountWriteOp::Revertible(token.hash(), change_kind);
        let disclaimer = Some(RevertClaim {
            user: user.account.subject.user.clone(),
            token,
        });
        let notice = Notice {
            disclaimer,
            ..notice
        };
        Ok((self.change_notice(user, new, &notice)?, write))
    }

    /// A change that is reverted with an earlier one, and never by itself: nobody is given its token.
    pub(super) fn reverted_with_others(&self, change_kind: RevertibleChange) -> AccountWriteOp {
        AccountWriteOp::Revertible(
            RevertToken::new(self.randomness.bytes()).hash(),
            change_kind,
        )
    }

    /// Where messages of a method go, masked; nothing for an app.
    pub(super) fn masked_destination(
        &self,
        account: &Account,
        method: &Method,
    ) -> Result<Option<String>, Error> {
        let secret = self.sealing.open_method(&account.subject, method)?;
        Ok(secret.destination().map(Destination::masked))
    }

    /// What everyone is told where another change ends the reset that is pending, if one is.
    pub(super) fn ended_reset_notice(
        &self,
        user: &OpenedAccount,
        now: Timestamp,
    ) -> Result<Vec<QueuedNotice>, Error> {
        let account = &user.account;
        let pending = account.reset.as_ref();
        if !pending.is_some_and(|reset| reset.is_pending(account.epoch, now)) {
            return Ok(Vec::new());
        }
        let notice = Notice::of(NoticeKind::ResetCanceled, now);
        Ok(self.change_notice(user, [], &notice)?.notices)
    }

    fn recipients(
        &self,
        user: &OpenedAccount,
        new: impl IntoIterator<Item = Destination>,
    ) -> Result<Vec<NoticeRecipient>, Error> {
        let account = &user.account;
        // Not the call's: whoever added a method must not choose a language that its owner can't read.
        let locale = user
            .profile()
            .locale
            .as_ref()
            .map(|locale| locale.as_str().to_owned());
        let mut destinations = user.profile_record.verified();
        let own = account.methods.iter().filter(|method| !method.suspended);
        for method in own {
            let secret = self.sealing.open_method(&account.subject, method)?;
            destinations.extend(secret.destination().cloned());
        }
        destinations.extend(new);
        destinations.retain(|destination| self.notifier.reaches(destination));
        let mut recipients: Vec<NoticeRecipient> = Vec::new();
        for destination in destinations {
            if recipients
                .iter()
                .all(|known| known.destination.bucket() != destination.bucket())
            {
                recipients.push(NoticeRecipient {
                    destination,
                    locale: locale.clone(),
                });
            }
        }
        Ok(recipients)
    }

    /// A text message has no room for a link, and whoever holds a stolen telephone has no use of one.
    fn queued(
        &self,
        user: &OpenedAccount,
        recipient: &NoticeRecipient,
        notice: &Notice,
    ) -> QueuedNotice {
        let (id, subject) = (self.randomness.id(), user.subject_tag);
        let channel = recipient.destination.channel();
        let disclaimer = notice.disclaimer.clone();
        let disclaimer = disclaimer.filter(|_| channel == Channel::Email);
        // Whoever reads a text message cancels a reset by signing in with the next one.
        let reset = notice.reset.clone();
        let reset = reset.filter(|_| channel == Channel::Email);
        let outbound = OutboundNotice {
            tenant: user.account.subject.tenant.clone(),
            destination: recipient.destination.clone(),
            locale: recipient.locale.clone(),
            notice: Notice {
                disclaimer,
                reset,
                ..notice.clone()
            },
        };
        QueuedNotice {
            id,
            subject,
            channel,
            sealed: self.sealing.seal_notice(subject, id, &outbound),
        }
    }
}

impl NoticeRecipient {
    fn masked(&self) -> QueuedNoticeSummary {
        let channel = match self.destination {
            Destination::Phone(_) => MethodKind::Sms,
            Destination::Email(_) => MethodKind::Email,
        };
        QueuedNoticeSummary {
            channel,
            masked_destination: self.destination.masked(),
        }
    }
}
