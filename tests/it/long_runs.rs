//! Long runs, which `make test-all` adds to the tests: what has to hold under a load that lasts. They print their rates.

mod audit_chain;
mod clients;
mod outbox;
mod retention;
mod sizes;

use std::time::{Duration, Instant};

/// The CPU seconds that the process used so far; what the database's processes use is not among them.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit(')').next().unwrap();
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks: f64 = [11, 12]
        .map(|field| fields[field].parse::<f64>().unwrap())
        .iter()
        .sum();
    ticks / 100.0
}

/// The real time and the CPU that something takes.
struct Stopwatch {
    began: Instant,
    cpu: f64,
}

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "rates are measured in real time")]
    fn start() -> Self {
        Self {
            began: Instant::now(),
            cpu: cpu_seconds(),
        }
    }

    fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    fn print(&self, what: &str, count: usize) {
        let (seconds, cpu) = (self.elapsed().as_secs_f64(), cpu_seconds() - self.cpu);
        println!(
            "{what}: {count} in {seconds:.1} s, {:.0}/s, {cpu:.1} s of CPU here",
            count as f64 / seconds
        );
    }
}

fn on_a_runtime(run: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(run);
}
