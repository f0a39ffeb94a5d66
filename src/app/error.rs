//! What a use case can fail with: one closed list, which `grpc` turns into statuses in one `match`.

use crate::ports::{ProviderUnavailable, StoreUnavailable, UnsealError};
use countersign_domain::{
    authorization::caller::AudienceError,
    policy::PolicyConflict,
    refusal::Refusal,
    value::{malformed::InvalidField, time::Timestamp},
};
use std::time::Duration;

/// Why a call did not get its answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A field is malformed.
    #[error(transparent)]
    Invalid(#[from] InvalidField),
    /// The audience is not the caller's.
    #[error(transparent)]
    AudienceNotAllowed(#[from] AudienceError),
    /// No such user.
    #[error(
        "there is no such user in this tenant: upsert it first; ids are compared byte for byte"
    )]
    UserNotFound,
    /// No such method.
    #[error("the user has no such method")]
    MethodNotFound,
    /// No such device.
    #[error("the user has no such device")]
    DeviceNotFound,
    /// No such challenge.
    #[error("the user has no such challenge of this caller's")]
    ChallengeNotFound,
    /// No such reset.
    #[error("there is no pending reset with this token")]
    ResetNotFound,
    /// A precondition does not hold.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The budget of wrong codes is used up.
    #[error("too many wrong codes: the code was not looked at, right or wrong")]
    TooManyAttempts {
        /// When to try again.
        retry_after: Duration,
    },
    /// A budget of messages is used up.
    #[error("the next message to this destination has to wait")]
    TooManySends {
        /// When to try again.
        retry_after: Duration,
    },
    /// All slow hashes are busy, or all places of the caller or the process.
    #[error("the service is busy: try again")]
    Busy,
    /// Whoever keeps the passwords of accounts did not say whether one is right.
    #[error(
        "the password service did not answer: nothing was changed; try again with the same request_id"
    )]
    PasswordServiceUnavailable,
    /// The request id was used for something else.
    #[error(
        "this request_id was used with another payload, or too long ago: use a new one for a new call"
    )]
    RequestIdReused,
    /// The first call of this request id is still running.
    #[error("the first call with this request_id is still running: repeat it for its answer")]
    RequestInFlight,
    /// The policy moved.
    #[error("the policy changed since it was read: read it again, and decide anew")]
    PolicyMoved,
    /// The policy would contradict itself.
    #[error("the policy would contradict itself: {}", listed(.0))]
    PolicyConflict(Vec<PolicyConflict>),
    /// The account moved.
    #[error("the user changed while this call ran: repeat it")]
    ChangedConcurrently,
    /// This replica may not answer for now.
    #[error("this replica is out of service: {0}")]
    OutOfService(&'static str),
    /// A store can't prove what is needed.
    #[error(transparent)]
    Unavailable(#[from] StoreUnavailable),
    /// The owner of a code can't prove whether it was typed.
    #[error(transparent)]
    ProviderUnavailable(#[from] ProviderUnavailable),
    /// A sealed value does not open.
    #[error(transparent)]
    DoesNotOpen(#[from] UnsealError),
    /// Something that can't happen.
    #[error("a defect of Countersign: {0}")]
    Defect(&'static str),
}

impl Error {
    /// The user's budget of wrong codes is used up.
    pub(crate) fn too_many_attempts(until: Timestamp, now: Timestamp) -> Self {
        Self::TooManyAttempts {
            retry_after: until.since(now),
        }
    }

    /// A budget of messages is used up.
    pub(crate) fn too_many_sends(until: Timestamp, now: Timestamp) -> Self {
        Self::TooManySends {
            retry_after: until.since(now),
        }
    }
}

fn listed(conflicts: &[PolicyConflict]) -> String {
    let listed: Vec<String> = conflicts.iter().map(ToString::to_string).collect();
    listed.join("; ")
}
