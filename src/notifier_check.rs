//! The contract of notifiers as questions to a running one: each asks one thing, knows the sentence of
//! `notifier_service.proto` or `verification_service.proto` that it is about, and says what came.
//!
//! The questions are in `checks.rs`, and in `verifications.rs` for providers that own their codes; `report.rs` shows the answers. Whoever runs them brings a run id and the time.

mod answer;
mod checks;
mod kinds;
mod messages;
mod notifier;
mod raw_bytes;
mod repeats;
mod report;
mod requests;
mod serving;
mod settings;
mod texts;
mod verifications;

pub use checks::CHECKS;
pub use notifier::CheckedNotifier;
pub use report::{CheckReport, ReportLine, ReportStyle};
pub use settings::{NotifierCheckError, NotifierCheckSettings, TestDestination};
pub use verifications::VERIFICATION_CHECKS;

use futures_util::future::BoxFuture;

/// A question to a notifier.
pub struct ConformanceCheck {
    /// What it is called.
    pub name: &'static str,
    /// What is asked.
    pub asked: &'static str,
    /// What has to come.
    pub expected: &'static str,
    /// The sentence of the contract that says so; empty where none does, and whatever comes is only told.
    pub contract: &'static str,
    /// What it takes to ask.
    pub needs: CheckNeeds,
    /// What it is about: what a server does not serve is not asked.
    pub about: CheckSubject,
    /// Whether the checks after it, as far as they need as much, make no sense where it fails.
    pub is_gate: bool,
    ask: fn(&CheckedNotifier) -> BoxFuture<'_, CheckFinding>,
}

/// What it takes to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckNeeds {
    /// Nothing: no message can come of it.
    Nothing,
    /// A token that the notifier takes.
    Token,
    /// Leave to send messages.
    LeaveToSend,
}

/// What a check is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckSubject {
    /// The server, whatever it serves.
    Server,
    /// `NotifierService`.
    Messages,
    /// `VerificationService`, which only providers serve that own their codes.
    Verifications,
}

/// What came: `Err` where it is not what had to come.
pub type CheckFinding = Result<String, String>;

/// What became of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckOutcome {
    /// The notifier keeps to the contract.
    Kept(String),
    /// It does not.
    Broken(String),
    /// Nothing in the contract asks for it.
    Told(String),
    /// It was not asked, for a reason.
    Skipped(String),
}

/// Puts every question, one after the other, and shows each line to `watch` as it comes.
pub async fn run(notifier: &CheckedNotifier, mut watch: impl FnMut(&ReportLine)) -> CheckReport {
    let mut lines: Vec<ReportLine> = Vec::new();
    let mut closed: Vec<&ConformanceCheck> = Vec::new();
    let verifies = verifications::are_served(notifier).await;
    let delivers = !verifies || verifications::messages_are_served(notifier).await;
    let of_verifications = if verifies { VERIFICATION_CHECKS } else { &[] };
    for check in CHECKS.iter().chain(of_verifications) {
        let outcome = match obstacle(check, notifier, &closed) {
            _ if check.about == CheckSubject::Messages && !delivers => {
                CheckOutcome::Skipped("NotifierService is not served".to_owned())
            }
            Some(why) => CheckOutcome::Skipped(why),
            None => judge(check, (check.ask)(notifier).await),
        };
        if check.is_gate && matches!(outcome, CheckOutcome::Broken(_)) {
            closed.push(check);
        }
        let line = ReportLine { check, outcome };
        watch(&line);
        lines.push(line);
    }
    CheckReport {
        lines,
        taken: notifier.taken(),
    }
}

/// Why a check can't be asked.
fn obstacle(
    check: &ConformanceCheck,
    notifier: &CheckedNotifier,
    closed: &[&ConformanceCheck],
) -> Option<String> {
    if check.needs == CheckNeeds::Token && !notifier.has_token() {
        return Some("needs --token-file".to_owned());
    }
    if check.needs == CheckNeeds::LeaveToSend && !notifier.may_send() {
        return Some("needs --allow-send".to_owned());
    }
    let apart = |gate: &ConformanceCheck| {
        gate.about == CheckSubject::Messages && check.about == CheckSubject::Verifications
    };
    let gate = closed
        .iter()
        .find(|gate| gate.needs <= check.needs && !apart(gate))?;
    Some(format!("`{}` has to hold first", gate.name))
}

fn judge(check: &ConformanceCheck, finding: CheckFinding) -> CheckOutcome {
    match finding {
        Ok(came) | Err(came) if check.contract.is_empty() => CheckOutcome::Told(came),
        Ok(came) => CheckOutcome::Kept(came),
        Err(came) => CheckOutcome::Broken(came),
    }
}
