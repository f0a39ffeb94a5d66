//! `NotifierService`: what became of a message, as an answer or a status.

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

/// The domain of the reasons in statuses.
const DOMAIN: &str = "notifier.countersign";

/// When to try again what was not taken.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// How long the answer may take to whoever waits for it.
const SHUTDOWN_GRACE: Duration = Duration::from_millis(50);

/// When a call ends that nobody gave a deadline.
const MAX_CALL_DURATION: Duration = Duration::from_secs(10);

/// The service over a desk.
pub struct NotifierHandlers {
    /// Where messages are handed on.
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

/// When a message is given up that is not begun: a little before the call ends, so that whoever waits for it hears that it
/// was not taken.
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
            let message = format!("the message was not taken: {}", failure.as_str());
            // Else whoever has an address that the provider puts off could have this notifier passed over.
            let code = if failure.is_of_the_message() {
                Code::ResourceExhausted
            } else {
                Code::Unavailable
            };
            Err(later(code, "NOT_TAKEN", message))
        }
        DispatchAnswer::Sent(SendOutcome::InDoubt(_)) | DispatchAnswer::InDoubt => {
            let message = "the message may have been taken; a code is not sent twice";
            Err(status(Code::Unknown, "IN_DOUBT", message.to_owned()))
        }
        DispatchAnswer::AnotherMessage => {
            let message = "another message has the same idempotency_key";
            Err(status(
                Code::AlreadyExists,
                "KEY_REUSED",
                message.to_owned(),
            ))
        }
        DispatchAnswer::Busy => {
            let message = "as many messages are on their way as may be";
            Err(later(Code::ResourceExhausted, "BUSY", message.to_owned()))
        }
        DispatchAnswer::NoIdempotencyStore => {
            let message = "the idempotency store can't be written, so that nothing is sent";
            Err(later(Code::Unavailable, "IDEMPOTENCY_STORE_UNAVAILABLE", message.to_owned()))
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
