//! The service beside its peers: the same sign-in, each at its best concurrency.

use super::{BenchReport, Figures};
use crate::{
    deployment::StorePair,
    operations::SIGN_IN,
    peers::{PeerProduct, TRIAL},
};
use serde_json::{Value, json};
use std::fmt::Write;

/// Kratos is in no registry, so it is not in the run. This is what it took for the same sign-in on a machine of the same kind.
const KRATOS: Figures = Figures {
    calls_per_second: 139.0,
    server: 8400.0,
    postgres: 4400.0,
    redis: 0.0,
    p50: 55.0,
    p99: 110.0,
    ..Figures::UNKNOWN
};
const KRATOS_NAME: &str = "Kratos, quoted";
const KRATOS_STREAMS: usize = 8;

/// Sign-ins of one server at its best concurrency.
#[derive(Debug, Clone, Copy)]
pub(super) struct BestSignIns {
    server: &'static str,
    streams: usize,
    pub(super) figures: Figures,
}

/// Nothing, if no peer was measured.
pub(super) fn text(report: &BenchReport) -> String {
    if !has_peers(report) {
        return String::new();
    }
    let mut text = format!(
        "\na sign-in by code (issue + verify), each at its best concurrency; CPU in ms, latency in ms\n\
         {:<19}{:>4}{:>11}{:>9}{:>9}{:>7}{:>8}{:>8}{:>8}\n",
        "server", "at", "sign-ins/s", "server", "postgres", "redis", "sum", "p50", "p99"
    );
    for best in table(report) {
        let of = best.figures;
        let _never_fails = writeln!(
            text,
            "{:<19}{:>4}{:>11.0}{:>9.2}{:>9.2}{:>7.2}{:>8.2}{:>8.1}{:>8.1}",
            best.server,
            best.streams,
            of.calls_per_second,
            of.server / 1e3,
            of.postgres / 1e3,
            of.redis / 1e3,
            of.total() / 1e3,
            of.p50,
            of.p99
        );
    }
    text += &trials(report);
    text
}

pub(super) fn json(report: &BenchReport) -> Value {
    let best = table(report).into_iter().map(|best| {
        json!({
            "server": best.server,
            "streams": best.streams,
            "sign_ins_per_second": best.figures.calls_per_second,
            "server_cpu_us": best.figures.server,
            "postgres_cpu_us": best.figures.postgres,
            "redis_cpu_us": best.figures.redis,
            "p50_ms": best.figures.p50,
            "p99_ms": best.figures.p99,
        })
    });
    json!({
        "measured": has_peers(report),
        "best": best.collect::<Vec<_>>(),
    })
}

pub(super) fn has_peers(report: &BenchReport) -> bool {
    PeerProduct::ALL
        .iter()
        .any(|peer| report.best_sign_ins(peer.name()).is_some())
}

fn table(report: &BenchReport) -> Vec<BestSignIns> {
    let ours = StorePair::ALL.map(StorePair::name);
    let peers = PeerProduct::ALL.map(PeerProduct::name);
    let measured = ours.iter().chain(&peers);
    let measured = measured.filter_map(|server| report.best_sign_ins(server));
    measured.chain([kratos()]).collect()
}

/// Kratos as it was measured at another time: no proof of anything that this run has to show.
pub(super) const fn kratos() -> BestSignIns {
    BestSignIns {
        server: KRATOS_NAME,
        streams: KRATOS_STREAMS,
        figures: KRATOS,
    }
}

impl BenchReport {
    /// Sign-ins of a server at the concurrency with the most of them a second.
    pub(super) fn best_sign_ins(&self, server: &'static str) -> Option<BestSignIns> {
        let rows = self.rows.iter();
        let rows = rows.filter(|(row, _)| row.target == server && row.operation == SIGN_IN);
        let all = rows.map(|(row, rounds)| BestSignIns {
            server,
            streams: row.streams,
            figures: Figures::median(rounds),
        });
        all.max_by(|left, right| {
            let (left, right) = (left.figures, right.figures);
            left.calls_per_second.total_cmp(&right.calls_per_second)
        })
    }
}

/// What each concurrency of a peer gave, tried once.
fn trials(report: &BenchReport) -> String {
    let mut text = String::new();
    for peer in PeerProduct::ALL {
        let rows = report.rows.iter();
        let rows = rows.filter(|(row, _)| row.target == peer.name() && row.operation == TRIAL);
        let trials = rows.map(|(row, rounds)| {
            let rate = Figures::median(rounds).calls_per_second;
            format!("  {} at {}", rate.round(), row.streams)
        });
        let trials: String = trials.collect();
        if !trials.is_empty() {
            let _never_fails = writeln!(text, "{}, trials, sign-ins/s:{trials}", peer.name());
        }
    }
    text
}
