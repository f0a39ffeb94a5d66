//! What a question to a notifier is, and what can become of it.

use crate::{answer::CheckFinding, notifier::CheckedNotifier};
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
    pub(crate) ask: fn(&CheckedNotifier) -> BoxFuture<'_, CheckFinding>,
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
