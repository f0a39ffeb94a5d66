//! The lines of the budget.

use crate::{
    FLOOR,
    deployment::StorePair,
    floor::Handler,
    operations::{ENROLL, HASH_STREAMS, ISSUE, SIGN_IN, VERIFY, VERIFY_WRONG},
    parts::{
        ALL_OFF, ALL_ON, AT_HALF, CHAIN_RATE, CHALLENGE_LEVELS, CHALLENGES, COLD_BUILD,
        EVERYTHING_EXISTS, KINDS, OBSERVERS, PEAK_MEMORY, REDIS_BYTES, STREAMS, USER_COUNTS,
        USER_LEVELS, UserKind,
    },
    peers::PeerProduct,
    report::{BenchReport, Figures, peers},
};
use std::fmt::Write;

/// The peers of which the fastest is compared with the embedded stores.
const PYTHON_AND_NODE: [PeerProduct; 2] = [PeerProduct::BetterAuth, PeerProduct::DjangoOtp];

/// How many times as good as a peer's the figures of a sign-in have to be.
#[derive(Debug, Clone, Copy)]
struct RequiredLead {
    rate: f64,
    cpu: f64,
}

const OVER_KEYCLOAK: RequiredLead = RequiredLead {
    rate: 10.0,
    cpu: 15.0,
};
const OVER_KRATOS: RequiredLead = RequiredLead {
    rate: 20.0,
    cpu: 25.0,
};
const OVER_PYTHON_AND_NODE: RequiredLead = RequiredLead {
    rate: 50.0,
    cpu: 50.0,
};

#[derive(Debug, Clone, Copy)]
pub(super) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Bound {
    pub(super) const fn words(self) -> (&'static str, f64) {
        match self {
            Self::AtMost(most) => ("at most", most),
            Self::AtLeast(least) => ("at least", least),
        }
    }
}

/// One line of the budget.
pub(super) struct BudgetLine {
    /// Of the promise.
    pub(super) number: u8,
    pub(super) what: String,
    pub(super) measured: f64,
    pub(super) bound: Bound,
    /// Why it was not measured.
    pub(super) why: Option<String>,
}

pub(super) fn lines(report: &BenchReport) -> Vec<BudgetLine> {
    let mut lines = close_to_the_floor(report);
    lines.extend(ahead_of_peers(report));
    lines.push(group_commit(report));
    lines.extend(latency(report));
    lines.extend(flat(report));
    lines.extend(small(report));
    lines.push(observability(report));
    for of in &report.pairs {
        let enroll = figures(report, of.pair.name(), ENROLL, HASH_STREAMS);
        let what = format!("{}: CPU of one enrollment, server, ms", of.pair.name());
        lines.push(at_most(7, &what, enroll.server / 1e3, 60.0));
    }
    let minutes = report.fact(COLD_BUILD);
    let build = at_most(8, "minutes on all cores", minutes, 4.0);
    lines.push(build.unless_measured("run `make bench PARTS=build`"));
    lines
}

fn close_to_the_floor(report: &BenchReport) -> Vec<BudgetLine> {
    let (real, embedded) = (
        StorePair::RedisAndPostgres.name(),
        StorePair::Embedded.name(),
    );
    let ratios = [
        (real, VERIFY, Handler::ScriptAndWrite, 1.5),
        (real, VERIFY_WRONG, Handler::ScriptAndWrite, 1.3),
        (real, ISSUE, Handler::ScriptAndRead, 1.3),
        (embedded, VERIFY, Handler::SqliteWrite, 1.5),
    ];
    let ratio = |(pair, operation, handler, most): (&str, &str, Handler, f64)| {
        let floor = figures(report, FLOOR, handler.name(), STREAMS).server;
        let ratio = figures(report, pair, operation, STREAMS).server / floor;
        let what = format!("{pair}: server CPU, {operation} / {}", handler.name());
        at_most(1, &what, ratio, most)
    };
    let mut lines: Vec<BudgetLine> = ratios.into_iter().map(ratio).collect();
    let sign_in = figures(report, real, SIGN_IN, STREAMS);
    let all = format!("{real}: CPU of a sign-in, all processes, ms");
    let postgres = format!("{real}: CPU of a sign-in, PostgreSQL, ms");
    let alone = format!("{embedded}: CPU of a sign-in, ms");
    let embedded = figures(report, embedded, SIGN_IN, STREAMS);
    lines.extend([
        at_most(1, &all, sign_in.total() / 1e3, 0.5),
        at_most(1, &postgres, sign_in.postgres / 1e3, 0.16),
        at_most(1, &alone, embedded.server / 1e3, 0.25),
    ]);
    lines
}

/// Each product at the concurrency that gives it the most sign-ins a second.
fn ahead_of_peers(report: &BenchReport) -> Vec<BudgetLine> {
    let best = |server| {
        let best = report.best_sign_ins(server);
        best.map_or(Figures::UNKNOWN, |best| best.figures)
    };
    let (real, embedded) = (
        StorePair::RedisAndPostgres.name(),
        StorePair::Embedded.name(),
    );
    let keycloak = PeerProduct::Keycloak.name();
    let fastest = PYTHON_AND_NODE.into_iter();
    let fastest = fastest.filter_map(|peer| report.best_sign_ins(peer.name()));
    let fastest = fastest.map(|best| best.figures);
    let fastest =
        fastest.max_by(|left, right| left.calls_per_second.total_cmp(&right.calls_per_second));
    let fastest = fastest.unwrap_or(Figures::UNKNOWN);
    let measured = [
        lead(real, best(real), keycloak, best(keycloak), OVER_KEYCLOAK),
        lead(
            embedded,
            best(embedded),
            "the fastest Python or Node peer",
            fastest,
            OVER_PYTHON_AND_NODE,
        ),
    ];
    let measured = measured.into_iter().flatten();
    let mut lines: Vec<BudgetLine> = measured
        .map(|line| line.unless_measured("this product was not in the run"))
        .collect();
    let quoted = peers::kratos().figures;
    let kratos = lead(real, best(real), "Kratos", quoted, OVER_KRATOS);
    lines.extend(kratos.map(BudgetLine::quoted));
    lines
}

/// How many times ahead of a peer the service is.
fn lead(
    pair: &str,
    ours: Figures,
    peer: &str,
    theirs: Figures,
    required: RequiredLead,
) -> [BudgetLine; 2] {
    let rate = ours.calls_per_second / theirs.calls_per_second;
    let cpu = theirs.total() / ours.total();
    let what = format!("sign-ins a second, {pair} / {peer}");
    let what_of_cpu = format!("CPU of a sign-in, {peer} / {pair}");
    [
        at_least(2, &what, rate, required.rate),
        at_least(2, &what_of_cpu, cpu, required.cpu),
    ]
}

fn group_commit(report: &BenchReport) -> BudgetLine {
    let real = StorePair::RedisAndPostgres.name();
    let busy = figures(report, real, VERIFY, STREAMS).postgres;
    let alone = figures(report, real, VERIFY, 1).postgres;
    let what = format!("{real}: PostgreSQL's CPU a verdict, {STREAMS} streams / one");
    at_most(3, &what, busy / alone, 0.5)
}

fn latency(report: &BenchReport) -> Vec<BudgetLine> {
    let (real, embedded) = (
        StorePair::RedisAndPostgres.name(),
        StorePair::Embedded.name(),
    );
    let mut lines = Vec::new();
    for pair in [real, embedded] {
        let half = figures(report, pair, AT_HALF, 0);
        let what =
            |percentile| format!("{pair}: {AT_HALF} of the saturated rate, {percentile} / p50");
        lines.push(at_most(4, &what("p99"), half.p99 / half.p50, 3.0));
        lines.push(at_most(4, &what("p99.9"), half.p999 / half.p50, 10.0));
    }
    let floors = [
        (real, VERIFY, Handler::ScriptAndWrite),
        (real, ISSUE, Handler::ScriptAndRead),
        (embedded, VERIFY, Handler::SqliteWrite),
    ];
    lines.extend(floors.map(|(pair, operation, handler)| {
        let floor = figures(report, FLOOR, handler.name(), 1).p50;
        let ratio = figures(report, pair, operation, 1).p50 / floor;
        let what = format!("{pair}: unloaded p50, {operation} / {}", handler.name());
        at_most(4, &what, ratio, 1.2)
    }));
    lines
}

/// Each level against the first one, and heavy users against typical ones.
fn flat(report: &BenchReport) -> Vec<BudgetLine> {
    let of = |target, operation| figures(report, target, operation, STREAMS).total();
    let mut lines = Vec::new();
    let levels = [
        (USER_COUNTS, USER_LEVELS.as_slice()),
        (CHALLENGES, CHALLENGE_LEVELS.as_slice()),
    ];
    for (target, levels) in levels {
        let Some((first, others)) = levels.split_first() else {
            continue;
        };
        let first = first.operation;
        for level in others.iter().map(|level| level.operation) {
            let what = format!("CPU of a sign-in, {level} / {first}");
            let ratio = of(target, level) / of(target, first);
            let line = at_most(5, &what, ratio, 1.2);
            lines.push(match report.why_left_out(level) {
                Some(why) => line.unless_measured(why),
                None => line,
            });
        }
    }
    let typical = of(KINDS, UserKind::Typical.name());
    let heavy = of(KINDS, UserKind::Heavy.name());
    lines.push(at_most(
        5,
        "CPU of a sign-in, heavy / typical user",
        heavy / typical,
        2.0,
    ));
    lines
}

fn small(report: &BenchReport) -> Vec<BudgetLine> {
    let levels = CHALLENGE_LEVELS.iter().rev();
    let mut bytes = levels.map(|level| report.fact(&format!("{REDIS_BYTES}, {}", level.operation)));
    let bytes = bytes.find(|bytes| !bytes.is_nan());
    let chain = report.fact(CHAIN_RATE);
    let mut lines = vec![
        at_most(
            5,
            "bytes of Redis for each live challenge",
            bytes.unwrap_or(f64::NAN),
            400.0,
        ),
        at_least(5, CHAIN_RATE, chain, 5000.0),
    ];
    for of in &report.pairs {
        let pair = of.pair.name();
        let [at_rest, after] = of.memory;
        let peak = report.fact(&format!("{pair}: {PEAK_MEMORY}"));
        let line =
            |what: &str, measured, most| at_most(5, &format!("{pair}: {what}"), measured, most);
        lines.extend([
            line("RssAnon at rest, MiB", at_rest, 40.0),
            line("RssAnon after 1,000 enrollments, MiB", after, 40.0),
            line(
                "RssAnon at the peak of 1,000 enrollments, 4 at once, MiB",
                peak,
                40.0 + 19.0 * 4.0,
            ),
            line("start to serving, ms", of.start_ms(), 300.0),
        ]);
    }
    lines
}

fn observability(report: &BenchReport) -> BudgetLine {
    let of = |operation| figures(report, OBSERVERS, operation, STREAMS).total();
    let ratio = of(ALL_ON) / of(ALL_OFF);
    let what = "CPU of a sign-in, all observers on / all off";
    if EVERYTHING_EXISTS {
        return at_most(6, what, ratio, 1.25);
    }
    let mut why = "metrics, exported spans and access lines of `serve` do not exist yet".to_owned();
    if !ratio.is_nan() {
        let _never_fails = write!(
            why,
            "; with JSON logs and the caller's trace it is {ratio:.2}"
        );
    }
    at_most(6, what, f64::NAN, 1.25).unless_measured(&why)
}

impl BudgetLine {
    /// Not measured, since one of its figures is not of this run.
    fn quoted(self) -> Self {
        let mut why = "Kratos is in no registry, so it was not in the run".to_owned();
        if !self.measured.is_nan() {
            let ratio = self.measured;
            let _never_fails = write!(why, "; against quoted figures it is {ratio:.2}");
        }
        let measured = f64::NAN;
        Self { measured, ..self }.unless_measured(&why)
    }

    /// Says why, where there is no figure.
    fn unless_measured(self, why: &str) -> Self {
        let why = self.measured.is_nan().then(|| why.to_owned());
        Self { why, ..self }
    }
}

fn at_most(number: u8, what: &str, measured: f64, most: f64) -> BudgetLine {
    BudgetLine {
        number,
        what: what.to_owned(),
        measured,
        bound: Bound::AtMost(most),
        why: None,
    }
}

fn at_least(number: u8, what: &str, measured: f64, least: f64) -> BudgetLine {
    BudgetLine {
        bound: Bound::AtLeast(least),
        ..at_most(number, what, measured, least)
    }
}

fn figures(report: &BenchReport, target: &str, operation: &str, streams: usize) -> Figures {
    report
        .figures(target, operation, streams)
        .unwrap_or(Figures::UNKNOWN)
}
