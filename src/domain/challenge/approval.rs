//! Approvals: the durable fact that a challenge was passed.

use crate::{
    authorization::{
        action::TransactionDigest,
        caller::{Audience, CallerName},
        rejection::AuthorizationRejection,
    },
    challenge::{Challenge, Purpose, answered_by::AnsweredBy},
    value::{
        epoch::Epoch,
        id::{ApprovalId, AttemptId, ChallengeId, DeviceId, MethodId, Subject},
        secret::KeyId,
        time::Timestamp,
    },
};
use std::time::Duration;

/// The durable fact that a challenge was passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The id.
    pub id: ApprovalId,
    /// The challenge. It has at most one approval.
    pub challenge: ChallengeId,
    /// The user.
    pub subject: Subject,
    /// The caller that issued the challenge. The approval belongs to it.
    pub caller: CallerName,
    /// The attempt that passed. A repeat of its call receives this approval again.
    pub attempt_id: AttemptId,
    /// The digest of the payload of the call that passed; `None` without a request id.
    pub payload: Option<[u8; 16]>,
    /// The purpose.
    pub purpose: ApprovedPurpose,
    /// How the challenge was answered.
    pub answered_by: AnsweredBy,
    /// The method that answered.
    pub method: Option<MethodId>,
    /// The relying service that the assertion is for.
    pub audience: Option<Audience>,
    /// The credential epoch after the approval. The approval is invalid when the user's epoch grows.
    pub epoch: Epoch,
    /// When the challenge was passed.
    pub at: Timestamp,
    /// The id of the key that derives the device token returned with the approval.
    pub key: KeyId,
    /// The device that was recognized or added.
    pub device: Option<DeviceId>,
}

/// The purpose of an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApprovedPurpose {
    /// A sign-in.
    SignIn,
    /// One action, as the text of [`crate::authorization::action::Action`].
    StepUp {
        /// The action.
        action: String,
        /// The digest of the transaction that the user saw.
        digest: Option<TransactionDigest>,
    },
    /// The verification of an e-mail address.
    VerifyEmail,
    /// The confirmation of a new method.
    Enrollment,
    /// The confirmation of a reset.
    Reset,
    /// The one change in the same call, as the text of [`crate::authorization::action::Action`]. It authorizes no other
    /// change.
    Change {
        /// The change.
        action: String,
    },
}

impl ApprovedPurpose {
    /// The purpose of the approval of a challenge.
    #[must_use]
    pub fn of(challenge: &Challenge) -> Self {
        match &challenge.purpose {
            Purpose::SignIn => Self::SignIn,
            Purpose::StepUp {
                action,
                transaction,
            } => Self::StepUp {
                action: action.to_string(),
                digest: transaction
                    .as_ref()
                    .map(crate::authorization::action::Transaction::digest),
            },
            Purpose::VerifyEmail { .. } => Self::VerifyEmail,
            Purpose::Enrollment(_) => Self::Enrollment,
            Purpose::Reset(_) => Self::Reset,
        }
    }

    /// Whether a change may use up an approval of this purpose.
    #[must_use]
    pub const fn may_authorize(&self) -> bool {
        match self {
            Self::SignIn
            | Self::StepUp { .. }
            | Self::Enrollment
            | Self::Reset
            | Self::Change { .. } => true,
            Self::VerifyEmail => false,
        }
    }

    /// The name in stores and assertions, equal to that of the challenge's purpose if there is one.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::SignIn => "SIGN_IN",
            Self::StepUp { .. } => "STEP_UP",
            Self::VerifyEmail => "VERIFY_EMAIL",
            Self::Enrollment => "ENROLLMENT",
            Self::Reset => "RESET",
            Self::Change { .. } => "CHANGE",
        }
    }
}

impl Approval {
    /// Why it can't authorize anything for `caller`; `None` if it can: it belongs to this caller and epoch, and is at
    /// most `lifetime` old. A used approval is not in the account any more.
    #[must_use]
    pub fn rejection(
        &self,
        caller: &CallerName,
        epoch: Epoch,
        lifetime: Duration,
        now: Timestamp,
    ) -> Option<AuthorizationRejection> {
        if self.caller != *caller {
            Some(AuthorizationRejection::Unknown)
        } else if self.epoch != epoch {
            Some(AuthorizationRejection::AccountChanged)
        } else if now.since(self.at) > lifetime {
            Some(AuthorizationRejection::Expired)
        } else {
            None
        }
    }

    /// Whether it can still authorize something for `caller`: see [`Self::rejection`].
    #[must_use]
    pub fn is_live(
        &self,
        caller: &CallerName,
        epoch: Epoch,
        lifetime: Duration,
        now: Timestamp,
    ) -> bool {
        self.rejection(caller, epoch, lifetime, now).is_none()
    }
}

#[cfg(test)]
mod tests;
