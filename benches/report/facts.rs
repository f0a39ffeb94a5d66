//! Figures that are no row: one value in each round.

use super::{BenchReport, median};
use serde_json::{Value, json};
use std::fmt::Write;

/// One figure, by round.
#[derive(Debug)]
pub(super) struct ReportFact {
    what: String,
    unit: &'static str,
    values: Vec<f64>,
}

/// What was not measured, and why.
#[derive(Debug)]
pub(super) struct UnmeasuredItem {
    what: String,
    why: String,
}

impl BenchReport {
    /// Adds the value of one round.
    pub(crate) fn note(&mut self, what: &str, unit: &'static str, value: f64) {
        if let Some(fact) = self.facts.iter_mut().find(|fact| fact.what == what) {
            fact.values.push(value);
            return;
        }
        self.facts.push(ReportFact {
            what: what.to_owned(),
            unit,
            values: vec![value],
        });
    }

    /// Says why something was not measured.
    pub(crate) fn leave_out(&mut self, what: &str, why: String) {
        if self.why_left_out(what).is_none() {
            let what = what.to_owned();
            self.left_out.push(UnmeasuredItem { what, why });
        }
    }

    /// Says what failed, and that the run as a whole did.
    pub(crate) fn fail(&mut self, what: &str, error: &str) {
        self.leave_out(what, format!("it failed: {error}"));
        self.has_failed = true;
    }

    pub(super) fn why_left_out(&self, what: &str) -> Option<&str> {
        let mut all = self.left_out.iter();
        let left_out = all.find(|left_out| left_out.what == what)?;
        Some(&left_out.why)
    }

    /// The median of all rounds; NaN if there was none.
    pub(super) fn fact(&self, what: &str) -> f64 {
        let mut facts = self.facts.iter();
        let found = facts.find(|fact| fact.what == what);
        found.map_or(f64::NAN, |fact| median(fact.values.clone()))
    }

    pub(super) fn facts_text(&self) -> String {
        let mut text = String::new();
        for ReportFact { what, unit, values } in &self.facts {
            let value = median(values.clone());
            let _never_fails = writeln!(text, "{what:<74}{value:>9.1} {unit}");
        }
        for UnmeasuredItem { what, why } in &self.left_out {
            let _never_fails = writeln!(text, "{what}: not measured: {why}");
        }
        text
    }

    pub(super) fn facts_json(&self) -> Vec<Value> {
        let json = |fact: &ReportFact| json!({ "what": fact.what, "unit": fact.unit, "value": median(fact.values.clone()), "rounds": fact.values });
        self.facts.iter().map(json).collect()
    }

    pub(super) fn left_out_json(&self) -> Vec<Value> {
        let json =
            |left_out: &UnmeasuredItem| json!({ "what": left_out.what, "why": left_out.why });
        self.left_out.iter().map(json).collect()
    }
}
