//! Notices of account changes: who receives them, and what is queued with the change.

use crate::{
    app::{
        Error, context::OpenedAccount, randomness::Randomness,
        replayed_response::QueuedNoticeSummary, sealing::ValueSealing,
    },
    ports::Notifier,
};
use countersign_domain::{
    account::{
        Account,
        change::{AccountWriteOp, QueuedNotice},
    },
    authorization::proof::AcceptedProof,
    method::{Method, MethodKind},
    notice::message::{Notice, NoticeKind, OutboundNotice},
    revert::{RevertClaim, RevertToken, RevertibleChange},
    value::{
        destination::{Channel, Destination},
        time::Timestamp,
    },
};
use std::sync::Arc;

/// The notices of one change.
#[derive(Default)]
pub(super) struct ChangeNotice {
    /// Committed with the change.
    pub(super) notices: Vec<QueuedNotice>,
    /// Returned to the caller.
    pub(super) queued_notices: Vec<QueuedNoticeSummary>,
}

struct NoticeRecipient {
    destination: Destination,
    locale: Option<String>,
}

/// Composes notices and records how a change can be reverted.
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

    /// Composes one notice for each destination: the verified address and number of the profile, each method that is
    /// not suspended, and `new`. Destinations without a notifier are left out.
    ///
    /// Notices of the user's own changes are not sent if the policy turns `change_notices` off.
    pub(super) fn change_notice(
        &self,
        user: &OpenedAccount,
        new: impl IntoIterator<Item = Destination>,
        notice: &Notice,
    ) -> Result<ChangeNotice, Error> {
        if notice.kind.is_change_notice() && !user.policy.rules.change_notices {
            return Ok(ChangeNotice::default());
        }
        self.unconditional_notice(user, new, notice)
    }

    /// Like [`Self::change_notice`], whatever the policy says of `change_notices`.
    pub(super) fn unconditional_notice(
        &self,
        user: &OpenedAccount,
        new: impl IntoIterator<Item = Destination>,
        notice: &Notice,
    ) -> Result<ChangeNotice, Error> {
        let recipients = self.recipients(user, new)?;
        let queued = recipients
            .iter()
            .map(|recipient| self.queued(user, recipient, notice));
        Ok(ChangeNotice {
            notices: queued.collect(),
            queued_notices: recipients.iter().map(NoticeRecipient::masked).collect(),
        })
    }

    /// Like [`Self::change_notice`], for a change that can be reverted: e-mails carry the token. The revert record is
    /// written even if no e-mail is sent, because the revert of an earlier change also reverts this one.
    pub(super) fn revertible_notice(
        &self,
        user: &OpenedAccount,
        new: impl IntoIterator<Item = Destination>,
        notice: Notice,
        change_kind: RevertibleChange,
    ) -> Result<(ChangeNotice, AccountWriteOp), Error> {
        let (notice, write) = self.with_revert_token(user, notice, change_kind);
        Ok((self.change_notice(user, new, &notice)?, write))
    }

    /// The notices of a change that can be reverted and that this proof authorized. Where a code to the mailbox sufficed,
    /// they are sent whatever the policy says of `change_notices`.
    pub(super) fn notice_by_proof(
        &self,
        user: &OpenedAccount,
        notice: Notice,
        change_kind: RevertibleChange,
        accepted: &AcceptedProof,
    ) -> Result<(ChangeNotice, AccountWriteOp), Error> {
        let (notice, write) = self.with_revert_token(user, notice, change_kind);
        let change_notice = match accepted {
            AcceptedProof::MailboxCode(_) => self.unconditional_notice(user, [], &notice)?,
            _ => self.change_notice(user, [], &notice)?,
        };
        Ok((change_notice, write))
    }

    fn with_revert_token(
        &self,
        user: &OpenedAccount,
        notice: Notice,
        change_kind: RevertibleChange,
    ) -> (Notice, AccountWriteOp) {
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
        (notice, write)
    }

    /// A revert record whose token nobody receives: the change is reverted only together with an earlier one.
    pub(super) fn reverted_with_others(&self, change_kind: RevertibleChange) -> AccountWriteOp {
        AccountWriteOp::Revertible(
            RevertToken::new(self.randomness.bytes()).hash(),
            change_kind,
        )
    }

    /// The masked destination of a method; `None` for an authenticator app.
    pub(super) fn masked_destination(
        &self,
        account: &Account,
        method: &Method,
    ) -> Result<Option<String>, Error> {
        let secret = self.sealing.open_method(&account.subject, method)?;
        Ok(secret.destination().map(Destination::masked))
    }

    /// Notices for a pending reset that another change ends; empty if no reset is pending.
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
        // The profile's locale, not the call's: an attacker who adds a method must not choose a language that the user
        // can't read.
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

    /// Text messages carry no links: they have no room for one, and the phone may be stolen.
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
        // The reader of a text message cancels the reset by signing in with the code of the next one.
        let reset = notice.reset.clone();
        let reset = reset.filter(|_| channel == Channel::Email);
        let outbound = OutboundNotice {
            tenant: user.account.subject.tenant.clone(),
            destination: recipient.destination.clone(),
            locale: recipient.locale.clone(),
            account: user.account_label(false),
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
