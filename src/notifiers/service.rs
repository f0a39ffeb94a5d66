//! `NotifierService`: maps results of messages to responses and statuses.

use crate::{
    dispatcher::{DispatchAnswer, Dispatcher},
    outcome::SendOutcome,
    parsed_message::UnusableMessage,
};
use countersign_proto::notifier::{
    Accepted, DeliverRequest, DeliverResponse, Refused, deliver_response::Outcome,
    notifier_service_server::NotifierService,
};
use countersign_transport::edge::CallDeadline;
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::time::Instant;
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The domain of `google.rpc.ErrorInfo`.
const DOMAIN: &str = "notifier.countersign";

/// When to retry a message that was not accepted.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// The time reserved for sending the response before the deadline.
const SHUTDOWN_GRACE: Duration = Duration::from_millis(50);

/// The deadline of a call without one.
const MAX_CALL_DURATION: Duration = Duration::from_secs(10);

/// Serves `NotifierService`.
pub struct NotifierHandlers {
    /// Sends the messages.
    pub dispatcher: Arc<Dispatcher>,
}

#[tonic::async_trait]
impl NotifierService for NotifierHandlers {
    async fn deliver(
        &self,
        request: Request<DeliverRequest>,
    ) -> Result<Response<DeliverResponse>, Status> {
        let ends = request.extensions().get::<CallDeadline>().copied();
        let ends = in_time(ends, Instant::now());
        let answer = self.dispatcher.deliver(request.into_inner(), ends).await;
        let outcome = answered(answer.map_err(invalid)?)?;
        Ok(Response::new(DeliverResponse {
            outcome: Some(outcome),
        }))
    }
}

/// The time after which no message is started. It is a little before the call's deadline, so that the caller still
/// receives the result.
fn in_time(ends: Option<CallDeadline>, now: Instant) -> Instant {
    let left = ends.map_or(MAX_CALL_DURATION, |CallDeadline(at)| {
        at.saturating_duration_since(now)
    });
    now + left.saturating_sub(SHUTDOWN_GRACE.min(left / 10))
}

fn answered(answer: DispatchAnswer) -> Result<Outcome, Status> {
    match answer {
        DispatchAnswer::Sent(SendOutcome::Taken { provider_id }) => {
            Ok(Outcome::Accepted(Accepted {
                provider_message_id: provider_id,
            }))
        }
        DispatchAnswer::Sent(SendOutcome::Refused(reason)) => Ok(Outcome::Refused(Refused {
            reason: reason.into(),
        })),
        DispatchAnswer::Sent(SendOutcome::Failed(failure)) => {
            let message = format!("the message was not accepted: {}", failure.as_str());
            // Otherwise an address that the provider rejects could open the caller's circuit breaker for this notifier.
            let code = if failure.is_of_the_message() {
                Code::ResourceExhausted
            } else {
                Code::Unavailable
            };
            Err(later(code, "NOT_TAKEN", message))
        }
        DispatchAnswer::Sent(SendOutcome::InDoubt(_)) | DispatchAnswer::InDoubt => {
            let message = "the result of the message is unknown; a code is not sent twice";
            Err(status(Code::Unknown, "IN_DOUBT", message.to_owned()))
        }
        DispatchAnswer::AnotherMessage => {
            let message =
                "another message has this idempotency_key: use a new one for a new message";
            Err(status(
                Code::AlreadyExists,
                "KEY_REUSED",
                message.to_owned(),
            ))
        }
        DispatchAnswer::Busy => {
            let message = "too many messages in flight: try again after the delay in RetryInfo";
            Err(later(Code::ResourceExhausted, "BUSY", message.to_owned()))
        }
        DispatchAnswer::NoIdempotencyStore => {
            let message = "the idempotency store is unavailable, so the message was not sent";
            Err(later(
                Code::Unavailable,
                "IDEMPOTENCY_STORE_UNAVAILABLE",
                message.to_owned(),
            ))
        }
    }
}

fn invalid(malformed: UnusableMessage) -> Status {
    let mut details = ErrorDetails::with_error_info("INVALID_FIELD", DOMAIN, HashMap::new());
    details.add_bad_request_violation(malformed.field, malformed.why);
    Status::with_error_details(Code::InvalidArgument, malformed.to_string(), details)
}

fn status(code: Code, reason: &str, message: String) -> Status {
    let details = ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new());
    Status::with_error_details(code, message, details)
}

fn later(code: Code, reason: &str, message: String) -> Status {
    let mut details = ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new());
    details.set_retry_info(Some(RETRY_DELAY));
    Status::with_error_details(code, message, details)
}
