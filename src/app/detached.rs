//! Detached tasks. A use case that charges, saves or records runs to its end, although hyper drops a handler when the
//! client resets the stream (A07).
//!
//! Each task holds a permit of its caller and one of the process. Without a free permit the call waits in a short queue,
//! and is then refused, so clients that open and reset streams can't pile up tasks. A task holds no permit while it waits
//! for a notifier, a code provider or a password service: a slow one must not use up the permits of other calls (A66).

use crate::app::Error;
use countersign_domain::authorization::caller::CallerName;
use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// Permits of the process. They far exceed the connections to the stores, so only a store that hangs exhausts them.
/// They are few enough that the tasks fit in some megabytes.
const MAX_TASKS: usize = 1024;

/// Permits of one caller: the default number of streams of one connection. This is a quarter of all permits, so no
/// caller starves the others.
const MAX_TASKS_PER_CALLER: usize = 256;

/// Tasks that start after the answer of their call and have not ended.
const MAX_LATER_TASKS: usize = 256;

/// The calls of one caller that may wait for a permit.
const MAX_QUEUED_PER_CALLER: usize = 64;

/// How long a call waits for a permit: longer than a burst, shorter than a client waits before it gives up.
const QUEUE_TIMEOUT: Duration = Duration::from_millis(250);

/// Tracks running tasks and their permits.
pub(super) struct DetachedTasks {
    tasks: TaskTracker,
    permits: Arc<Semaphore>,
    /// Permits of work that starts after its answer.
    later: Arc<Semaphore>,
    /// The pool of each caller seen so far: at most as many entries as configured callers.
    by_caller: Mutex<HashMap<CallerName, CallerPool>>,
}

/// The permits of one caller.
#[derive(Clone)]
struct CallerPool {
    permits: Arc<Semaphore>,
    queue: Arc<Semaphore>,
}

/// The permit to run one task.
struct TaskPermit {
    of_the_process: OwnedSemaphorePermit,
    of_the_caller: OwnedSemaphorePermit,
}

/// The permit of a call, or nothing while the call waits for a service of others.
#[derive(Default)]
pub(super) struct CallPermit(Mutex<Option<TaskPermit>>);

impl CallPermit {
    /// Awaits `work`, a call of a service of others, without a permit, and takes one again afterwards.
    ///
    /// The client of that service limits its calls in flight, and so the tasks without a permit. They take precedence
    /// over new calls, because the semaphore serves them in order.
    pub(super) async fn release_during<T>(&self, work: impl Future<Output = T>) -> T {
        let Some(permit) = self.replace(None) else {
            return work.await;
        };
        let process = Arc::clone(permit.of_the_process.semaphore());
        let caller = Arc::clone(permit.of_the_caller.semaphore());
        drop(permit);
        let outcome = work.await;
        self.replace(TaskPermit::acquire(process, caller).await);
        outcome
    }

    fn replace(&self, permit: Option<TaskPermit>) -> Option<TaskPermit> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut held, permit)
    }
}

impl TaskPermit {
    /// Waits for a permit. `None` never happens: nobody closes the semaphores.
    async fn acquire(process: Arc<Semaphore>, caller: Arc<Semaphore>) -> Option<Self> {
        let of_the_caller = caller.acquire_owned().await.ok()?;
        let of_the_process = process.acquire_owned().await.ok()?;
        Some(Self {
            of_the_process,
            of_the_caller,
        })
    }

    /// Takes a permit that is free now.
    fn try_acquire(process: &Arc<Semaphore>, caller: &Arc<Semaphore>) -> Option<Self> {
        let of_the_caller = Arc::clone(caller).try_acquire_owned().ok()?;
        let of_the_process = Arc::clone(process).try_acquire_owned().ok()?;
        Some(Self {
            of_the_process,
            of_the_caller,
        })
    }
}

impl Default for CallerPool {
    fn default() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(MAX_TASKS_PER_CALLER)),
            queue: Arc::new(Semaphore::new(MAX_QUEUED_PER_CALLER)),
        }
    }
}

impl Default for DetachedTasks {
    fn default() -> Self {
        Self {
            tasks: TaskTracker::new(),
            permits: Arc::new(Semaphore::new(MAX_TASKS)),
            later: Arc::new(Semaphore::new(MAX_LATER_TASKS)),
            by_caller: Mutex::default(),
        }
    }
}

impl DetachedTasks {
    /// Runs `work` to its end, even if the caller no longer waits for the result. `held` keeps the permit of the task.
    pub(super) async fn run<T, Work>(
        &self,
        caller: &CallerName,
        held: Arc<CallPermit>,
        work: Work,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        Work: Future<Output = Result<T, Error>> + Send + 'static,
    {
        held.replace(Some(self.permit(caller).await?));
        let work = work.in_current_span();
        let with_its_permit = async move {
            let outcome = work.await;
            held.replace(None);
            outcome
        };
        match self.tasks.spawn(with_its_permit).await {
            Ok(outcome) => outcome,
            Err(_panicked) => Err(Error::Defect("a use case panicked")),
        }
    }

    /// Starts `work` after `delay`, and returns at once. Such work has permits of its own, so that it takes none from calls.
    pub(super) fn begin_later<Work>(&self, delay: Duration, work: Work) -> Result<(), Error>
    where
        Work: Future<Output = ()> + Send + 'static,
    {
        let permit = Arc::clone(&self.later).try_acquire_owned();
        let permit = permit.map_err(|_| Error::Busy)?;
        // Boxed: otherwise the future is copied into `follow_up`, the span and the task.
        let work = Box::pin(work);
        self.follow_up(async move {
            sleep(delay).await;
            work.await;
            drop(permit);
        });
        Ok(())
    }

    /// Runs `work` without waiting for it and without a permit; [`Self::drain`] waits for it.
    pub(super) fn follow_up<Work>(&self, work: Work)
    where
        Work: Future<Output = ()> + Send + 'static,
    {
        drop(self.tasks.spawn(work.in_current_span()));
    }

    /// Waits until all tasks have finished.
    pub(super) async fn drain(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Takes a permit. If none is free, waits for one in the caller's queue.
    ///
    /// # Errors
    /// [`Error::Busy`] if the queue is full, or the wait too long.
    async fn permit(&self, caller: &CallerName) -> Result<TaskPermit, Error> {
        let pool = self.pool(caller);
        if let Some(permit) = TaskPermit::try_acquire(&self.permits, &pool.permits) {
            return Ok(permit);
        }
        let queued = pool.queue.try_acquire();
        let _place = queued.map_err(|_| Error::Busy)?;
        let permit = TaskPermit::acquire(Arc::clone(&self.permits), Arc::clone(&pool.permits));
        let permit = timeout(QUEUE_TIMEOUT, permit).await;
        permit.ok().flatten().ok_or(Error::Busy)
    }

    fn pool(&self, caller: &CallerName) -> CallerPool {
        let mut by_caller = self
            .by_caller
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = by_caller.get(caller) {
            return pool.clone();
        }
        by_caller.entry(caller.clone()).or_default().clone()
    }
}

#[cfg(test)]
mod tests;
