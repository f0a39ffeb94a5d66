//! Approvals: the durable fact that a challenge was passed.

use crate::{
    authorization::{
        action::TransactionDigest,
        caller::{Audience, CallerName},
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

/// The durable fact that a challenge was passed, as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Its id.
    pub id: ApprovalId,
    /// The challenge. At most one approval names it.
    pub challenge: ChallengeId,
    /// Who passed.
    pub subject: Subject,
    /// Whose challenge it was, and whose approval it is.
    pub caller: CallerName,
    /// The guess that passed; a repeat of that very call meets it again.
    pub attempt_id: AttemptId,
    /// The payload's digest of the call that passed, where it had a request id.
    pub payload: Option<[u8; 16]>,
    /// What it is good for.
    pub purpose: ApprovedPurpose,
    /// What answered.
    pub answered_by: AnsweredBy,
    /// The method that answered.
    pub method: Option<MethodId>,
    /// Whom the assertion is for.
    pub audience: Option<Audience>,
    /// The user's epoch after it: it dies when that grows.
    pub epoch: Epoch,
    /// When it was given.
    pub at: Timestamp,
    /// The key that makes the device token given with it.
    pub key: KeyId,
    /// The device that was recognized or made.
    pub device: Option<DeviceId>,
}

/// What an approval is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApprovedPurpose {
    /// A sign-in.
    SignIn,
    /// One action, named as [`crate::authorization::action::Action`] writes itself.
    StepUp {
        /// The action.
        action: String,
        /// What the person was shown.
        digest: Option<TransactionDigest>,
    },
    /// The verification of an address.
    VerifyEmail,
    /// The confirmation of a new method.
    Enrollment,
    /// The confirmation of a reset.
    Reset,
    /// The one change that came with it, named as [`crate::authorization::action::Action`] writes itself. It is never brought to another.
    Change {
        /// The change.
        action: String,
    },
}

impl ApprovedPurpose {
    /// What the approval of a challenge will be good for.
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

    /// Whether a change may consume an approval of it: one that it is brought to, or the one that the challenge was for.
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

    /// Its name in stores and assertions; the same as the challenge's, where there is one.
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
    /// Whether it can still authorize something for `caller`: its own, of this epoch, and given no longer than `lifetime`
    /// ago. One that authorized something is on record no more.
    #[must_use]
    pub fn is_live(
        &self,
        caller: &CallerName,
        epoch: Epoch,
        lifetime: Duration,
        now: Timestamp,
    ) -> bool {
        let young = now.since(self.at) <= lifetime;
        self.caller == *caller && self.epoch == epoch && young
    }
}

#[cfg(test)]
mod tests;
