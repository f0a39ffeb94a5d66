//! The report of a run, as text and as JSON.

use crate::check::{CheckOutcome, ConformanceCheck};
use serde_json::{Value, json};
use std::fmt;

/// A check with its outcome.
pub struct ReportLine {
    /// The check.
    pub check: &'static ConformanceCheck,
    /// The outcome of the check.
    pub outcome: CheckOutcome,
}

/// The report of a run.
pub struct CheckReport {
    /// One line for each check.
    pub lines: Vec<ReportLine>,
    /// The number of messages that the notifier accepted. Each has to arrive exactly once.
    pub taken: usize,
}

/// The style of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportStyle {
    /// With terminal colors.
    Colored,
    /// Without colors.
    Plain,
}

const GREEN: &str = "\x1b[32m";
const RED: &str = "\x1b[31m";
const GREY: &str = "\x1b[90m";
const END: &str = "\x1b[0m";

impl ReportLine {
    /// The line as text; four lines if the contract is broken.
    #[must_use]
    pub fn shown(&self, style: ReportStyle) -> String {
        let ConformanceCheck {
            name,
            asked,
            expected,
            contract,
            ..
        } = self.check;
        let (mark, color) = self.mark();
        let mark = match style {
            ReportStyle::Colored => format!("{color}{mark}{END}"),
            ReportStyle::Plain => mark.to_owned(),
        };
        let head = format!("{mark} {name:<22}  {asked}");
        match &self.outcome {
            CheckOutcome::Kept(finding) | CheckOutcome::Told(finding) => {
                format!("{head} → {finding}")
            }
            CheckOutcome::Skipped(why) => format!("{head} → not asked: {why}"),
            CheckOutcome::Broken(finding) => format!(
                "{head}\n    expected  {expected}\n    came      {finding}\n    breaks    “{contract}”"
            ),
        }
    }

    const fn mark(&self) -> (&'static str, &'static str) {
        match self.outcome {
            CheckOutcome::Kept(_) => ("✓", GREEN),
            CheckOutcome::Broken(_) => ("✗", RED),
            CheckOutcome::Told(_) => ("i", GREY),
            CheckOutcome::Skipped(_) => ("-", GREY),
        }
    }

    fn json(&self) -> Value {
        let (outcome, finding) = match &self.outcome {
            CheckOutcome::Kept(finding) => ("kept", finding),
            CheckOutcome::Broken(finding) => ("broken", finding),
            CheckOutcome::Told(finding) => ("told", finding),
            CheckOutcome::Skipped(why) => ("skipped", why),
        };
        json!({
            "name": self.check.name,
            "outcome": outcome,
            "asked": self.check.asked,
            "expected": self.check.expected,
            "came": finding,
            "contract": self.check.contract,
        })
    }
}

impl CheckReport {
    /// The number of checks whose outcome matches.
    fn count(&self, of: impl Fn(&CheckOutcome) -> bool) -> usize {
        let outcomes = self.lines.iter().map(|line| &line.outcome);
        outcomes.filter(|outcome| of(outcome)).count()
    }

    /// The number of checks that found the contract broken.
    #[must_use]
    pub fn broken(&self) -> usize {
        self.count(|outcome| matches!(outcome, CheckOutcome::Broken(_)))
    }

    /// The number of checks that found the contract kept.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.count(|outcome| matches!(outcome, CheckOutcome::Kept(_)))
    }

    /// The number of skipped checks.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.count(|outcome| matches!(outcome, CheckOutcome::Skipped(_)))
    }

    /// The report as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "checks": self.lines.iter().map(ReportLine::json).collect::<Vec<_>>(),
            "kept": self.kept(),
            "broken": self.broken(),
            "skipped": self.skipped(),
            "messages_taken": self.taken,
        })
    }
}

/// The summary, printed after the lines.
impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kept, broken, skipped) = (self.kept(), self.broken(), self.skipped());
        write!(f, "{kept} kept, {broken} broken, {skipped} not asked.")?;
        match self.taken {
            0 => write!(f, " No message was taken."),
            1 => write!(f, " One message was taken: look whether it arrived, once."),
            taken => write!(
                f,
                " {taken} messages were taken: look whether {taken} arrived, each once."
            ),
        }
    }
}
