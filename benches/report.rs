//! The figures of all rounds, as a table and as JSON, and the budget.

mod budget;
mod environment;
mod facts;
pub(crate) mod page;
mod peers;
mod plot;

pub(crate) use environment::environment;

use crate::{
    BenchResult, FLOOR, deployment::StorePair, floor::Handler, process::CpuTime,
    stores::BenchStores,
};
use facts::{ReportFact, UnmeasuredItem};
use serde_json::{Value, json};
use std::{fmt::Write, fs, path::Path, time::Duration};

/// What is measured under one load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReportRow {
    pub(crate) target: &'static str,
    pub(crate) operation: &'static str,
    pub(crate) streams: usize,
}

/// What was measured for one row in one round.
#[derive(Debug, Default)]
pub(crate) struct RowTotals {
    pub(crate) cpu: CpuTime,
    pub(crate) elapsed: Duration,
    pub(crate) latencies: Vec<Duration>,
    pub(crate) wal_bytes: f64,
    /// Transactions of verdicts, and how many verdicts they had.
    pub(crate) batches: f64,
    pub(crate) members: f64,
}

/// Medians over all rounds. CPU is in microseconds a call, latency in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Figures {
    calls: usize,
    calls_per_second: f64,
    server: f64,
    postgres: f64,
    redis: f64,
    p50: f64,
    p99: f64,
    p999: f64,
    wal_bytes: f64,
    calls_per_batch: f64,
}

/// What is known of one pair beside its operations.
#[derive(Debug)]
struct PairFigures {
    pair: StorePair,
    start_times: Vec<Duration>,
    /// Anonymous resident memory in MiB: at rest, and after 1,000 enrollments.
    memory: [f64; 2],
}

/// Everything that was measured.
#[derive(Debug)]
pub(crate) struct BenchReport {
    rows: Vec<(ReportRow, Vec<RowTotals>)>,
    pairs: Vec<PairFigures>,
    facts: Vec<ReportFact>,
    left_out: Vec<UnmeasuredItem>,
    has_failed: bool,
    environment: Value,
    hot_share: f64,
    record_bytes: f64,
}

impl Default for BenchReport {
    fn default() -> Self {
        let of_pair = |pair| PairFigures {
            pair,
            start_times: Vec::new(),
            memory: [f64::NAN; 2],
        };
        Self {
            rows: Vec::new(),
            pairs: StorePair::ALL.map(of_pair).into(),
            facts: Vec::new(),
            left_out: Vec::new(),
            has_failed: false,
            environment: Value::Null,
            hot_share: f64::NAN,
            record_bytes: f64::NAN,
        }
    }
}

impl RowTotals {
    fn figures(&self) -> Figures {
        let calls = as_float(self.latencies.len());
        let micros = |time: Duration| time.as_secs_f64() * 1e6 / calls;
        let mut latencies = self.latencies.clone();
        latencies.sort_unstable();
        let percentile = |thousandths: usize| {
            let last = latencies.len().saturating_sub(1);
            let latency = latencies.get(last * thousandths / 1000);
            latency.map_or(0.0, |latency| latency.as_secs_f64() * 1e3)
        };
        Figures {
            calls: self.latencies.len(),
            calls_per_second: calls / self.elapsed.as_secs_f64(),
            server: micros(self.cpu.server),
            postgres: micros(self.cpu.postgres),
            redis: micros(self.cpu.redis),
            p50: percentile(500),
            p99: percentile(990),
            p999: percentile(999),
            wal_bytes: self.wal_bytes / calls,
            calls_per_batch: self.members / self.batches.max(1.0),
        }
    }
}

impl Figures {
    const UNKNOWN: Self = Self {
        calls: 0,
        calls_per_second: f64::NAN,
        server: f64::NAN,
        postgres: f64::NAN,
        redis: f64::NAN,
        p50: f64::NAN,
        p99: f64::NAN,
        p999: f64::NAN,
        wal_bytes: f64::NAN,
        calls_per_batch: f64::NAN,
    };

    fn median(rounds: &[RowTotals]) -> Self {
        let all: Vec<Self> = rounds.iter().map(RowTotals::figures).collect();
        let of = |field: fn(&Self) -> f64| median(all.iter().map(field).collect());
        Self {
            calls: all.iter().map(|figures| figures.calls).sum(),
            calls_per_second: of(|figures| figures.calls_per_second),
            server: of(|figures| figures.server),
            postgres: of(|figures| figures.postgres),
            redis: of(|figures| figures.redis),
            p50: of(|figures| figures.p50),
            p99: of(|figures| figures.p99),
            p999: of(|figures| figures.p999),
            wal_bytes: of(|figures| figures.wal_bytes),
            calls_per_batch: of(|figures| figures.calls_per_batch),
        }
    }

    fn total(&self) -> f64 {
        self.server + self.postgres + self.redis
    }
}

impl BenchReport {
    /// Where a round adds up what it measures.
    pub(crate) fn sum(&mut self, row: ReportRow, round: usize) -> &mut RowTotals {
        let index = self.rows.iter().position(|(known, _)| *known == row);
        let index = index.unwrap_or_else(|| {
            self.rows.push((row, Vec::new()));
            self.rows.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "found or made above")]
        let rounds = &mut self.rows[index].1;
        if rounds.len() <= round {
            rounds.resize_with(round + 1, RowTotals::default);
        }
        #[expect(clippy::indexing_slicing, reason = "made above")]
        &mut rounds[round]
    }

    pub(crate) fn set_memory(&mut self, pair: StorePair, memory: [f64; 2]) {
        for of in self.pairs.iter_mut().filter(|of| of.pair == pair) {
            of.memory = memory;
        }
    }

    pub(crate) fn add_start_time(&mut self, pair: StorePair, time: Duration) {
        for of in self.pairs.iter_mut().filter(|of| of.pair == pair) {
            of.start_times.push(time);
        }
    }

    /// Which share of the updates of accounts was HOT, and how large records are.
    pub(crate) async fn read_tables(&mut self, stores: &BenchStores) -> BenchResult<()> {
        const HOT: &str =
            "SELECT n_tup_hot_upd::float8 / nullif(n_tup_upd, 0) FROM pg_stat_user_tables
            WHERE schemaname = 'public' AND relname = 'accounts'";
        const BYTES: &str = "SELECT avg(octet_length(record))::float8 FROM bench.accounts";
        // Backends that end report what they still hold.
        tokio::time::sleep(Duration::from_millis(500)).await;
        self.hot_share = stores.number(HOT).await?;
        self.record_bytes = stores.number(BYTES).await?;
        Ok(())
    }

    fn figures(&self, target: &str, operation: &str, streams: usize) -> Option<Figures> {
        let found = self.rows.iter().find(|(row, _)| {
            row.target == target && row.operation == operation && row.streams == streams
        });
        found.map(|(_, rounds)| Figures::median(rounds))
    }

    pub(crate) fn set_environment(&mut self, environment: Value) {
        self.environment = environment;
    }

    /// How long the run took, without its build.
    pub(crate) fn set_run_time(&mut self, time: Duration) {
        if let Some(environment) = self.environment.as_object_mut() {
            let minutes = (time.as_secs_f64() / 60.0).round();
            environment.insert("minutes".to_owned(), json!(minutes));
        }
    }

    /// Whether a part failed. What the others measured is in the report.
    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// Prints the table and writes `report.txt` and `report.json`.
    pub(crate) fn write(&self, folder: &Path) -> BenchResult<()> {
        let text = format!(
            "{}\n{}\n{}\n{}{}",
            self.table(),
            self.pairs_text(),
            self.facts_text(),
            budget::text(self),
            peers::text(self)
        );
        println!("{text}");
        fs::write(folder.join("report.txt"), text)?;
        fs::write(
            folder.join("report.json"),
            serde_json::to_vec_pretty(&self.json())?,
        )?;
        Ok(())
    }

    fn table(&self) -> String {
        let mut lines = vec![
            "CPU in µs a call, latency in ms, medians of all rounds. ×echo: server CPU against bare echo with as many streams."
                .to_owned(),
            format!(
                "{:<20}{:<25}{:>4}{:>8}{:>9}{:>8}{:>9}{:>7}{:>9}{:>7}{:>8}{:>8}{:>8}{:>8}{:>7}",
                "server", "operation", "at", "calls", "calls/s", "server", "postgres", "redis", "sum", "×echo", "p50", "p99", "p99.9",
                "WAL B", "batch"
            ),
        ];
        for (row, rounds) in &self.rows {
            let of = Figures::median(rounds);
            let ratio = match self.against_echo(*row, of) {
                none if none.is_nan() => "–".to_owned(),
                ratio => format!("{ratio:.1}"),
            };
            lines.push(format!(
                "{:<20}{:<25}{:>4}{:>8}{:>9.0}{:>8.1}{:>9.1}{:>7.1}{:>9.1}{:>7}{:>8.2}{:>8.2}{:>8.2}{:>8.0}{:>7.1}",
                row.target, row.operation, row.streams, of.calls, of.calls_per_second, of.server, of.postgres, of.redis,
                of.total(), ratio, of.p50, of.p99, of.p999, of.wal_bytes, of.calls_per_batch
            ));
        }
        lines.join("\n")
    }

    /// The server's CPU against bare echo with as many streams.
    fn against_echo(&self, row: ReportRow, of: Figures) -> f64 {
        let echo = self.figures(FLOOR, Handler::Echo.name(), row.streams);
        echo.map_or(f64::NAN, |echo| of.server / echo.server)
    }

    fn pairs_text(&self) -> String {
        let mut text = format!(
            "HOT updates of accounts: {:.1} %. A record has {:.0} bytes.\n",
            self.hot_share * 100.0,
            self.record_bytes
        );
        for of in &self.pairs {
            let [at_rest, after] = of.memory;
            let _never_fails = writeln!(
                text,
                "{}: RssAnon {at_rest:.1} MiB at rest, {after:.1} MiB after 1,000 enrollments (NaN with fewer users); serving after {:.0} ms.",
                of.pair.name(),
                of.start_ms()
            );
        }
        text
    }

    fn json(&self) -> Value {
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|(row, rounds)| self.row_json(*row, rounds))
            .collect();
        let pairs: Vec<Value> = self.pairs.iter().map(PairFigures::json).collect();
        json!({
            "environment": self.environment,
            "rows": rows,
            "pairs": pairs,
            "hot_share": self.hot_share,
            "record_bytes": self.record_bytes,
            "facts": self.facts_json(),
            "left_out": self.left_out_json(),
            "budget": budget::json(self),
            "peers": peers::json(self),
        })
    }
}

impl BenchReport {
    fn row_json(&self, row: ReportRow, rounds: &[RowTotals]) -> Value {
        let of = Figures::median(rounds);
        json!({
            "server": row.target,
            "operation": row.operation,
            "streams": row.streams,
            "calls": of.calls,
            "calls_per_second": of.calls_per_second,
            "server_cpu_us": of.server,
            "postgres_cpu_us": of.postgres,
            "redis_cpu_us": of.redis,
            "server_cpu_against_echo": self.against_echo(row, of),
            "p50_ms": of.p50,
            "p99_ms": of.p99,
            "p999_ms": of.p999,
            "wal_bytes": of.wal_bytes,
            "calls_per_batch": of.calls_per_batch,
        })
    }
}

impl PairFigures {
    fn start_ms(&self) -> f64 {
        let times = self.start_times.iter();
        median(times.map(|time| time.as_secs_f64() * 1e3).collect())
    }

    fn json(&self) -> Value {
        let [at_rest, after] = self.memory;
        json!({
            "pair": self.pair.name(),
            "start_ms": self.start_ms(),
            "rss_anon_mib_at_rest": at_rest,
            "rss_anon_mib_after_enrollments": after,
        })
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle.wrapping_sub(1)), values.get(middle)) {
        (Some(lower), Some(upper)) if values.len().is_multiple_of(2) => {
            f64::midpoint(*lower, *upper)
        }
        (_, Some(middle)) => *middle,
        _ => f64::NAN,
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a benchmark are small"
)]
pub(crate) fn as_float(count: usize) -> f64 {
    count as f64
}
