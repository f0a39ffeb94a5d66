//! The contract of notifiers as questions to a running one: each asks one thing, knows the sentence of
//! `notifier_service.proto` or `verification_service.proto` that it is about, and says what came.
//!
//! The questions are in `checks.rs`, and in `verifications.rs` for providers that own their codes; `report.rs` shows the answers. Whoever runs them brings a run id and the time.

mod answer;
mod checks;
mod kinds;
mod messages;
mod notifier;
mod repeats;
mod report;
mod requests;
mod serving;
mod texts;
mod verifications;

pub use checks::CHECKS;
pub use messages::Destination;
pub use notifier::{Notifier, Settings, Unusable};
pub use report::{Line, Report, Style};
pub use verifications::VERIFICATION_CHECKS;

use futures_util::future::BoxFuture;

/// A question to a notifier.
pub struct Check {
    /// What it is called.
    pub name: &'static str,
    /// What is asked.
    pub asked: &'static str,
    /// What has to come.
    pub expected: &'static str,
    /// The sentence of the contract that says so; empty where none does, and whatever comes is only told.
    pub contract: &'static str,
    /// What it takes to ask.
    pub needs: Needs,
    /// What it is about: what a server does not serve is not asked.
    pub about: About,
    /// Whether the checks after it, as far as they need as much, make no sense where it fails.
    pub is_gate: bool,
    ask: fn(&Notifier) -> BoxFuture<'_, Finding>,
}

/// What it takes to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// Nothing: no message can come of it.
    Nothing,
    /// A token that the notifier takes.
    Token,
    /// Leave to send messages.
    LeaveToSend,
}

/// What a check is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// The server, whatever it serves.
    Server,
    /// `NotifierService`.
    Messages,
    /// `VerificationService`, which only providers serve that own their codes.
    Verifications,
}

/// What came: `Err` where it is not what had to come.
pub type Finding = Result<String, String>;

/// What became of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
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
pub async fn run(notifier: &Notifier, mut watch: impl FnMut(&Line)) -> Report {
    let mut lines: Vec<Line> = Vec::new();
    let mut closed: Vec<&Check> = Vec::new();
    let verifies = verifications::are_served(notifier).await;
    let delivers = !verifies || verifications::messages_are_served(notifier).await;
    let of_verifications = if verifies { VERIFICATION_CHECKS } else { &[] };
    for check in CHECKS.iter().chain(of_verifications) {
        let outcome = match obstacle(check, notifier, &closed) {
            _ if check.about == About::Messages && !delivers => {
                Outcome::Skipped("NotifierService is not served".to_owned())
            }
            Some(why) => Outcome::Skipped(why),
            None => judge(check, (check.ask)(notifier).await),
        };
        if check.is_gate && matches!(outcome, Outcome::Broken(_)) {
            closed.push(check);
        }
        let line = Line { check, outcome };
        watch(&line);
        lines.push(line);
    }
    Report {
        lines,
        taken: notifier.taken(),
    }
}

/// Why a check can't be asked.
fn obstacle(check: &Check, notifier: &Notifier, closed: &[&Check]) -> Option<String> {
    if check.needs == Needs::Token && !notifier.has_token() {
        return Some("needs --token-file".to_owned());
    }
    if check.needs == Needs::LeaveToSend && !notifier.may_send() {
        return Some("needs --allow-send".to_owned());
    }
    let apart = |gate: &Check| gate.about == About::Messages && check.about == About::Verifications;
    let gate = closed
        .iter()
        .find(|gate| gate.needs <= check.needs && !apart(gate))?;
    Some(format!("`{}` has to hold first", gate.name))
}

fn judge(check: &Check, finding: Finding) -> Outcome {
    match finding {
        Ok(came) | Err(came) if check.contract.is_empty() => Outcome::Told(came),
        Ok(came) => Outcome::Kept(came),
        Err(came) => Outcome::Broken(came),
    }
}
