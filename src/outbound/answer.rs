//! What came of a call, as far as the transport can tell.

use std::error::Error;
use tokio::time::error::Elapsed;
use tonic::{Response, Status, TimeoutExpired};

/// A call without an answer.
pub(crate) enum UnansweredCall {
    /// There was none in time.
    Late,
    /// There was a status instead, of the other side's or of our own transport.
    Status(Status),
}

/// The answer of a call, if there was one in time.
pub(crate) fn answer<T>(
    outcome: Result<Result<Response<T>, Status>, Elapsed>,
) -> Result<T, UnansweredCall> {
    match outcome {
        Ok(Ok(response)) => Ok(response.into_inner()),
        Ok(Err(status)) if !has_cause::<TimeoutExpired>(&status) => {
            Err(UnansweredCall::Status(status))
        }
        // tonic keeps the deadline in the header too, and may notice it first.
        Ok(Err(_)) | Err(_) => Err(UnansweredCall::Late),
    }
}

/// Whether a status is there because of such an error on this side, and was not sent.
pub(crate) fn has_cause<E: Error + 'static>(status: &Status) -> bool {
    let mut cause = status.source();
    while let Some(error) = cause {
        if error.is::<E>() {
            return true;
        }
        cause = error.source();
    }
    false
}
