//! What is measured, and how: CPU of all processes, latency, and what PostgreSQL wrote, over one closed loop.

use crate::{
    BenchResult,
    load::{Bounds, LoadResult, closed_loop},
    process::{CpuTime, Server},
    report::{BenchReport, ReportRow},
    stores::BenchStores,
};
use std::time::Duration;

/// How long work that goes on after the last answer may take: it belongs to the calls.
const SETTLING_TIME: Duration = Duration::from_millis(30);

/// One server under load, in one round.
pub(crate) struct Bench<'a> {
    pub(crate) stores: &'a BenchStores,
    pub(crate) report: &'a mut BenchReport,
    pub(crate) round: usize,
    pub(crate) target: &'static str,
    pub(crate) server: &'a Server,
    pub(crate) streams: usize,
}

impl Bench<'_> {
    /// Runs one closed loop and adds what it cost to a row of the report. Gives how long it took.
    pub(crate) async fn measure<Sent>(
        &mut self,
        operation: &'static str,
        bounds: Bounds,
        send: impl Fn(usize) -> Sent + Send + Sync + 'static,
    ) -> BenchResult<Duration>
    where
        Sent: Future<Output = BenchResult<()>> + Send,
    {
        let streams = self.streams;
        let load = closed_loop(streams, bounds, send);
        self.measure_load(operation, load).await
    }

    /// Adds what a load costs to a row of the report. Gives how long it took.
    pub(crate) async fn measure_load(
        &mut self,
        operation: &'static str,
        load: impl Future<Output = BenchResult<LoadResult>>,
    ) -> BenchResult<Duration> {
        let (cpu, counted) = (self.cpu()?, self.stores.counted().await?);
        let load = load
            .await
            .map_err(|error| format!("{}, {operation}: {error}", self.target))?;
        tokio::time::sleep(SETTLING_TIME).await;
        let (cpu, later) = (self.cpu()? - cpu, self.stores.counted().await?);
        let row = ReportRow {
            target: self.target,
            operation,
            streams: self.streams,
        };
        let sum = self.report.sum(row, self.round);
        sum.cpu += cpu;
        sum.elapsed += load.elapsed;
        sum.latencies.extend(load.latencies);
        sum.wal_bytes += later.wal - counted.wal;
        sum.batches += later.batches - counted.batches;
        sum.members += later.members - counted.members;
        Ok(load.elapsed)
    }

    fn cpu(&self) -> BenchResult<CpuTime> {
        let stores = self.stores;
        CpuTime::now(self.server.pid(), stores.postmaster_pid, stores.redis_pid)
    }

    /// Waits until all processes are idle: notices are sent, the audit chain is complete.
    pub(crate) async fn wait_until_idle(&self) -> BenchResult<()> {
        const SPAN: Duration = Duration::from_millis(500);
        const BUSY: Duration = Duration::from_millis(20);
        for _ in 0..60 {
            let before = self.cpu()?;
            tokio::time::sleep(SPAN).await;
            if (self.cpu()? - before).total() <= BUSY {
                return Ok(());
            }
        }
        Err("the server is never idle".into())
    }
}
