//! A closed loop: each stream sends its next call when the last one is answered.

use crate::BenchResult;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// What a closed loop did.
#[derive(Debug, Default)]
pub(crate) struct LoadResult {
    pub(crate) elapsed: Duration,
    /// How long each call took.
    pub(crate) latencies: Vec<Duration>,
}

/// How long a closed loop runs: it ends with the first bound that it meets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) calls: usize,
    pub(crate) time: Duration,
}

impl Bounds {
    pub(crate) fn calls(calls: usize) -> Self {
        Self {
            calls,
            time: Duration::MAX,
        }
    }

    pub(crate) fn time(time: Duration) -> Self {
        Self {
            calls: usize::MAX,
            time,
        }
    }

    /// The next call, if there is to be one.
    fn next(self, started: Instant, number: impl FnOnce() -> usize) -> Option<usize> {
        let in_time = started.elapsed() < self.time;
        in_time.then(number).filter(|call| *call < self.calls)
    }
}

/// Sends calls 0, 1, 2, … over so many streams.
///
/// # Errors
/// The first call that did not end as it should: a benchmark of failures measures nothing.
pub(crate) async fn closed_loop<Sent>(
    streams: usize,
    bounds: Bounds,
    send: impl Fn(usize) -> Sent + Send + Sync + 'static,
) -> BenchResult<LoadResult>
where
    Sent: Future<Output = BenchResult<()>> + Send,
{
    let send = Arc::new(send);
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..streams {
        let (send, next) = (Arc::clone(&send), Arc::clone(&next));
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            let number = || next.fetch_add(1, Ordering::Relaxed);
            while let Some(call) = bounds.next(started, number) {
                let before = Instant::now();
                send(call).await?;
                latencies.push(before.elapsed());
            }
            BenchResult::Ok(latencies)
        });
    }
    let mut load = LoadResult::default();
    while let Some(stream) = tasks.join_next().await {
        load.latencies.extend(stream??);
    }
    load.elapsed = started.elapsed();
    Ok(load)
}
