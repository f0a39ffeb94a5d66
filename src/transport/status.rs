//! Statuses with a reason of the contract, as `google.rpc.ErrorInfo`.

use crate::callers::UnknownCaller;
use countersign_proto::v1::ErrorReason;
use std::{collections::HashMap, time::Duration};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

const DOMAIN: &str = "countersign";

/// When to repeat a call that met another one.
pub const RETRY_SOON_DELAY: Duration = Duration::from_millis(250);

/// A status that says why, and when to try again.
#[must_use]
pub fn with_retry(
    code: Code,
    reason: ErrorReason,
    message: String,
    retry_after: Duration,
) -> Status {
    let mut details = error_info(reason);
    details.set_retry_info(Some(retry_after));
    Status::with_error_details(code, message, details)
}

/// A status that says why.
#[must_use]
pub fn with_reason(code: Code, reason: ErrorReason, message: String) -> Status {
    Status::with_error_details(code, message, error_info(reason))
}

/// A status that says why, with further values in the metadata of its `ErrorInfo`.
#[must_use]
pub fn with_metadata<const N: usize>(
    code: Code,
    reason: ErrorReason,
    message: String,
    metadata: [(&str, &str); N],
) -> Status {
    let owned = metadata.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let details = ErrorDetails::with_error_info(name(reason), DOMAIN, HashMap::from(owned));
    Status::with_error_details(code, message, details)
}

/// The reason, for the details of a status.
#[must_use]
pub fn error_info(reason: ErrorReason) -> ErrorDetails {
    ErrorDetails::with_error_info(name(reason), DOMAIN, HashMap::new())
}

fn name(reason: ErrorReason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix("ERROR_REASON_").unwrap_or(name)
}

/// A status for a call that took too long.
#[must_use]
pub fn deadline_passed() -> Status {
    let message = "the deadline has passed; repeat the call with the same request_id".to_owned();
    with_retry(
        Code::DeadlineExceeded,
        ErrorReason::DeadlineExceeded,
        message,
        RETRY_SOON_DELAY,
    )
}

/// A status for what can't happen. What did is in the log.
#[must_use]
pub fn defect() -> Status {
    let message = "a defect of Countersign; it is logged".to_owned();
    with_reason(Code::Internal, ErrorReason::Internal, message)
}

impl From<UnknownCaller> for Status {
    fn from(unknown: UnknownCaller) -> Self {
        let message = unknown.to_string();
        with_reason(Code::Unauthenticated, ErrorReason::UnknownCaller, message)
    }
}
