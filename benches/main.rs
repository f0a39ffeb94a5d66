//! What a sign-in costs: the service beside minimal handlers that make the same round trips, in one run. `make bench` runs
//! it, `docs/benchmarks.md` tells how to read it.

#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark goes by the real clock, and its tasks end with its process"
)]

mod deployment;
mod floor;
mod load;
mod measure;
mod open_loop;
mod operations;
mod parts;
mod peers;
mod process;
mod report;
mod sink;
mod stores;
mod users;

use clap::{Parser, Subcommand};
use deployment::{BenchDeployment, StorePair};
use floor::FloorArgs;
use measure::Bench;
use parts::{BenchPart, BenchSetup, PEAK_MEMORY, PeakMemory};
use peers::Peers;
use process::Server;
use report::BenchReport;
use sink::NotifierSink;
use std::{
    fs,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use stores::BenchStores;
use users::Users;

/// A result whose failure ends the run.
type BenchResult<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The core of the server under measurement. Load, Redis and PostgreSQL have the other one.
const SERVER_CORE: usize = 0;
const ALL_CORES: &str = "0,1";
const FLOOR: &str = "floor";

#[derive(Debug, Parser)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
struct Options {
    /// How often everything is measured; the table shows medians.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long an operation of an app, or a minimal handler, is measured in one round.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// How many calls are in flight.
    #[arg(long, value_delimiter = ',', default_value = "64,8,1")]
    streams: Vec<usize>,
    /// How many users are enrolled on each pair of stores.
    #[arg(long, default_value_t = 2000)]
    users: usize,
    /// What is measured.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = BenchPart::USUAL)]
    parts: Vec<BenchPart>,
    /// The largest table of users.
    #[arg(long, default_value_t = 1_000_000)]
    most_users: usize,
    /// The most live challenges.
    #[arg(long, default_value_t = 1_000_000)]
    most_challenges: usize,
    /// Profile `VerifyChallenge` with perf.
    #[arg(long)]
    profile: bool,
    /// Measure the peers beside the service: those that `make peers` has installed.
    #[arg(long)]
    peers: bool,
    /// Where the report goes.
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
    /// Write `docs/performance.md` and its pictures from the report.
    #[arg(long)]
    write_docs: bool,
    /// Given by `cargo bench`.
    #[arg(long, hide = true, global = true)]
    bench: bool,
    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// The minimal server, started by the benchmark itself.
    #[command(hide = true)]
    Floor(FloorArgs),
    /// Write `docs/performance.md` and its pictures from a report of an earlier run, and measure nothing.
    Page {
        /// The report.
        #[arg(long, default_value = "target/bench/report.json")]
        from: PathBuf,
        /// The folder of the page.
        #[arg(long, default_value = "docs")]
        to: PathBuf,
    },
}

#[tokio::main]
async fn main() -> BenchResult<()> {
    let options = Options::parse();
    match options.role {
        Some(Role::Floor(args)) => floor::serve(args).await,
        Some(Role::Page { from, to }) => report::page::write(&from, &to),
        None => run(&options).await,
    }
}

async fn run(options: &Options) -> BenchResult<()> {
    let started = Instant::now();
    let stores = BenchStores::connect().await?;
    let sink = NotifierSink::default();
    let notifier = sink.serve().await?;
    let folder = tempfile::tempdir()?;
    fs::create_dir_all(&options.out)?;
    let mut report = BenchReport::default();
    report.set_environment(report::environment(options, &stores).await?);
    let mut deployments = Vec::new();
    for pair in StorePair::ALL
        .into_iter()
        .filter(|pair| options.needs(*pair))
    {
        let home = folder.path().join(format!("{pair:?}"));
        let users = Users::numbered(options.users);
        let log = options.out.join(format!("{pair:?}.log"));
        let deployment = BenchDeployment::new(pair, home, log, &stores, &notifier, users)?;
        seed(options, &stores, &sink, &deployment, &mut report).await?;
        deployments.push(deployment);
    }
    let mut setup = BenchSetup {
        options,
        stores: &stores,
        sink: &sink,
        deployments: &deployments,
        report: &mut report,
    };
    let fresh_codes_from = users::step_after_next()?;
    if options.parts.contains(&BenchPart::Calls) {
        let sqlite = folder.path().join("floor.db");
        if let Err(error) = measure_calls(&mut setup, &sqlite, fresh_codes_from).await {
            setup.fail(BenchPart::Calls, &*error);
        }
    }
    users::wait_for(fresh_codes_from).await?;
    parts::measure(&mut setup).await;
    report.set_run_time(started.elapsed());
    report.write(&options.out)?;
    if options.write_docs {
        report::page::write(&options.out.join("report.json"), "docs".as_ref())?;
    }
    if report.has_failed() {
        return Err("a part failed: see the end of the report".into());
    }
    Ok(())
}

/// Every operation beside the floor.
async fn measure_calls(
    setup: &mut BenchSetup<'_>,
    sqlite: &std::path::Path,
    fresh_codes_from: i64,
) -> BenchResult<()> {
    let (options, stores) = (setup.options, setup.stores);
    let floor = start_floor(options, stores, sqlite).await?;
    let mut peers = if options.peers {
        Peers::prepare(stores, &options.out, setup.report).await
    } else {
        Peers::none()
    };
    for round in 0..options.rounds {
        eprintln!("calls, round {}", round + 1);
        for &streams in &options.streams {
            let mut bench = Bench {
                stores,
                report: setup.report,
                round,
                target: FLOOR,
                server: &floor,
                streams,
            };
            operations::measure_floor(&mut bench, options.users, options.time()).await?;
        }
        users::wait_for(fresh_codes_from).await?;
        for deployment in setup.deployments {
            let (sink, report) = (setup.sink, &mut *setup.report);
            measure(options, stores, sink, deployment, report, round).await?;
        }
        peers.measure(stores, setup.report, round).await;
    }
    setup.report.read_tables(stores).await
}

impl Options {
    fn needs(&self, pair: StorePair) -> bool {
        self.parts.iter().any(|part| part.needs(pair))
    }

    fn time(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}

/// One round of the service, in a new process.
async fn measure(
    options: &Options,
    stores: &BenchStores,
    sink: &NotifierSink,
    deployment: &BenchDeployment,
    report: &mut BenchReport,
    round: usize,
) -> BenchResult<()> {
    stores.flush_redis().await?;
    let (server, started) = deployment.start(SERVER_CORE).await?;
    report.add_start_time(deployment.pair, started);
    let users = Arc::new(Users::through(&deployment.users, server.address, sink)?);
    let mut bench = Bench {
        stores,
        report,
        round,
        target: deployment.pair.name(),
        server: &server,
        streams: 0,
    };
    for (level, &streams) in options.streams.iter().enumerate() {
        bench.streams = streams;
        bench.wait_until_idle().await?;
        let profile = options.profile.then_some(options.out.as_path());
        let time = options.time();
        operations::measure_service(&mut bench, deployment, &users, time, profile).await?;
        if level == 0 {
            operations::measure_rare(&mut bench, deployment, &users).await?;
        }
    }
    Ok(())
}

/// Enrolls all users through the service, and looks at its memory.
async fn seed(
    options: &Options,
    stores: &BenchStores,
    sink: &NotifierSink,
    deployment: &BenchDeployment,
    report: &mut BenchReport,
) -> BenchResult<()> {
    /// After so many enrollments the memory is looked at.
    const ENROLLMENTS: usize = 1000;
    eprintln!(
        "{}: enrolling {} users",
        deployment.pair.name(),
        options.users
    );
    let (server, _) = deployment.start(SERVER_CORE).await?;
    let users = Arc::new(Users::through(&deployment.users, server.address, sink)?);
    let mut bench = Bench {
        stores,
        report,
        round: 0,
        target: deployment.pair.name(),
        server: &server,
        streams: 0,
    };
    bench.wait_until_idle().await?;
    let at_rest = server.anonymous_mib()?;
    server.pin(ALL_CORES)?;
    let first = ENROLLMENTS.min(options.users);
    let peak = PeakMemory::watch(server.pid());
    operations::enroll(&mut bench, &users, 0..first).await?;
    let peak = peak.stop();
    bench.wait_until_idle().await?;
    let after = if first < ENROLLMENTS {
        f64::NAN
    } else {
        server.anonymous_mib()?
    };
    operations::enroll(&mut bench, &users, first..options.users).await?;
    let equip = move |call| Arc::clone(&users).equip(call);
    load::closed_loop(16, load::Bounds::calls(options.users), equip).await?;
    bench.wait_until_idle().await?;
    report.set_memory(deployment.pair, [at_rest, after]);
    if first == ENROLLMENTS {
        let what = format!("{}: {PEAK_MEMORY}", deployment.pair.name());
        report.note(&what, "MiB", peak);
    }
    drop(server);
    deployment.snapshot(stores).await
}

async fn start_floor(
    options: &Options,
    stores: &BenchStores,
    sqlite: &std::path::Path,
) -> BenchResult<Server> {
    let bytes = "SELECT avg(octet_length(record))::float8 FROM bench.accounts";
    let bytes = format!("{:.0}", stores.number(bytes).await?);
    let arguments = [
        "floor",
        "--redis",
        &stores.redis_url,
        "--postgres",
        &stores.postgres_url,
        "--sqlite",
        sqlite.to_str().ok_or("a path that is not UTF-8")?,
        "--record-bytes",
        &bytes,
        "--users",
        &options.users.to_string(),
    ];
    let program = std::env::current_exe()?;
    Server::start(
        SERVER_CORE,
        &program,
        &arguments,
        &options.out.join("floor.log"),
    )
    .await
}
