//! An open loop: calls are sent at instants that are fixed beforehand, however long earlier ones take. Latency counts from
//! the instant at which a call was due, so a server that stalls is charged for every call that had to wait (no coordinated
//! omission).

use crate::{BenchResult, load::LoadResult};
use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};
use tokio::{sync::mpsc, task::JoinSet};

/// How calls are spread over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrivals {
    /// As independent users arrive: gaps are exponentially distributed.
    Poisson,
    /// All gaps are equal.
    Even,
}

impl Arrivals {
    /// When each call is due, from the start on.
    fn schedule(self, per_second: f64, calls: usize) -> Vec<Duration> {
        let mut seconds = 0.0;
        let mut next = || {
            seconds += match self {
                Self::Poisson => -(1.0 - rand::random::<f64>()).ln() / per_second,
                Self::Even => 1.0 / per_second,
            };
            Duration::from_secs_f64(seconds)
        };
        (0..calls).map(|_| next()).collect()
    }
}

/// What an open loop does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Offered {
    pub(crate) arrivals: Arrivals,
    pub(crate) per_second: f64,
    pub(crate) calls: usize,
}

/// Sends calls 0, 1, 2, … when they are due.
///
/// # Errors
/// The first call that did not end as it should.
pub(crate) async fn open_loop<Sent>(
    offered: Offered,
    send: impl Fn(usize) -> Sent + Send + Sync + 'static,
) -> BenchResult<LoadResult>
where
    Sent: Future<Output = BenchResult<()>> + Send,
{
    let send = Arc::new(send);
    let schedule = offered.arrivals.schedule(offered.per_second, offered.calls);
    let started = Instant::now();
    let (queue, mut due) = mpsc::unbounded_channel();
    // A thread of its own: the runtime's timer has a resolution of a millisecond.
    let clock = thread::spawn(move || {
        for (call, offset) in schedule.into_iter().enumerate() {
            let at = started + offset;
            thread::sleep(at.saturating_duration_since(Instant::now()));
            if queue.send((call, at)).is_err() {
                return;
            }
        }
    });
    let mut tasks = JoinSet::new();
    while let Some((call, at)) = due.recv().await {
        let send = Arc::clone(&send);
        tasks.spawn(async move {
            send(call).await?;
            BenchResult::Ok(at.elapsed())
        });
    }
    clock.join().map_err(|_| "the clock of arrivals panicked")?;
    let mut load = LoadResult::default();
    while let Some(latency) = tasks.join_next().await {
        load.latencies.push(latency??);
    }
    load.elapsed = started.elapsed();
    Ok(load)
}
