//! The errors of use cases: one closed list, which `grpc` maps to statuses in one `match`.

use crate::ports::{ProviderUnavailable, StoreUnavailable, UnsealError};
use countersign_domain::{
    authorization::caller::AudienceError,
    policy::PolicyConflict,
    refusal::Refusal,
    value::{malformed::InvalidField, time::Timestamp},
};
use std::time::Duration;

/// Why a use case failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A field is malformed.
    #[error(transparent)]
    Invalid(#[from] InvalidField),
    /// The caller may not use the audience.
    #[error(transparent)]
    AudienceNotAllowed(#[from] AudienceError),
    /// The user does not exist in this tenant.
    #[error(
        "no user with this user_id in this tenant: call UpsertUser first; ids are compared byte for byte"
    )]
    UserNotFound,
    /// The user has no method with the given id.
    #[error("the user has no method with this id: GetMethodSettings lists the user's methods")]
    MethodNotFound,
    /// The user has no device with the given id.
    #[error("the user has no device with this id: ListDevices lists the user's devices")]
    DeviceNotFound,
    /// This caller has no such challenge of this user.
    #[error("this caller has no challenge with this challenge_id for the user: issue a new one")]
    ChallengeNotFound,
    /// No reset is pending with the given token.
    #[error("no pending reset has this token: it is unknown, or the reset has ended")]
    ResetNotFound,
    /// A precondition does not hold.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A rate limit of wrong codes is reached.
    #[error(
        "too many wrong codes: this code was not checked; try again after the delay in RetryInfo"
    )]
    TooManyAttempts {
        /// How long to wait before the next call.
        retry_after: Duration,
    },
    /// A rate limit of messages is reached.
    #[error("too many messages: no message was sent; try again after the delay in RetryInfo")]
    TooManySends {
        /// How long to wait before the next call.
        retry_after: Duration,
    },
    /// No permit is free: for slow hashes, for scans, for this caller or for the process.
    #[error("the service is busy: try again after the delay in RetryInfo")]
    Busy,
    /// The password service gave no verdict on the password.
    #[error(
        "the password service did not answer: nothing was changed; try again with the same request_id"
    )]
    PasswordServiceUnavailable,
    /// The request id belongs to a call with another payload.
    #[error(
        "request_id was used with another payload, or too long ago: use a new request_id for a new call"
    )]
    RequestIdReused,
    /// The first call with this request id has not finished.
    #[error("the first call with this request_id is still running: repeat the call for its result")]
    RequestInFlight,
    /// The policy changed since its etag was read.
    #[error("the policy changed since it was read: call GetPolicy again and use the new etag")]
    PolicyMoved,
    /// The policy would contradict itself.
    #[error("the policy would contradict itself: {}", listed(.0))]
    PolicyConflict(Vec<PolicyConflict>),
    /// The account changed during the call.
    #[error("the user changed while this call ran: repeat the call")]
    ChangedConcurrently,
    /// This replica is not ready.
    #[error("this replica is not ready: {0}")]
    OutOfService(&'static str),
    /// A store is unavailable.
    #[error(transparent)]
    Unavailable(#[from] StoreUnavailable),
    /// The provider that owns the code gave no verdict on it.
    #[error(transparent)]
    ProviderUnavailable(#[from] ProviderUnavailable),
    /// A sealed value can't be opened.
    #[error(transparent)]
    DoesNotOpen(#[from] UnsealError),
    /// An internal invariant does not hold.
    #[error("internal error: {0}")]
    Defect(&'static str),
}

impl Error {
    /// A rate limit of wrong codes is reached until `until`.
    pub(crate) fn too_many_attempts(until: Timestamp, now: Timestamp) -> Self {
        Self::TooManyAttempts {
            retry_after: until.since(now),
        }
    }

    /// A rate limit of messages is reached until `until`.
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
