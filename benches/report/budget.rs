//! The budget: what must hold, each line with what was measured.

use super::{Figures, Report};
use crate::{
    FLOOR,
    deployment::Pair,
    floor::Handler,
    operations::{ENROLL, HASH_STREAMS, ISSUE, SIGN_IN, VERIFY, VERIFY_WRONG},
};
use serde_json::{Value, json};
use std::fmt::Write;

/// Under how many streams the budget of CPU holds.
const STREAMS: usize = 64;

/// One line of the budget.
struct Line {
    what: String,
    measured: f64,
    at_most: f64,
}

impl Line {
    fn verdict(&self) -> &'static str {
        if self.measured <= self.at_most {
            "within"
        } else if self.measured.is_nan() {
            "not measured"
        } else {
            "over"
        }
    }
}

pub(super) fn text(report: &Report) -> String {
    let mut text = format!("{:<74}{:>9}{:>9}\n", "budget", "measured", "at most");
    for line in lines(report) {
        let Line {
            what,
            measured,
            at_most,
        } = &line;
        let _never_fails = writeln!(
            text,
            "{what:<74}{measured:>9.2}{at_most:>9.2}  {}",
            line.verdict()
        );
    }
    text
}

pub(super) fn json(report: &Report) -> Vec<Value> {
    let lines = lines(report);
    let of_line = |line: &Line| json!({ "what": line.what, "measured": line.measured, "at_most": line.at_most, "verdict": line.verdict() });
    lines.iter().map(of_line).collect()
}

fn lines(report: &Report) -> Vec<Line> {
    let mut lines = against_the_floor(report);
    lines.extend(sign_ins(report));
    for of in &report.pairs {
        let pair = of.pair.name();
        let [at_rest, after] = of.memory;
        let enroll = figures(report, pair, ENROLL, HASH_STREAMS);
        lines.extend([
            line(format!("{pair}: RssAnon at rest, MiB"), at_rest, 40.0),
            line(
                format!("{pair}: RssAnon after 1,000 enrollments, MiB"),
                after,
                40.0,
            ),
            line(
                format!("{pair}: start to serving, ms"),
                of.start_ms(),
                300.0,
            ),
            line(
                format!("{pair}: CPU of one enrollment, server, ms"),
                enroll.server / 1e3,
                60.0,
            ),
        ]);
    }
    lines
}

fn against_the_floor(report: &Report) -> Vec<Line> {
    let (real, embedded) = (Pair::RedisAndPostgres.name(), Pair::Embedded.name());
    let ratios = [
        (real, VERIFY, Handler::ScriptAndWrite, 1.5),
        (real, VERIFY_WRONG, Handler::ScriptAndWrite, 1.3),
        (real, ISSUE, Handler::ScriptAndRead, 1.3),
        (embedded, VERIFY, Handler::SqliteWrite, 1.5),
    ];
    let mut lines: Vec<Line> = ratios
        .into_iter()
        .map(|(pair, operation, handler, at_most)| {
            let ratio = figures(report, pair, operation, STREAMS).server
                / figures(report, FLOOR, handler.name(), STREAMS).server;
            let what = format!("{pair}: server CPU, {operation} / {}", handler.name());
            line(what, ratio, at_most)
        })
        .collect();
    let floors = [
        (real, VERIFY, Handler::ScriptAndWrite),
        (real, ISSUE, Handler::ScriptAndRead),
        (embedded, VERIFY, Handler::SqliteWrite),
    ];
    lines.extend(floors.map(|(pair, operation, handler)| {
        let ratio =
            figures(report, pair, operation, 1).p50 / figures(report, FLOOR, handler.name(), 1).p50;
        line(
            format!("{pair}: unloaded p50, {operation} / {}", handler.name()),
            ratio,
            1.2,
        )
    }));
    lines
}

fn sign_ins(report: &Report) -> Vec<Line> {
    let (real, embedded) = (Pair::RedisAndPostgres.name(), Pair::Embedded.name());
    let sign_in = figures(report, real, SIGN_IN, STREAMS);
    let (busy, alone) = (
        figures(report, real, VERIFY, STREAMS),
        figures(report, real, VERIFY, 1),
    );
    vec![
        line(
            format!("{real}: CPU of a sign-in, all processes, ms"),
            sign_in.total() / 1e3,
            0.5,
        ),
        line(
            format!("{real}: CPU of a sign-in, PostgreSQL, ms"),
            sign_in.postgres / 1e3,
            0.16,
        ),
        line(
            format!("{embedded}: CPU of a sign-in, ms"),
            figures(report, embedded, SIGN_IN, STREAMS).server / 1e3,
            0.25,
        ),
        line(
            format!("{real}: PostgreSQL's CPU a verdict, {STREAMS} streams / one"),
            busy.postgres / alone.postgres,
            0.5,
        ),
    ]
}

fn line(what: String, measured: f64, at_most: f64) -> Line {
    Line {
        what,
        measured,
        at_most,
    }
}

fn figures(report: &Report, target: &str, operation: &str, streams: usize) -> Figures {
    report
        .figures(target, operation, streams)
        .unwrap_or(Figures::UNKNOWN)
}
