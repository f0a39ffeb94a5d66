//! A queue of jobs that one task serves.

use super::connection::{ACQUIRE_TIMEOUT, PostgresFailure};
use crate::{ports::StoreResult, store::record::unavailable};
use futures_util::FutureExt;
use std::{
    panic::AssertUnwindSafe,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
    time::timeout,
};

/// How many jobs may wait in a queue.
pub(super) const QUEUE_CAPACITY: usize = 1024;

/// How many jobs share one statement or one transaction at most.
pub(super) const MAX_BATCH_SIZE: usize = 64;

/// Where the outcome of a job goes.
pub(super) type JobReply<T> = oneshot::Sender<StoreResult<T>>;

/// Jobs that wait for a task. The task begins with the first job, and again if it should ever end.
pub(super) struct JobQueue<J>(Mutex<Option<mpsc::Sender<J>>>);

impl<J> Default for JobQueue<J> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<J: Send + 'static> JobQueue<J> {
    /// Has a job done by the task that `serve` makes, and waits for its outcome no longer than `bound`.
    pub(super) async fn run<T, S>(
        &self,
        job: impl FnOnce(JobReply<T>) -> J,
        bound: Duration,
        serve: impl FnOnce(mpsc::Receiver<J>) -> S,
    ) -> StoreResult<T>
    where
        S: Future<Output = ()> + Send + 'static,
    {
        let (reply, outcome) = oneshot::channel();
        let jobs = self.jobs(serve);
        let queued = jobs.send_timeout(job(reply), ACQUIRE_TIMEOUT).await;
        queued.map_err(|_| PostgresFailure::Busy)?;
        let outcome = timeout(bound, outcome)
            .await
            .map_err(|_| PostgresFailure::Silent)?;
        outcome.unwrap_or_else(|_| Err(PostgresFailure::OutcomeUnknown.into()))
    }

    /// How many jobs the task has not taken yet.
    pub(super) fn waiting(&self) -> usize {
        let jobs = self.locked();
        let waiting = jobs
            .as_ref()
            .map(|jobs| jobs.max_capacity() - jobs.capacity());
        waiting.unwrap_or_default()
    }

    fn jobs<S>(&self, serve: impl FnOnce(mpsc::Receiver<J>) -> S) -> mpsc::Sender<J>
    where
        S: Future<Output = ()> + Send + 'static,
    {
        let mut slot = self.locked();
        if let Some(jobs) = slot.as_ref().filter(|jobs| !jobs.is_closed()) {
            return jobs.clone();
        }
        let (sender, receiver) = mpsc::channel(QUEUE_CAPACITY);
        *slot = Some(sender.clone());
        drop(Handle::current().spawn(serve(receiver)));
        sender
    }

    fn locked(&self) -> MutexGuard<'_, Option<mpsc::Sender<J>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes all that has queued at once, and what queued meanwhile when that is answered. A lone job waits for no other.
pub(super) async fn serve_batches<J, A>(
    mut jobs: mpsc::Receiver<J>,
    mut answer: impl FnMut(Vec<J>) -> A,
) where
    A: Future<Output = ()>,
{
    let mut batch = Vec::new();
    while jobs.recv_many(&mut batch, MAX_BATCH_SIZE).await > 0 {
        let answering = answer(std::mem::take(&mut batch));
        // A panic drops the jobs of its batch, which fail. Those behind it are served.
        drop(AssertUnwindSafe(answering).catch_unwind().await);
    }
}

/// Answers a job that failed with others.
pub(super) fn refuse<T>(reply: JobReply<T>, failure: &PostgresFailure) {
    let refused = unavailable(super::settings::NAME, failure.to_string());
    drop(reply.send(Err(refused)));
}

#[cfg(test)]
mod tests;
