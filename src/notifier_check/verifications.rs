//! The checks of `VerificationService`, for providers of their own codes. Only the reader of a message knows its code,
//! so no check submits a right one.

use crate::{
    answer::{CheckFinding, NotifierAnswer, name},
    check::{CheckNeeds, CheckSubject, ConformanceCheck},
    checks::TOKEN,
    notifier::{CheckedNotifier, TokenChoice},
};
use countersign_proto::notifier::{
    CheckVerificationRequest, CheckVerificationResponse, CodePurpose, StartVerificationRequest,
    VerificationStatus,
};
use std::future::ready;
use tonic::Code;

const MALFORMED: &str = "A request without a key, a `verification_id` or a destination, or for an unknown channel, is INVALID_ARGUMENT.";
const ENDED: &str = "A verification that is over or was never started is ENDED, not an error.";
const TAKEN: &str = "Answer within the deadline, as soon as the message is safely accepted. No other provider is tried";
const STARTED_ONCE: &str =
    "A repeated `idempotency_key` returns the outcome of the first call and sends nothing.";
const JUDGES: &str = "Checks whether digits are the code.";
const LENGTH: &str = "Digits of another length than the code are REJECTED, not an error.";
const JUDGED_ONCE: &str = "A repeated `idempotency_key` returns the answer of the first call and does not count as another attempt.";
const OTHER: &str =
    "The same key with different digits fails with ALREADY_EXISTS or INVALID_ARGUMENT.";

/// The requested number of digits.
const DIGITS: u32 = 6;

/// The lifetime of a code in a check, in seconds.
const GOOD_FOR_SECONDS: i64 = 300;

/// All checks. Those that send no message come first.
pub const VERIFICATION_CHECKS: &[ConformanceCheck] = &[
    ConformanceCheck {
        name: "verify-token",
        asked: "StartVerification and CheckVerification without a token",
        expected: "UNAUTHENTICATED each time",
        contract: TOKEN,
        needs: CheckNeeds::Token,
        about: CheckSubject::Verifications,
        is_gate: false,
        ask: |notifier| Box::pin(token(notifier)),
    },
    ConformanceCheck {
        name: "verify-nowhere",
        asked: "a start without a destination, and one without a verification",
        expected: "INVALID_ARGUMENT each time",
        contract: MALFORMED,
        needs: CheckNeeds::Nothing,
        about: CheckSubject::Verifications,
        is_gate: false,
        ask: |notifier| Box::pin(nowhere(notifier)),
    },
    ConformanceCheck {
        name: "verify-unknown",
        asked: "digits for a verification that was never started",
        expected: "ENDED",
        contract: ENDED,
        needs: CheckNeeds::Nothing,
        about: CheckSubject::Verifications,
        is_gate: false,
        ask: |notifier| Box::pin(unknown(notifier)),
    },
    ConformanceCheck {
        name: "verify-start",
        asked: "a code to be sent",
        expected: "accepted, in time",
        contract: TAKEN,
        needs: CheckNeeds::LeaveToSend,
        about: CheckSubject::Verifications,
        is_gate: true,
        ask: |notifier| Box::pin(start(notifier)),
    },
    ConformanceCheck {
        name: "verify-start-repeat",
        asked: "the same start again",
        expected: "the same outcome, with the same provider_message_id",
        contract: STARTED_ONCE,
        needs: CheckNeeds::LeaveToSend,
        about: CheckSubject::Verifications,
        is_gate: false,
        ask: |notifier| Box::pin(start_repeat(notifier)),
    },
    ConformanceCheck {
        name: "verify-wrong",
        asked: "digits that are not the code, by all odds",
        expected: "REJECTED",
        contract: JUDGES,
        needs: CheckNeeds::LeaveToSend,
        about: CheckSubject::Verifications,
        is_gate: false,
        ask: |notifier| Box::pin(wrong(notifier)),
    },
    ConformanceCheck {
        name: "verify-length",
        asked: "ten digits for a code of six",
        expected: "REJECTED",
        contract: LENGTH,
        needs: CheckNeeds::LeaveToSend,
        about: CheckSubject::Verifications,
        is_gate: false,
        ask: |notifier| Box::pin(length(notifier)),
    },
    ConformanceCheck {
        name: "verify-repeat",
        asked: "the same wrong digits again, under the same key, ten times",
        expected: "REJECTED each time: it is one guess",
        contract: JUDGED_ONCE,
        needs: CheckNeeds::LeaveToSend,
        about: CheckSubject::Verifications,
        is_gate: false,
        ask: |notifier| Box::pin(repeat(notifier)),
    },
    ConformanceCheck {
        name: "verify-other-digits",
        asked: "that key again, with other digits",
        expected: "ALREADY_EXISTS or INVALID_ARGUMENT",
        contract: OTHER,
        needs: CheckNeeds::LeaveToSend,
        about: CheckSubject::Verifications,
        is_gate: false,
        ask: |notifier| Box::pin(other_digits(notifier)),
    },
    ConformanceCheck {
        name: "verify-right",
        asked: "the code itself, twice",
        expected: "nothing: it can't be asked",
        contract: "",
        needs: CheckNeeds::LeaveToSend,
        about: CheckSubject::Verifications,
        is_gate: false,
        ask: |_| {
            let why =
                "nobody but you can read the message: look whether the code is approved, once";
            Box::pin(ready(Ok(why.to_owned())))
        },
    },
];

/// Whether the server serves `VerificationService`.
pub(super) async fn are_served(notifier: &CheckedNotifier) -> bool {
    let answer = notifier
        .start(&to_nowhere(notifier), &TokenChoice::Agreed)
        .await;
    answer.is_an_answer() && answer.code() != Some(Code::Unimplemented)
}

/// Whether the server also serves `NotifierService`.
pub(super) async fn messages_are_served(notifier: &CheckedNotifier) -> bool {
    let answer = notifier.deliver(&notifier.to_nowhere("nothing")).await;
    answer.code() != Some(Code::Unimplemented)
}

async fn token(notifier: &CheckedNotifier) -> CheckFinding {
    let answer = notifier
        .start(&to_nowhere(notifier), &TokenChoice::None)
        .await;
    answer.must_be(&[Code::Unauthenticated])?;
    let attempt = attempt(notifier, "token", "000000");
    match notifier.check(&attempt, &TokenChoice::None).await {
        Ok(response) => Err(shown(&response)),
        Err(answer) => answer.must_be(&[Code::Unauthenticated]),
    }
}

async fn nowhere(notifier: &CheckedNotifier) -> CheckFinding {
    let answer = notifier
        .start(&to_nowhere(notifier), &TokenChoice::Agreed)
        .await;
    answer.must_be(&[Code::InvalidArgument])?;
    // Without a destination as well, so that nothing can be sent.
    let nameless = StartVerificationRequest {
        verification_id: String::new(),
        ..to_nowhere(notifier)
    };
    let answer = notifier.start(&nameless, &TokenChoice::Agreed).await;
    answer.must_be(&[Code::InvalidArgument])
}

async fn unknown(notifier: &CheckedNotifier) -> CheckFinding {
    let never = CheckVerificationRequest {
        verification_id: id(notifier, 0),
        ..attempt(notifier, "unknown", "000000")
    };
    must_be(notifier, &never, VerificationStatus::Ended).await
}

async fn start(notifier: &CheckedNotifier) -> CheckFinding {
    let answer = notifier.start(&one(notifier), &TokenChoice::Agreed).await;
    answer.must_be_accepted()
}

async fn start_repeat(notifier: &CheckedNotifier) -> CheckFinding {
    let first = notifier.start(&one(notifier), &TokenChoice::Agreed).await;
    let second = notifier.start(&one(notifier), &TokenChoice::Agreed).await;
    first.must_be_accepted()?;
    if first == second {
        return Ok(format!("twice {}", first.shown()));
    }
    Err(format!("{}, then {}", first.shown(), second.shown()))
}

async fn wrong(notifier: &CheckedNotifier) -> CheckFinding {
    let attempt = attempt(notifier, "wrong", &unlikely(notifier));
    must_be(notifier, &attempt, VerificationStatus::Rejected).await
}

async fn length(notifier: &CheckedNotifier) -> CheckFinding {
    let attempt = attempt(notifier, "length", "0123456789");
    must_be(notifier, &attempt, VerificationStatus::Rejected).await
}

async fn repeat(notifier: &CheckedNotifier) -> CheckFinding {
    let attempt = attempt(notifier, "wrong", &unlikely(notifier));
    for _ in 0..10 {
        must_be(notifier, &attempt, VerificationStatus::Rejected).await?;
    }
    Ok("REJECTED each time".to_owned())
}

async fn other_digits(notifier: &CheckedNotifier) -> CheckFinding {
    let attempt = attempt(notifier, "wrong", "9876543210");
    match notifier.check(&attempt, &TokenChoice::Agreed).await {
        Ok(response) => Err(shown(&response)),
        Err(answer) => answer.must_be(&[Code::AlreadyExists, Code::InvalidArgument]),
    }
}

/// Requires a response about this verification, with this status.
async fn must_be(
    notifier: &CheckedNotifier,
    attempt: &CheckVerificationRequest,
    expected: VerificationStatus,
) -> CheckFinding {
    match notifier.check(attempt, &TokenChoice::Agreed).await {
        Ok(response) if response.verification_id != attempt.verification_id => {
            Err(format!("{}, about another verification", shown(&response)))
        }
        Ok(response) if response.status() == expected => Ok(shown(&response)),
        Ok(response) => Err(shown(&response)),
        Err(answer) => Err(finding(&answer)),
    }
}

fn finding(answer: &NotifierAnswer) -> String {
    match answer.code() {
        Some(Code::Unimplemented) => format!("{}: it has to be served", name(Code::Unimplemented)),
        _ => answer.shown(),
    }
}

fn shown(response: &CheckVerificationResponse) -> String {
    match VerificationStatus::try_from(response.status) {
        Ok(status) => {
            let name = status.as_str_name();
            let short = name.strip_prefix("VERIFICATION_STATUS_");
            short.unwrap_or(name).to_owned()
        }
        Err(_) => format!("status {}", response.status),
    }
}

/// The only code that a run sends.
fn one(notifier: &CheckedNotifier) -> StartVerificationRequest {
    let settings = &notifier.settings;
    StartVerificationRequest {
        idempotency_key: format!("notifier-check-{}-verify", settings.run),
        verification_id: id(notifier, 1),
        channel: settings.destination.channel.into(),
        destination: settings.destination.address.clone().unwrap_or_default(),
        locale: "en".to_owned(),
        display_name: "Countersign notifier check".to_owned(),
        purpose: CodePurpose::SignIn.into(),
        code_digits: DIGITS,
        expire_time: Some(prost_types::Timestamp {
            seconds: settings.now + GOOD_FOR_SECONDS,
            nanos: 0,
        }),
    }
}

/// A request without a destination, so that no code can be sent.
fn to_nowhere(notifier: &CheckedNotifier) -> StartVerificationRequest {
    StartVerificationRequest {
        idempotency_key: format!("notifier-check-{}-verify-nowhere", notifier.settings.run),
        destination: String::new(),
        ..one(notifier)
    }
}

fn attempt(notifier: &CheckedNotifier, name: &str, digits: &str) -> CheckVerificationRequest {
    CheckVerificationRequest {
        idempotency_key: format!("notifier-check-{}-verify-{name}", notifier.settings.run),
        verification_id: id(notifier, 1),
        digits: digits.to_owned(),
    }
}

/// An id of 32 hexadecimal characters, different for every run.
fn id(notifier: &CheckedNotifier, ordinal: u8) -> String {
    format!("{:0>16}{ordinal:016x}", notifier.settings.run)
}

/// Six digits derived from the run id. They are the code with a probability of one in a million.
fn unlikely(notifier: &CheckedNotifier) -> String {
    let digits = notifier.settings.run.bytes().map(|byte| byte % 10);
    let digits: String = digits.take(6).map(|digit| digit.to_string()).collect();
    format!("{digits:0>6}")
}
