//! What is measured, and how: CPU of all processes, latency, and what PostgreSQL wrote, over one closed loop.

use crate::{
    Outcome,
    load::{Bounds, closed_loop},
    process::{CpuTime, Server},
    report::{Report, Row},
    stores::Stores,
};
use std::time::Duration;

/// How long work that goes on after the last answer may take: it belongs to the calls.
const SETTLING_TIME: Duration = Duration::from_millis(30);

/// One server under load, in one round.
pub(crate) struct Bench<'a> {
    pub(crate) stores: &'a Stores,
    pub(crate) report: &'a mut Report,
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
    ) -> Outcome<Duration>
    where
        Sent: Future<Output = Outcome<()>> + Send,
    {
        let (cpu, counted) = (self.cpu()?, self.stores.counted().await?);
        let load = closed_loop(self.streams, bounds, send)
            .await
            .map_err(|error| format!("{}, {operation}: {error}", self.target))?;
        tokio::time::sleep(SETTLING_TIME).await;
        let (cpu, later) = (self.cpu()? - cpu, self.stores.counted().await?);
        let row = Row {
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

    fn cpu(&self) -> Outcome<CpuTime> {
        let stores = self.stores;
        CpuTime::now(self.server.pid(), stores.postmaster_pid, stores.redis_pid)
    }

    /// Waits until all processes are idle: notices are sent, the audit chain is complete.
    pub(crate) async fn wait_until_idle(&self) -> Outcome<()> {
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
