//! Account changes: what a decision changes, as data. A store saves all of a change or nothing.

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
    /// The user.
    pub subject: Subject,
    /// The state from which it was decided.
    pub base: ChangeBase,
    /// The credential epoch after the change.
    pub epoch: Epoch,
    /// When it was decided.
    pub now: Timestamp,
    /// Proofs that the change uses up.
    pub consumed_proofs: Vec<ConsumedProof>,
    /// The writes, in order.
    pub writes: Vec<AccountWriteOp>,
    /// The audit event.
    pub event: AuditEvent,
    /// The notices to the user.
    pub notices: Vec<QueuedNotice>,
    /// The record from which a repeated call is answered.
    pub idempotency_record: Option<IdempotencyRecord>,
}

impl AccountChange {
    /// Whether the change deletes the user.
    #[must_use]
    pub fn erases(&self) -> bool {
        let erases = |write: &AccountWriteOp| matches!(write, AccountWriteOp::Erase);
        self.writes.iter().any(erases)
    }
}

/// The state from which a change was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeBase {
    /// No account existed. An existing id that differs only in case is taken for a typing error, and rejects the
    /// change.
    Absent,
    /// No account existed. Ids that differ only in case are different users.
    AbsentToTheCase,
    /// The account had this epoch and revision. If either differs at the commit, the change is rejected.
    Present(Epoch, i64),
    /// The account had this epoch. Each write checks its own preconditions, and the revision does not grow. Any number
    /// of such changes can run concurrently.
    Epoch(Epoch),
}

/// A proof to be used up. If it is used up already, the change is rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsumedProof {
    /// An approval.
    Approval(ApprovalId),
    /// The attestation of this caller with this id.
    Attestation(CallerName, String),
}

impl ConsumedProof {
    /// What an accepted proof uses up; `None` if the change itself invalidates the proof.
    #[must_use]
    pub fn of(accepted: &AcceptedProof, caller: &CallerName) -> Option<Self> {
        match accepted {
            AcceptedProof::Approval(id)
            | AcceptedProof::Recovery(id)
            | AcceptedProof::Bypass(id)
            | AcceptedProof::MailboxCode(id) => Some(Self::Approval(*id)),
            AcceptedProof::Attestation(id) => {
                let id = id.as_str().to_owned();
                Some(Self::Attestation(caller.clone(), id))
            }
            AcceptedProof::Ticket => None,
        }
    }
}

/// One write of a change.
#[derive(Debug, Clone)]
pub enum AccountWriteOp {
    /// Replaces the profile.
    Profile {
        /// The sealed profile.
        profile: SealedBytes,
        /// Whether the e-mail address is verified.
        email_verified: bool,
        /// The version of the e-mail address.
        email_version: u32,
        /// Digest of the e-mail address, by which users are found.
        email_tag: Option<[u8; 16]>,
        /// Since when the user has this address; `None` if it did not change.
        email_since: Option<Timestamp>,
    },
    /// Sets the user's own key, with the first profile.
    UserKey(SealedBytes),
    /// Adds a method. The time step of its enrollment code counts as used.
    AddMethod(Method, Option<TimeStep>),
    /// Renames a method.
    RenameMethod(MethodId, MethodLabel),
    /// Sets the user's default method.
    SetDefault(MethodId),
    /// Removes a method. If it is the user's default, the user has none afterwards.
    RemoveMethod(MethodId),
    /// Removes a method that the user declared lost. It keeps its strength for 72 hours.
    RemoveLostMethod(MethodId),
    /// Replaces the recovery codes or recovery key.
    RecoveryCodes(NewRecoverySet),
    /// Until this instant, the recovery codes or key authorize no change after a sign-in.
    RestrictRecovery(Timestamp),
    /// Removes the recovery codes or recovery key.
    NoRecoveryCodes,
    /// Gives a new token to a device.
    RotateToken(TokenRotation),
    /// Trusts devices until this instant, so that they may skip the second factor.
    TrustDevices(Vec<DeviceId>, Timestamp),
    /// Withdraws trust from a device. No policy trusts it automatically again.
    UntrustDevice(DeviceId),
    /// Withdraws trust from all devices.
    UntrustDevices,
    /// Removes a device.
    ForgetDevice(DeviceId),
    /// Renames a device.
    RenameDevice(DeviceId, DeviceName),
    /// Deletes the user, with all records that identify them.
    Erase,
    /// Removes all methods and the default, and ends a pending review.
    RemoveAllMethods,
    /// Replaces the bypass code. The new one is valid in the epoch after the change.
    BypassCode(NewBypassCode),
    /// Records that the user saved this set of recovery codes or key.
    ConfirmRecoveryCodes(RecoverySetId),
    /// Replaces the reset with a new one.
    BeginReset(Reset),
    /// Records the challenge of the code mailed for a reset.
    MailResetCode(ResetId, ChallengeId),
    /// Cancels a pending reset.
    CancelReset(ResetId),
    /// Deletes a completed reset.
    FinishReset(ResetId),
    /// Removes the bypass code.
    NoBypassCode,
    /// Takes the wrong attempts so far out of all windows. Methods that they disabled stay disabled.
    LiftWindows,
    /// Makes the change revertible with this token.
    Revertible(DeviceTokenHash, RevertibleChange),
    /// Reverts a change and all later ones.
    Revert(RevertPlan),
    /// Deletes all revert records.
    NoRevertible,
    /// Removes all devices.
    NoDevices,
}

/// Replaces the token of a trusted device. Rejected if the presented token or the trust is no longer valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenRotation {
    /// The device.
    pub device: DeviceId,
    /// The token that the device presented.
    pub shown: DeviceTokenHash,
    /// The new token.
    pub given: DeviceTokenHash,
    /// The series of the new token.
    pub series: SeriesHash,
}

/// How a challenge ended without an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnapprovedEnding {
    /// Its attempts were used up.
    Exhausted,
    /// The caller canceled it.
    Canceled,
    /// Another challenge replaced it.
    Superseded,
}

impl UnapprovedEnding {
    /// The name in stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exhausted => "EXHAUSTED",
            Self::Canceled => "CANCELED",
            Self::Superseded => "SUPERSEDED",
        }
    }

    /// Finds an ending by its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Exhausted, Self::Canceled, Self::Superseded]
            .into_iter()
            .find(|ending| ending.as_str() == name)
    }
}

/// A wrong attempt, as rate-limit windows count it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailedAttempt {
    /// The challenge.
    pub challenge: ChallengeId,
    /// The attempt.
    pub attempt_id: AttemptId,
    /// The budget that it is charged to.
    pub class: AttemptClass,
    /// When it was judged.
    pub at: Timestamp,
}

/// The record from which a repeated call is answered. It has an answer only where the answer can be given once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyRecord {
    /// The key of the call.
    pub idempotency_key: IdempotencyKey,
    /// What the call created.
    pub created: CreatedResource,
    /// The sealed answer: recovery codes, or the challenge of an enrollment.
    pub answer: Option<SealedBytes>,
    /// When the call ran.
    pub at: Timestamp,
}

/// What a call created, by which a repeat finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreatedResource {
    /// Nothing that has an id.
    Nothing,
    /// An enrollment challenge.
    Challenge(ChallengeId),
    /// A method.
    Method(MethodId),
    /// A token of this device.
    TokenOf(DeviceId),
}

/// A notice to a user, delivered after the change is committed.
#[derive(Debug, Clone)]
pub struct QueuedNotice {
    /// The id of the notice. Notifiers receive it as the idempotency key.
    pub id: NoticeId,
    /// The user's pseudonym. Notices of one user are delivered in order on each channel.
    pub subject: SubjectTag,
    /// The channel.
    pub channel: Channel,
    /// Destination, language and content, sealed.
    pub sealed: SealedBytes,
}

#[cfg(test)]
mod tests;
