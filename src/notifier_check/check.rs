//! The definition of a check, and its possible outcomes.

use crate::{answer::CheckFinding, notifier::CheckedNotifier};
use futures_util::future::BoxFuture;

/// One check of a notifier.
pub struct ConformanceCheck {
    /// The name of the check.
    pub name: &'static str,
    /// What the check sends.
    pub asked: &'static str,
    /// The expected answer.
    pub expected: &'static str,
    /// The sentence of the contract that the check verifies. If it is empty, the finding is only reported.
    pub contract: &'static str,
    /// What the check needs to run.
    pub needs: CheckNeeds,
    /// The service that the check concerns. It is skipped if the server does not serve it.
    pub about: CheckSubject,
    /// Whether later checks with the same or greater needs are skipped if this one fails.
    pub is_gate: bool,
    pub(crate) ask: fn(&CheckedNotifier) -> BoxFuture<'_, CheckFinding>,
}

/// What a check needs to run, in increasing order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckNeeds {
    /// Nothing; no message can be sent.
    Nothing,
    /// A token that the notifier accepts.
    Token,
    /// Permission to send messages.
    LeaveToSend,
}

/// The service that a check concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckSubject {
    /// The server, whatever it serves.
    Server,
    /// `NotifierService`.
    Messages,
    /// `VerificationService`, which only providers of their own codes serve.
    Verifications,
}

/// The outcome of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckOutcome {
    /// The notifier keeps the contract.
    Kept(String),
    /// The notifier breaks the contract.
    Broken(String),
    /// The contract does not cover the finding.
    Told(String),
    /// The check was skipped, for this reason.
    Skipped(String),
}
