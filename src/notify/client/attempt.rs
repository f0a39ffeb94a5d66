//! The result of one attempt, and how statuses and refusals map to it.

use crate::outbound::{UnansweredCall, has_cause};
use countersign_domain::{limits::circuit_breaker::CallReport, notice::message::DeliveryResult};
use countersign_proto::notifier::{RefusalReason, Refused};
use std::error::Error;
use tonic::{Code, ConnectError, Status};

/// The result of one attempt to deliver a message with one notifier.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DeliveryAttempt {
    /// The notifier answered. No other notifier is tried.
    Answered(DeliveryResult),
    /// The notifier did not accept the message, or was not called.
    NotTaken,
    /// The notifier is healthy, but does not accept the message now.
    PutOff,
    /// The notifier never accepts this message.
    Unacceptable,
    /// The notifier may have accepted the message.
    Silent,
}

impl DeliveryAttempt {
    /// A notifier that rejects a message is healthy. Otherwise a user with a number that a provider rejects could open
    /// the circuit.
    pub(super) const fn report(&self) -> CallReport {
        match self {
            Self::Answered(_) | Self::Unacceptable | Self::PutOff => CallReport::Answered,
            Self::NotTaken | Self::Silent => CallReport::Failed,
        }
    }

    /// Another notifier may serve what this one does not.
    pub(super) fn of_refusal(refused: Refused) -> Self {
        let reason = refused.reason();
        tracing::info!(?reason, "message refused by notifier");
        match reason {
            RefusalReason::NotServed => Self::Unacceptable,
            RefusalReason::Unspecified
            | RefusalReason::InvalidDestination
            | RefusalReason::OptedOut => Self::Answered(DeliveryResult::Refused),
        }
    }

    /// The result of a call without a response.
    pub(super) fn unanswered(notifier: &str, why: &UnansweredCall) -> Self {
        match why {
            UnansweredCall::Late => {
                tracing::warn!(notifier, "notifier timed out");
                Self::Silent
            }
            UnansweredCall::Status(status) => {
                tracing::warn!(notifier, code = ?status.code(), "notifier returned an error");
                Self::of_status(status)
            }
        }
    }

    /// The result of a status. A status with a source does not come from the notifier: the connection failed, or it
    /// broke after the notifier may have accepted the message.
    pub(super) fn of_status(status: &Status) -> Self {
        match status.source() {
            None => Self::of_code(status.code()),
            Some(_) if has_cause::<ConnectError>(status) => Self::NotTaken,
            Some(_) => Self::Silent,
        }
    }

    /// Some codes leave the result open. `OUT_OF_RANGE`, a response that is too long to read, is one of them.
    const fn of_code(code: Code) -> Self {
        match code {
            Code::Cancelled
            | Code::Unknown
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::OutOfRange
            | Code::Internal
            | Code::DataLoss => Self::Silent,
            Code::InvalidArgument | Code::FailedPrecondition => Self::Unacceptable,
            Code::ResourceExhausted => Self::PutOff,
            _ => Self::NotTaken,
        }
    }
}
