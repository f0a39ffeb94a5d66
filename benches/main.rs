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
mod operations;
mod process;
mod report;
mod sink;
mod stores;
mod users;

use clap::{Parser, Subcommand};
use deployment::{Deployment, Pair};
use floor::FloorArgs;
use measure::Bench;
use process::Server;
use report::Report;
use sink::Sink;
use std::{fs, path::PathBuf, sync::Arc, time::Duration};
use stores::Stores;
use users::Users;

/// A result whose failure ends the run.
type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The core of the server under measurement. Load, Redis and PostgreSQL have the other one.
const SERVER_CORE: usize = 0;
const ALL_CORES: &str = "0,1";
const FLOOR: &str = "floor";

#[derive(Debug, Parser)]
struct Options {
    /// How often everything is measured; the table shows medians.
    #[arg(long, default_value_t = 3)]
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
    /// Profile `VerifyChallenge` with perf.
    #[arg(long)]
    profile: bool,
    /// Where the report goes.
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// The minimal server, started by the benchmark itself.
    #[command(hide = true)]
    Floor(FloorArgs),
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let options = Options::parse();
    match options.role {
        Some(Role::Floor(args)) => floor::serve(args).await,
        None => run(&options).await,
    }
}

async fn run(options: &Options) -> Outcome<()> {
    let stores = Stores::connect().await?;
    let sink = Sink::default();
    let notifier = sink.serve().await?;
    let folder = tempfile::tempdir()?;
    fs::create_dir_all(&options.out)?;
    let mut report = Report::default();
    let mut deployments = Vec::new();
    for pair in Pair::ALL {
        let home = folder.path().join(format!("{pair:?}"));
        let users = Users::numbered(options.users);
        let deployment = Deployment::new(
            pair,
            home,
            options.out.join(format!("{pair:?}.log")),
            &stores,
            &notifier,
            users,
        )?;
        seed(options, &stores, &sink, &deployment, &mut report).await?;
        deployments.push(deployment);
    }
    let floor = start_floor(options, &stores, &folder.path().join("floor.db")).await?;
    let fresh_codes_from = users::step_after_next()?;
    for round in 0..options.rounds {
        eprintln!("round {}", round + 1);
        for &streams in &options.streams {
            let mut bench = Bench {
                stores: &stores,
                report: &mut report,
                round,
                target: FLOOR,
                server: &floor,
                streams,
            };
            operations::measure_floor(&mut bench, options.users, options.time()).await?;
        }
        users::wait_for(fresh_codes_from).await?;
        for deployment in &deployments {
            measure(options, &stores, &sink, deployment, &mut report, round).await?;
        }
    }
    report.read_tables(&stores).await?;
    report.write(&options.out)
}

impl Options {
    fn time(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}

/// One round of the service, in a new process.
async fn measure(
    options: &Options,
    stores: &Stores,
    sink: &Sink,
    deployment: &Deployment,
    report: &mut Report,
    round: usize,
) -> Outcome<()> {
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
    stores: &Stores,
    sink: &Sink,
    deployment: &Deployment,
    report: &mut Report,
) -> Outcome<()> {
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
    operations::enroll(&mut bench, &users, 0..first).await?;
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
    drop(server);
    deployment.snapshot(stores).await
}

async fn start_floor(
    options: &Options,
    stores: &Stores,
    sqlite: &std::path::Path,
) -> Outcome<Server> {
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
