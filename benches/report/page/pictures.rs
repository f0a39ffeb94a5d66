//! The pictures of the page.

use super::tables::{list, total_cpu};
use crate::{
    FLOOR,
    deployment::StorePair,
    floor::Handler,
    operations::{ISSUE, SIGN_IN, VERIFY, VERIFY_WRONG},
    parts::{CHALLENGES, USER_COUNTS},
    report::plot::{Plot, Series},
};
use serde_json::Value;

/// Each with its file's name.
pub(super) fn all(report: &Value) -> [(&'static str, String); 3] {
    [
        ("cost.svg", cost(report)),
        ("latency.svg", latency(report)),
        ("flat.svg", flat(report)),
    ]
}

fn cost(report: &Value) -> String {
    let (real, embedded) = (
        StorePair::RedisAndPostgres.name(),
        StorePair::Embedded.name(),
    );
    let bars = [
        ("floor: read", FLOOR, Handler::ScriptAndRead.name()),
        ("issue", real, ISSUE),
        ("floor: write", FLOOR, Handler::ScriptAndWrite.name()),
        ("verify", real, VERIFY),
        ("wrong code", real, VERIFY_WRONG),
        ("sign-in", real, SIGN_IN),
        ("embedded", embedded, SIGN_IN),
    ];
    let of = |name: &str, key: &str| {
        let values = bars.map(|(_, target, operation)| figure(report, target, operation, key));
        Series {
            name: name.to_owned(),
            values: values.to_vec(),
        }
    };
    let plot = Plot {
        title: "CPU of each call at 64 streams",
        x_label: "call; “embedded” is a whole sign-in on the embedded stores",
        y_label: "CPU of a call, µs",
        places: bars.map(|(name, ..)| name.to_owned()).to_vec(),
        series: vec![
            of("server", "server_cpu_us"),
            of("PostgreSQL", "postgres_cpu_us"),
            of("Redis", "redis_cpu_us"),
        ],
    };
    plot.bars()
}

fn latency(report: &Value) -> String {
    const LOADS: [&str; 3] = ["sign-in at 25 %", "sign-in at 50 %", "sign-in at 75 %"];
    let mut series = Vec::new();
    for pair in StorePair::ALL.map(StorePair::name) {
        for (name, key) in [("p50", "p50_ms"), ("p99", "p99_ms"), ("p99.9", "p999_ms")] {
            series.push(Series {
                name: format!("{name}, {pair}"),
                values: LOADS.map(|load| figure(report, pair, load, key)).to_vec(),
            });
        }
    }
    let plot = Plot {
        title: "Latency of a sign-in, open loop, Poisson arrivals",
        x_label: "share of the saturated rate",
        y_label: "latency, ms",
        places: ["25 %", "50 %", "75 %"].map(str::to_owned).to_vec(),
        series,
    };
    plot.lines()
}

fn flat(report: &Value) -> String {
    const LEVELS: [&str; 5] = ["10^3", "10^4", "10^5", "10^6", "10^7"];
    let of = |target: &str, what: &str| {
        let cpu = |level: &&str| {
            let operation = format!("{level} {what}");
            row(report, target, &operation).map_or(f64::NAN, total_cpu)
        };
        Series {
            name: what.to_owned(),
            values: LEVELS.iter().map(cpu).collect(),
        }
    };
    let plot = Plot {
        title: "CPU of a sign-in, all processes",
        x_label: "how many users are in the table, or challenges live in Redis",
        y_label: "CPU of a sign-in, µs",
        places: ["10³", "10⁴", "10⁵", "10⁶", "10⁷"]
            .map(str::to_owned)
            .to_vec(),
        series: vec![of(USER_COUNTS, "users"), of(CHALLENGES, "live challenges")],
    };
    plot.lines()
}

/// One figure of an operation at 64 streams or in an open loop.
fn figure(report: &Value, target: &str, operation: &str, key: &str) -> f64 {
    let figure = row(report, target, operation).and_then(|row| row[key].as_f64());
    figure.unwrap_or(f64::NAN)
}

fn row<'report>(report: &'report Value, target: &str, operation: &str) -> Option<&'report Value> {
    list(&report["rows"]).iter().find(|row| {
        row["server"] == target
            && row["operation"] == operation
            && (row["streams"] == 64 || row["streams"] == 0)
    })
}
