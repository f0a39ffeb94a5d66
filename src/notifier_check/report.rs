//! What was asked and what came, for people and for machines.

use super::{Check, Outcome};
use serde_json::{Value, json};
use std::fmt;

/// One check and what became of it.
pub struct Line {
    /// The check.
    pub check: &'static Check,
    /// What became of it.
    pub outcome: Outcome,
}

/// All that was asked.
pub struct Report {
    /// One for each check.
    pub lines: Vec<Line>,
    /// How many messages the notifier took: as many have to arrive, each once.
    pub taken: usize,
}

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// For a terminal that shows colours.
    Coloured,
    /// For everything else.
    Plain,
}

const GREEN: &str = "\x1b[32m";
const RED: &str = "\x1b[31m";
const GREY: &str = "\x1b[90m";
const END: &str = "\x1b[0m";

impl Line {
    /// One line, or four where the contract is broken.
    #[must_use]
    pub fn shown(&self, style: Style) -> String {
        let Check {
            name,
            asked,
            expected,
            contract,
            ..
        } = self.check;
        let (mark, colour) = self.mark();
        let mark = match style {
            Style::Coloured => format!("{colour}{mark}{END}"),
            Style::Plain => mark.to_owned(),
        };
        let head = format!("{mark} {name:<22}  {asked}");
        match &self.outcome {
            Outcome::Kept(came) | Outcome::Told(came) => format!("{head} → {came}"),
            Outcome::Skipped(why) => format!("{head} → not asked: {why}"),
            Outcome::Broken(came) => format!(
                "{head}\n    expected  {expected}\n    came      {came}\n    breaks    “{contract}”"
            ),
        }
    }

    const fn mark(&self) -> (&'static str, &'static str) {
        match self.outcome {
            Outcome::Kept(_) => ("✓", GREEN),
            Outcome::Broken(_) => ("✗", RED),
            Outcome::Told(_) => ("i", GREY),
            Outcome::Skipped(_) => ("-", GREY),
        }
    }

    fn json(&self) -> Value {
        let (outcome, came) = match &self.outcome {
            Outcome::Kept(came) => ("kept", came),
            Outcome::Broken(came) => ("broken", came),
            Outcome::Told(came) => ("told", came),
            Outcome::Skipped(why) => ("skipped", why),
        };
        json!({
            "name": self.check.name,
            "outcome": outcome,
            "asked": self.check.asked,
            "expected": self.check.expected,
            "came": came,
            "contract": self.check.contract,
        })
    }
}

impl Report {
    /// How many checks ended in a certain way.
    fn count(&self, of: impl Fn(&Outcome) -> bool) -> usize {
        let outcomes = self.lines.iter().map(|line| &line.outcome);
        outcomes.filter(|outcome| of(outcome)).count()
    }

    /// How many sentences of the contract were found broken.
    #[must_use]
    pub fn broken(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Broken(_)))
    }

    /// How many checks were kept.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Kept(_)))
    }

    /// How many checks were not asked.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Skipped(_)))
    }

    /// For machines.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "checks": self.lines.iter().map(Line::json).collect::<Vec<_>>(),
            "kept": self.kept(),
            "broken": self.broken(),
            "skipped": self.skipped(),
            "messages_taken": self.taken,
        })
    }
}

/// The last lines.
impl fmt::Display for Report {
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
