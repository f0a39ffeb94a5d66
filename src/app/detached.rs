//! Detached tasks. A use case that charges, saves or records runs to its end, although hyper drops a handler when the
//! client resets the stream (A07).
//!
//! Each task holds a permit of its caller and one of the process. Without a free permit the call is refused at once, so
//! clients that open and reset streams can't pile up tasks.

use crate::app::Error;
use countersign_domain::authorization::caller::CallerName;
use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// Permits of the process. They far exceed the connections to the stores, so only a store that hangs exhausts them.
/// They are few enough that the tasks fit in some megabytes.
const MAX_TASKS: usize = 1024;

/// Permits of one caller: the default number of streams of one connection. This is a quarter of all permits, so no
/// caller starves the others.
const MAX_TASKS_PER_CALLER: usize = 256;

/// Tracks running tasks and their permits.
pub(super) struct DetachedTasks {
    tasks: TaskTracker,
    permits: Arc<Semaphore>,
    /// Permits of each caller seen so far: at most as many entries as configured callers.
    by_caller: Mutex<HashMap<CallerName, Arc<Semaphore>>>,
}

/// The permit to run one task.
struct TaskPermit {
    _of_the_process: OwnedSemaphorePermit,
    _of_the_caller: OwnedSemaphorePermit,
}

impl Default for DetachedTasks {
    fn default() -> Self {
        Self {
            tasks: TaskTracker::new(),
            permits: Arc::new(Semaphore::new(MAX_TASKS)),
            by_caller: Mutex::default(),
        }
    }
}

impl DetachedTasks {
    /// Runs `work` to its end, even if the caller no longer waits for the result.
    pub(super) async fn run<T, Work>(&self, caller: &CallerName, work: Work) -> Result<T, Error>
    where
        T: Send + 'static,
        Work: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let permit = self.permit(caller)?;
        let work = work.in_current_span();
        let with_its_permit = async move {
            let outcome = work.await;
            drop(permit);
            outcome
        };
        match self.tasks.spawn(with_its_permit).await {
            Ok(outcome) => outcome,
            Err(_panicked) => Err(Error::Defect("a use case panicked")),
        }
    }

    /// Starts `work` under a permit of the caller and returns at once.
    pub(super) fn begin<Work>(&self, caller: &CallerName, work: Work) -> Result<(), Error>
    where
        Work: Future<Output = ()> + Send + 'static,
    {
        let permit = self.permit(caller)?;
        // Boxed: otherwise the future is copied into `follow_up`, the span and the task.
        let work = Box::pin(work);
        self.follow_up(async move {
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

    /// Takes a permit, or fails at once if none is free.
    fn permit(&self, caller: &CallerName) -> Result<TaskPermit, Error> {
        let taken = |permits: Arc<Semaphore>| permits.try_acquire_owned().map_err(|_| Error::Busy);
        Ok(TaskPermit {
            _of_the_caller: taken(self.permits_of(caller))?,
            _of_the_process: taken(Arc::clone(&self.permits))?,
        })
    }

    fn permits_of(&self, caller: &CallerName) -> Arc<Semaphore> {
        let mut by_caller = self
            .by_caller
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(permits) = by_caller.get(caller) {
            return Arc::clone(permits);
        }
        let permits = Arc::new(Semaphore::new(MAX_TASKS_PER_CALLER));
        by_caller.insert(caller.clone(), Arc::clone(&permits));
        permits
    }
}
