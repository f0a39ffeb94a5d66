//! Maps errors to statuses in one `match`. The cause of a failure is logged here, once, and never sent.

use crate::{app::Error, ports::StoreUnavailable};
use countersign_domain::{
    authorization::caller::CallerRight, refusal::Refusal, value::malformed::InvalidField,
};
use countersign_proto::v1::ErrorReason;
use countersign_transport::{
    callers::UnknownCaller,
    status::{RETRY_SOON_DELAY, defect, error_info, with_metadata, with_reason, with_retry},
};
use std::time::Duration;
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// When to retry after a provider or a password service did not answer.
const RETRY_SHORT_DELAY: Duration = Duration::from_secs(2);

/// When to retry after a replica was not ready. Replicas probe their stores every two seconds.
const RETRY_MEDIUM_DELAY: Duration = Duration::from_secs(4);

/// When to retry after a failure that only an operator can fix.
const RETRY_LONG_DELAY: Duration = Duration::from_secs(30);

/// Why a call is refused before its use case runs.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallerDenial {
    /// The caller is not authenticated.
    #[error(transparent)]
    Unknown(#[from] UnknownCaller),
    /// The caller lacks the right.
    #[error("this caller lacks the right `{0}`: an operator can add it to the caller's `rights`")]
    RightMissing(CallerRight),
    /// The caller may not act for the tenant.
    #[error(
        "this caller may not act for this tenant_id: an operator can add it to the caller's `tenants`"
    )]
    TenantNotAllowed,
    /// A field is malformed.
    #[error(transparent)]
    Invalid(#[from] InvalidField),
}

impl From<CallerDenial> for Status {
    fn from(denied: CallerDenial) -> Self {
        let message = denied.to_string();
        match denied {
            CallerDenial::Unknown(unknown) => unknown.into(),
            CallerDenial::RightMissing(_) => {
                with_reason(Code::PermissionDenied, ErrorReason::RightMissing, message)
            }
            CallerDenial::TenantNotAllowed => with_reason(
                Code::PermissionDenied,
                ErrorReason::TenantNotAllowed,
                message,
            ),
            CallerDenial::Invalid(invalid) => Error::Invalid(invalid).into(),
        }
    }
}

fn not_found(reason: ErrorReason, message: String) -> Status {
    with_reason(Code::NotFound, reason, message)
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Invalid(InvalidField { field, why }) => {
                let mut details = error_info(ErrorReason::InvalidField);
                details.add_bad_request_violation(field, why.to_string());
                Self::with_error_details(Code::InvalidArgument, message, details)
            }
            Error::AudienceNotAllowed(_) => with_reason(
                Code::PermissionDenied,
                ErrorReason::AudienceNotAllowed,
                message,
            ),
            Error::UserNotFound => not_found(ErrorReason::UserNotFound, message),
            Error::MethodNotFound => not_found(ErrorReason::MethodNotFound, message),
            Error::DeviceNotFound => not_found(ErrorReason::DeviceNotFound, message),
            Error::ChallengeNotFound => not_found(ErrorReason::ChallengeNotFound, message),
            Error::ResetNotFound => not_found(ErrorReason::ResetNotFound, message),
            Error::Refused(refusal @ Refusal::AuthorizationNotAccepted(why)) => with_metadata(
                Code::FailedPrecondition,
                reason(refusal),
                message,
                [("cause", why.as_str())],
            ),
            Error::Refused(refusal) => {
                with_reason(Code::FailedPrecondition, reason(refusal), message)
            }
            Error::TooManyAttempts { retry_after } => {
                exhausted(ErrorReason::TooManyAttempts, message, retry_after)
            }
            Error::TooManySends { retry_after } => {
                exhausted(ErrorReason::TooManySends, message, retry_after)
            }
            Error::PasswordServiceUnavailable => password_service_unavailable(message),
            Error::Busy => exhausted(ErrorReason::Busy, message, RETRY_SOON_DELAY),
            Error::RequestIdReused => {
                with_reason(Code::AlreadyExists, ErrorReason::RequestIdReused, message)
            }
            Error::RequestInFlight => met_another(ErrorReason::RequestInFlight, message),
            Error::ChangedConcurrently => met_another(ErrorReason::ChangedConcurrently, message),
            Error::PolicyMoved => {
                with_reason(Code::Aborted, ErrorReason::ChangedConcurrently, message)
            }
            Error::PolicyConflict(_) => with_reason(
                Code::FailedPrecondition,
                ErrorReason::PolicyConflict,
                message,
            ),
            Error::OutOfService(why) => out_of_service(why),
            Error::Unavailable(store) => store_unavailable(&store),
            Error::ProviderUnavailable(_) => unchecked(message),
            Error::DoesNotOpen(cause) => {
                tracing::error!(%cause, "stored data can't be opened");
                unavailable(
                    "stored data can't be opened: an operator has to check the key ring",
                    RETRY_LONG_DELAY,
                )
            }
            Error::Defect(cause) => {
                tracing::error!(cause, "internal error; please report it");
                defect()
            }
        }
    }
}

fn met_another(reason: ErrorReason, message: String) -> Status {
    with_retry(Code::Aborted, reason, message, RETRY_SOON_DELAY)
}

/// The client of the password service has logged the cause.
fn password_service_unavailable(message: String) -> Status {
    let reason = ErrorReason::PasswordServiceUnavailable;
    with_retry(Code::Unavailable, reason, message, RETRY_SHORT_DELAY)
}

fn out_of_service(why: &str) -> Status {
    tracing::warn!(why, "call refused: replica not ready");
    unavailable(
        "this replica is not ready, and its log names the cause: call another replica",
        RETRY_MEDIUM_DELAY,
    )
}

fn store_unavailable(
    StoreUnavailable {
        store,
        cause,
        retry_after,
    }: &StoreUnavailable,
) -> Status {
    tracing::error!(store, %cause, "store unavailable");
    unavailable(
        "a store is unavailable: try again after the delay in RetryInfo",
        *retry_after,
    )
}

fn unchecked(message: String) -> Status {
    let reason = ErrorReason::ProviderUnavailable;
    with_retry(Code::Unavailable, reason, message, RETRY_SHORT_DELAY)
}

fn exhausted(reason: ErrorReason, message: String, retry_after: Duration) -> Status {
    with_retry(Code::ResourceExhausted, reason, message, retry_after)
}

fn unavailable(message: &str, retry_after: Duration) -> Status {
    with_retry(
        Code::Unavailable,
        ErrorReason::StoreUnavailable,
        message.to_owned(),
        retry_after,
    )
}

pub(super) const fn reason(refusal: Refusal) -> ErrorReason {
    match refusal {
        Refusal::UserIdDiffersInCase => ErrorReason::UserIdDiffersInCase,
        Refusal::EmailNotVerified => ErrorReason::EmailNotVerified,
        Refusal::EmailMissing => ErrorReason::EmailMissing,
        Refusal::PhoneMissing => ErrorReason::PhoneNumberMissing,
        Refusal::StepUpRequired | Refusal::WaitsForAdministrator => ErrorReason::StepUpRequired,
        Refusal::AttestationRequired => ErrorReason::AttestationRequired,
        Refusal::AuthorizationNotAccepted(_) => ErrorReason::AuthorizationNotAccepted,
        Refusal::PasswordRejected => ErrorReason::PasswordRejected,
        Refusal::NoPasswordService => ErrorReason::NoPasswordService,
        Refusal::StrongerMethodRequired => ErrorReason::StrongerMethodRequired,
        Refusal::NoMethod => ErrorReason::NoMethod,
        Refusal::MethodDisabled => ErrorReason::MethodDisabled,
        Refusal::TooManyMethods => ErrorReason::TooManyMethods,
        Refusal::LabelTaken => ErrorReason::LabelTaken,
        Refusal::DestinationEnrolled => ErrorReason::DestinationEnrolled,
        Refusal::RecoveryCodeNotAccepted => ErrorReason::RecoveryCodeNotAccepted,
        Refusal::NoRecoveryCodes => ErrorReason::NoRecoveryCodes,
        Refusal::WrongPurpose => ErrorReason::WrongPurpose,
        Refusal::ChallengeOver => ErrorReason::ChallengeOver,
        Refusal::NothingToSend => ErrorReason::NothingToSend,
        Refusal::NoNotifier => ErrorReason::NoNotifier,
        Refusal::TwoFactorOff => ErrorReason::TwoFactorOff,
        Refusal::CountryNotAllowed => ErrorReason::CountryNotAllowed,
        Refusal::GroupsUnknown => ErrorReason::GroupsUnknown,
        Refusal::PolicyContradictsItself => ErrorReason::PolicyConflict,
        Refusal::TwoFactorNotOffered => ErrorReason::TwoFactorNotOffered,
        Refusal::MethodNotAllowed => ErrorReason::MethodNotAllowed,
        Refusal::MethodTooWeak => ErrorReason::MethodTooWeak,
        Refusal::MethodLocked => ErrorReason::MethodLocked,
        Refusal::ChangesLocked => ErrorReason::ChangesLocked,
        Refusal::DefaultLocked => ErrorReason::DefaultLocked,
        Refusal::OneMethodOnly => ErrorReason::OneMethodOnly,
        Refusal::LastMethodRequired => ErrorReason::LastMethodRequired,
        Refusal::RecoveryCodesTooNew => ErrorReason::RecoveryCodesTooNew,
        Refusal::NoMethodLeft => ErrorReason::NoMethodLeft,
        Refusal::RecoveryNotOffered => ErrorReason::RecoveryNotOffered,
        Refusal::RecoveryCodesReplaced => ErrorReason::RecoveryCodesReplaced,
        Refusal::ActsOnThemselves => ErrorReason::ActsOnThemselves,
        Refusal::MethodSuspended => ErrorReason::MethodSuspended,
        Refusal::RevertTokenNotAccepted => ErrorReason::RevertTokenNotAccepted,
        Refusal::TrustNotAllowed => ErrorReason::TrustNotAllowed,
    }
}
