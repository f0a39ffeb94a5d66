//! What became of one try, and what a status or a refusal says of it.

use crate::outbound::{UnansweredCall, has_cause};
use countersign_domain::{limits::circuit_breaker::CallReport, notice::message::DeliveryResult};
use countersign_proto::notifier::{RefusalReason, Refused};
use std::error::Error;
use tonic::{Code, ConnectError, Status};

/// What became of one try.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DeliveryAttempt {
    /// It answered: nobody else is asked.
    Answered(DeliveryResult),
    /// It did not take the message, or was not asked.
    NotTaken,
    /// It does not take this message now, and is well.
    PutOff,
    /// It says that the message is none for it to take, now or later.
    Unacceptable,
    /// It may have taken the message.
    Silent,
}

impl DeliveryAttempt {
    /// One that finds fault with the message is alive: else whoever has a number that a provider does not like could
    /// switch it off.
    pub(super) const fn report(&self) -> CallReport {
        match self {
            Self::Answered(_) | Self::Unacceptable | Self::PutOff => CallReport::Answered,
            Self::NotTaken | Self::Silent => CallReport::Failed,
        }
    }

    /// What one does not serve, another may.
    pub(super) fn of_refusal(refused: Refused) -> Self {
        let reason = refused.reason();
        tracing::info!(?reason, "a notifier says that a message can't be delivered");
        match reason {
            RefusalReason::NotServed => Self::Unacceptable,
            RefusalReason::Unspecified
            | RefusalReason::InvalidDestination
            | RefusalReason::OptedOut => Self::Answered(DeliveryResult::Refused),
        }
    }

    /// What a message came to that was not answered.
    pub(super) fn unanswered(notifier: &str, why: &UnansweredCall) -> Self {
        match why {
            UnansweredCall::Late => {
                tracing::warn!(notifier, "a notifier did not answer in time");
                Self::Silent
            }
            UnansweredCall::Status(status) => {
                tracing::warn!(notifier, code = ?status.code(), "a notifier did not take a message");
                Self::of_status(status)
            }
        }
    }

    /// What a status says of a message. One that has a cause was not sent by the notifier: either nobody was reached, or
    /// the connection broke off, and the message may have been taken before.
    pub(super) fn of_status(status: &Status) -> Self {
        match status.source() {
            None => Self::of_code(status.code()),
            Some(_) if has_cause::<ConnectError>(status) => Self::NotTaken,
            Some(_) => Self::Silent,
        }
    }

    /// Some leave open what became of the message, an answer that is too long to be read (`OUT_OF_RANGE`) among them.
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
