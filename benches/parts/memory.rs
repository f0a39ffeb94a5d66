//! Memory: for each idle connection, and at its peak while users enroll.

use super::BenchSetup;
use crate::{BenchResult, deployment::BenchDeployment, process::Server, report::as_float};
use countersign_proto::health::{HealthCheckRequest, health_client::HealthClient};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};
use tonic::transport::{Channel, Endpoint};

/// The fact that tells the most memory while users enroll.
pub(crate) const PEAK_MEMORY: &str = "RssAnon at its peak, 1,000 enrollments, 4 at once";

const CONNECTIONS: usize = 1000;

pub(super) async fn measure(setup: &mut BenchSetup<'_>) -> BenchResult<()> {
    let deployments = setup.deployments;
    for round in 0..setup.options.rounds {
        eprintln!("memory, round {}", round + 1);
        for deployment in deployments {
            measure_connections(setup, deployment, round).await?;
        }
    }
    Ok(())
}

async fn measure_connections(
    setup: &mut BenchSetup<'_>,
    deployment: &BenchDeployment,
    round: usize,
) -> BenchResult<()> {
    let pair = deployment.pair.name();
    let server = setup.start(deployment).await?;
    let bench = setup.bench(pair, round, &server);
    // What the first connection costs once is not what each costs.
    let first = connect(&server).await?;
    bench.wait_until_idle().await?;
    let before = server.anonymous_mib()?;
    let mut connections = vec![first];
    for _ in 0..CONNECTIONS {
        connections.push(connect(&server).await?);
    }
    bench.wait_until_idle().await?;
    let each = (server.anonymous_mib()? - before) * 1024.0 / as_float(CONNECTIONS);
    let what = format!("{pair}: RssAnon for each idle connection");
    bench.report.note(&what, "KiB", each);
    drop(connections);
    Ok(())
}

/// A connection over which one call has gone.
async fn connect(server: &Server) -> BenchResult<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{}", server.address))?;
    let channel = endpoint.connect().await?;
    let mut health = HealthClient::new(channel.clone());
    health.check(HealthCheckRequest::default()).await?;
    Ok(channel)
}

/// Looks at the memory of a server again and again, until it is asked for the most that it saw.
pub(crate) struct PeakMemory {
    stop: Arc<AtomicBool>,
    watching: JoinHandle<f64>,
}

impl PeakMemory {
    pub(crate) fn watch(pid: u32) -> Self {
        const PERIOD: Duration = Duration::from_millis(5);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let watching = thread::spawn(move || {
            let mut peak = 0.0_f64;
            while !stopped.load(Ordering::Relaxed) {
                peak = peak.max(crate::process::anonymous_mib(pid).unwrap_or_default());
                thread::sleep(PERIOD);
            }
            peak
        });
        Self { stop, watching }
    }

    /// The most, in MiB.
    pub(crate) fn stop(self) -> f64 {
        self.stop.store(true, Ordering::Relaxed);
        self.watching.join().unwrap_or(f64::NAN)
    }
}
