//! The answers of a notifier, and how they are displayed.

use countersign_proto::notifier::{DeliverResponse, deliver_response::Outcome};
use std::{error::Error, time::Duration};
use tonic::{Code, Status};

/// The finding of a check: `Err` if the answer is not the expected one.
pub type CheckFinding = Result<String, String>;

/// The result of one call.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum NotifierAnswer {
    /// A response with an outcome.
    Outcome(Outcome),
    /// A response without an outcome.
    Empty,
    /// A status with its message.
    Status(Code, String),
    /// The connection failed or broke.
    Lost(String),
    /// No answer within the call timeout.
    Silence(Duration),
}

impl NotifierAnswer {
    pub(super) fn of(answered: Result<DeliverResponse, Status>) -> Self {
        match answered {
            Ok(response) => response.outcome.map_or(Self::Empty, Self::Outcome),
            Err(status) => Self::of_status(&status),
        }
    }

    /// A status of our own transport has a source. A status that the server sent has none.
    pub(super) fn of_status(status: &Status) -> Self {
        match status.source() {
            Some(cause) => Self::Lost(innermost(cause)),
            None => Self::Status(status.code(), printable(status.message())),
        }
    }

    /// The status code; `None` if the answer is not a status.
    pub(super) const fn code(&self) -> Option<Code> {
        match self {
            Self::Status(code, _) => Some(*code),
            _ => None,
        }
    }

    pub(super) const fn is_accepted(&self) -> bool {
        matches!(self, Self::Outcome(Outcome::Accepted(_)))
    }

    /// Whether a server answered at all.
    pub(super) const fn is_an_answer(&self) -> bool {
        matches!(self, Self::Outcome(_) | Self::Empty | Self::Status(..))
    }

    /// The answer as text.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Outcome(Outcome::Accepted(accepted)) => {
                format!(
                    "accepted as \"{}\"",
                    printable(&accepted.provider_message_id)
                )
            }
            Self::Outcome(Outcome::Refused(refused)) => {
                format!("refused: {}", refused.reason().as_str_name())
            }
            Self::Empty => "an answer without an outcome".to_owned(),
            Self::Status(code, message) if message.is_empty() => name(*code).to_owned(),
            Self::Status(code, message) => format!("{}: {message}", name(*code)),
            Self::Lost(cause) => format!("no answer: {cause}"),
            Self::Silence(call_timeout) => format!("nothing in {} ms", call_timeout.as_millis()),
        }
    }

    /// Requires one of these statuses.
    pub(super) fn must_be(&self, expected: &[Code]) -> CheckFinding {
        if self.code().is_some_and(|code| expected.contains(&code)) {
            return Ok(self.code().map(name).unwrap_or_default().to_owned());
        }
        Err(self.shown())
    }

    /// Requires that the message is accepted.
    pub(super) fn must_be_accepted(&self) -> CheckFinding {
        if self.is_accepted() {
            return Ok(self.shown());
        }
        Err(self.shown())
    }
}

/// The name of a status, as the contract spells it.
pub(super) const fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// Sanitizes text from a server for a terminal: one line of at most 120 characters.
pub(super) fn printable(text: &str) -> String {
    const LONGEST: usize = 120;
    let clean = text.chars().map(|character| match character {
        _ if character.is_control() => ' ',
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => ' ',
        _ => character,
    });
    let mut shown: String = clean.take(LONGEST).collect();
    if text.chars().count() > LONGEST {
        shown.push('…');
    }
    shown
}

fn innermost(mut cause: &(dyn Error + 'static)) -> String {
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    printable(&cause.to_string())
}
