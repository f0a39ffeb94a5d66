//! The budget: what must hold, each line with what was measured.

mod lines;

use super::BenchReport;
use lines::{Bound, BudgetLine};
use serde_json::{Value, json};
use std::fmt::Write;

/// The promises, in order. Each has one line or more.
const PROMISES: [&str; 8] = [
    "close to the floor",
    "ahead of every peer",
    "group commit across requests",
    "latency",
    "flat, and small",
    "observability is cheap",
    "enrollment",
    "cold build",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BudgetVerdict {
    Within,
    Over,
    NotMeasured,
}

impl BudgetVerdict {
    fn of(line: &BudgetLine) -> Self {
        let holds = match line.bound {
            Bound::AtMost(most) => line.measured <= most,
            Bound::AtLeast(least) => line.measured >= least,
        };
        match holds {
            true => Self::Within,
            false if line.measured.is_nan() => Self::NotMeasured,
            false => Self::Over,
        }
    }

    /// That of a promise: it holds if each of its lines does.
    fn of_all(lines: &[&BudgetLine]) -> Self {
        let has = |verdict| lines.iter().any(|line| Self::of(line) == verdict);
        match (has(Self::Over), has(Self::NotMeasured)) {
            (true, _) => Self::Over,
            (false, true) => Self::NotMeasured,
            (false, false) => Self::Within,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Within => "within",
            Self::Over => "over",
            Self::NotMeasured => "not measured",
        }
    }
}

pub(super) fn text(report: &BenchReport) -> String {
    let all = lines::lines(report);
    let mut text = String::from("budget\n");
    for (number, promise) in (1..).zip(PROMISES) {
        let of_promise: Vec<&BudgetLine> =
            all.iter().filter(|line| line.number == number).collect();
        let verdict = BudgetVerdict::of_all(&of_promise).name();
        let _never_fails = writeln!(text, "{number}. {promise}: {verdict}");
        for line in of_promise {
            let what = &line.what;
            let measured = match line.measured {
                none if none.is_nan() => "–".to_owned(),
                measured => format!("{measured:.2}"),
            };
            let (words, bound) = line.bound.words();
            let verdict = BudgetVerdict::of(line).name();
            let why = line
                .why
                .as_deref()
                .map_or(String::new(), |why| format!(" ({why})"));
            let _never_fails = writeln!(
                text,
                "   {what:<74}{measured:>9} {words} {bound:>8.2}  {verdict}{why}"
            );
        }
    }
    text
}

pub(super) fn json(report: &BenchReport) -> Vec<Value> {
    let all = lines::lines(report);
    let promise = |(number, promise): (u8, &str)| {
        let lines: Vec<&BudgetLine> = all.iter().filter(|line| line.number == number).collect();
        json!({
            "number": number,
            "promise": promise,
            "verdict": BudgetVerdict::of_all(&lines).name(),
            "lines": lines.into_iter().map(line_json).collect::<Vec<_>>(),
        })
    };
    (1..).zip(PROMISES).map(promise).collect()
}

fn line_json(line: &BudgetLine) -> Value {
    let (words, bound) = line.bound.words();
    json!({
        "what": line.what,
        "measured": line.measured,
        "is": words,
        "bound": bound,
        "verdict": BudgetVerdict::of(line).name(),
        "why": line.why,
    })
}
