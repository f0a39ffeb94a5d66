//! Changes: what a decision does to the durable record, as data. A store carries all of it out, or nothing.

mod apply;

pub use apply::{AppliedChange, ChangeRejection, MAX_REVERT_RECORDS};

use crate::{
    audit_event::AuditEvent,
    authorization::{caller::CallerName, proof::AcceptedProof},
    challenge::totp::TimeStep,
    device::{DeviceName, DeviceTokenHash, SeriesHash},
    limits::budget::AttemptClass,
    method::{Method, MethodLabel},
    recovery::{NewRecoverySet, bypass_code::NewBypassCode, reset::Reset},
    revert::{RevertPlan, RevertibleChange},
    value::{
        destination::Channel,
        epoch::Epoch,
        id::{
            ApprovalId, AttemptId, ChallengeId, DeviceId, MethodId, NoticeId, RecoverySetId,
            ResetId, Subject, SubjectTag,
        },
        idempotency_key::IdempotencyKey,
        secret::SealedBytes,
        time::Timestamp,
    },
};

/// All that one decision changes.
#[derive(Debug, Clone)]
pub struct AccountChange {
    /// Whose record.
    pub subject: Subject,
    /// From where it was decided.
    pub base: ChangeBase,
    /// The epoch after it.
    pub epoch: Epoch,
    /// When it was decided.
    pub now: Timestamp,
    /// Proofs that it uses up.
    pub consumed_proofs: Vec<ConsumedProof>,
    /// What it writes, in order.
    pub writes: Vec<AccountWriteOp>,
    /// What the audit record says of it.
    pub event: AuditEvent,
    /// What people are told of it.
    pub notices: Vec<QueuedNotice>,
    /// What a repeat of the call will meet.
    pub idempotency_record: Option<IdempotencyRecord>,
}

impl AccountChange {
    /// Whether the user goes by it.
    #[must_use]
    pub fn erases(&self) -> bool {
        let erases = |write: &AccountWriteOp| matches!(write, AccountWriteOp::Erase);
        self.writes.iter().any(erases)
    }
}

/// The record that a change was decided from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeBase {
    /// There was none, and an id that differs only in case is this one, mistyped.
    Absent,
    /// There was none, and ids that differ only in case are different users.
    AbsentToTheCase,
    /// It stood at this epoch and revision; if it has moved, the change is refused.
    Present(Epoch, i64),
    /// It stood at this epoch. What else it rests on, each write asks for itself, and it is as if nothing had changed:
    /// any number of such changes run side by side.
    Epoch(Epoch),
}

/// A proof to be used up. If it is used up already, the change is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsumedProof {
    /// An approval.
    Approval(ApprovalId),
    /// The attestation of this caller with this id.
    Attestation(CallerName, String),
}

impl ConsumedProof {
    /// What an accepted proof uses up; nothing where the change itself voids it.
    #[must_use]
    pub fn of(accepted: &AcceptedProof, caller: &CallerName) -> Option<Self> {
        match accepted {
            AcceptedProof::Approval(id)
            | AcceptedProof::Recovery(id)
            | AcceptedProof::Bypass(id) => Some(Self::Approval(*id)),
            AcceptedProof::Attestation(id) => {
                let id = id.as_str().to_owned();
                Some(Self::Attestation(caller.clone(), id))
            }
            AcceptedProof::Ticket => None,
        }
    }
}

/// One thing to write.
#[derive(Debug, Clone)]
pub enum AccountWriteOp {
    /// What is on file.
    Profile {
        /// The profile.
        profile: SealedBytes,
        /// Whether the address is verified.
        email_verified: bool,
        /// The version of the address.
        email_version: u32,
        /// The digest by which users are found who have this address.
        email_tag: Option<[u8; 16]>,
        /// Since when it is this one; nothing where that did not change.
        email_since: Option<Timestamp>,
    },
    /// The user's own key, with the first profile.
    UserKey(SealedBytes),
    /// A further method; the step of its set-up code counts as used.
    AddMethod(Method, Option<TimeStep>),
    /// A new name.
    RenameMethod(MethodId, MethodLabel),
    /// The user's choice of a default.
    SetDefault(MethodId),
    /// A method goes, and is the default no more.
    RemoveMethod(MethodId),
    /// A new set of recovery codes, or a new key, in place of the old.
    RecoveryCodes(NewRecoverySet),
    /// No recovery codes any more.
    NoRecoveryCodes,
    /// A device takes a new token.
    RotateToken(TokenRotation),
    /// Devices may skip the second factor until then.
    TrustDevices(Vec<DeviceId>, Timestamp),
    /// A device may not skip it any more, nor does a policy say so again.
    UntrustDevice(DeviceId),
    /// None may.
    UntrustDevices,
    /// A device is recognized no more.
    ForgetDevice(DeviceId),
    /// A new name.
    RenameDevice(DeviceId, DeviceName),
    /// The user goes, with everything that names them.
    Erase,
    /// All methods go, and none is the default; sign-in waits for nobody any more.
    RemoveAllMethods,
    /// A bypass code in place of the one before. It dies with the epoch after the change.
    BypassCode(NewBypassCode),
    /// The user has saved what this set is made of.
    ConfirmRecoveryCodes(RecoverySetId),
    /// A reset in place of the one before.
    BeginReset(Reset),
    /// The code of a reset is mailed, for this challenge.
    MailResetCode(ResetId, ChallengeId),
    /// A pending reset is canceled.
    CancelReset(ResetId),
    /// A reset is done.
    FinishReset(ResetId),
    /// No bypass code any more.
    NoBypassCode,
    /// The wrong codes so far fill no window any more. Methods that they disabled stay disabled.
    LiftWindows,
    /// The change can be reverted by whoever has the token.
    Revertible(DeviceTokenHash, RevertibleChange),
    /// A change is reverted, and all later ones with it.
    Revert(RevertPlan),
    /// No change so far can be reverted any more.
    NoRevertible,
    /// No device is recognized any more.
    NoDevices,
}

/// A trusted device's new token for the one that it showed. Refused if that is good no more, or trust is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenRotation {
    /// The device.
    pub device: DeviceId,
    /// What it showed.
    pub shown: DeviceTokenHash,
    /// What it is given.
    pub given: DeviceTokenHash,
    /// The series of that.
    pub series: SeriesHash,
}

/// How a challenge ended without an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnapprovedEnding {
    /// Too many wrong codes.
    Exhausted,
    /// The caller canceled it.
    Canceled,
    /// Another took its place.
    Superseded,
}

impl UnapprovedEnding {
    /// Its name in stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exhausted => "EXHAUSTED",
            Self::Canceled => "CANCELED",
            Self::Superseded => "SUPERSEDED",
        }
    }

    /// The ending with that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Exhausted, Self::Canceled, Self::Superseded]
            .into_iter()
            .find(|ending| ending.as_str() == name)
    }
}

/// A guess at a code that was judged wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailedAttempt {
    /// At which challenge.
    pub challenge: ChallengeId,
    /// Which guess.
    pub attempt_id: AttemptId,
    /// Which budget it is charged to.
    pub class: AttemptClass,
    /// When it was judged.
    pub at: Timestamp,
}

/// What a repeat of a call will meet: marks, and, only for what is shown or opened once, the sealed answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyRecord {
    /// Of the call.
    pub idempotency_key: IdempotencyKey,
    /// What the call made.
    pub created: CreatedResource,
    /// Recovery codes, or the challenge of an enrollment, sealed.
    pub answer: Option<SealedBytes>,
    /// When the call ran.
    pub at: Timestamp,
}

/// What a call made, for a repeat to find it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreatedResource {
    /// Nothing that has an id.
    Nothing,
    /// An enrollment.
    Challenge(ChallengeId),
    /// A method.
    Method(MethodId),
    /// A token for a device.
    TokenOf(DeviceId),
}

/// A message to a person, to be sent once the change is committed.
#[derive(Debug, Clone)]
pub struct QueuedNotice {
    /// Its id; the notifier's idempotency key.
    pub id: NoticeId,
    /// Whose it is; messages of one user go out in order, by each channel.
    pub subject: SubjectTag,
    /// By which channel.
    pub channel: Channel,
    /// Destination, language and content.
    pub sealed: SealedBytes,
}

#[cfg(test)]
mod tests;
