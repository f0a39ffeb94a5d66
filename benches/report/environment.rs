//! Where and with what a run was made.

use crate::{BenchResult, Options, stores::BenchStores};
use serde_json::{Value, json};
use std::{fs, process::Command, thread};

/// Versions, the machine, and the settings of the run.
pub(crate) async fn environment(options: &Options, stores: &BenchStores) -> BenchResult<Value> {
    let settings = "SELECT string_agg(name || ' = ' || setting || coalesce(' × ' || unit, ''), ', ' ORDER BY name)
        FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'shared_buffers', 'wal_sync_method',
            'full_page_writes', 'max_wal_size')";
    let build = if cfg!(debug_assertions) {
        "debug"
    } else {
        "release"
    };
    Ok(json!({
        "date": said_by("date", &["-u", "+%F"]),
        "commit": said_by("git", &["describe", "--always", "--dirty"]),
        "build": build,
        "rustc": said_by("rustc", &["--version"]),
        "postgres": stores.text("SHOW server_version").await?,
        "postgres_settings": stores.text(settings).await?,
        "redis": redis_version(stores).await?,
        "kernel": said_by("uname", &["-sr"]),
        "cpu": cpu_model(),
        "cores": cores(),
        "memory_gib": memory_gib(),
        "rounds": options.rounds,
        "seconds": options.seconds,
        "streams": options.streams,
        "users": options.users,
        "most_users": options.most_users,
        "most_challenges": options.most_challenges,
        "parts": options.parts.iter().map(|part| format!("{part:?}").to_lowercase()).collect::<Vec<_>>(),
    }))
}

fn said_by(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.map(|output| output.stdout).unwrap_or_default();
    match String::from_utf8_lossy(&output).trim() {
        "" => "unknown".to_owned(),
        line => line.to_owned(),
    }
}

async fn redis_version(stores: &BenchStores) -> BenchResult<String> {
    let mut redis = stores.redis().await?;
    let info: String = redis::cmd("INFO")
        .arg("server")
        .query_async(&mut redis)
        .await?;
    Ok(after(&info, "redis_version:").to_owned())
}

fn cpu_model() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    after(&cpus, "model name\t: ").to_owned()
}

/// All of the machine: this process is pinned to one of them.
fn cores() -> usize {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cores = cpus.lines().filter(|line| line.starts_with("processor"));
    match cores.count() {
        0 => thread::available_parallelism().map_or(1, usize::from),
        cores => cores,
    }
}

fn memory_gib() -> f64 {
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = after(&memory, "MemTotal:");
    let kib = kib.split_whitespace().next().unwrap_or_default();
    kib.parse()
        .map_or(f64::NAN, |kib: f64| kib / 1024.0 / 1024.0)
}

/// The rest of the first line that contains `name`.
fn after<'text>(text: &'text str, name: &str) -> &'text str {
    let rest = text.split_once(name).map_or("unknown", |(_, rest)| rest);
    rest.lines().next().unwrap_or_default().trim()
}
