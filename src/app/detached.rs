//! Detached tasks: what charges, saves, or records runs to its end, although hyper drops a handler when its client resets
//! the stream (A07). So that clients who open and reset streams pile nothing up, each task holds a permit of its caller and
//! one of the process; where none is free, the call is refused at once.

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

/// Permits of the process: far more than its connections to the stores, so that only a store that hangs uses them up, and
/// few enough that what they hold fits in some megabytes.
const MAX_TASKS: usize = 1024;

/// Permits of one caller: as many as the streams that one connection may have open by default, and a quarter of all, so
/// that no caller crowds the others out.
const MAX_TASKS_PER_CALLER: usize = 256;

/// The tasks that were begun and have to be finished.
pub(super) struct DetachedTasks {
    tasks: TaskTracker,
    permits: Arc<Semaphore>,
    /// Those of each caller that came so far: no more than are configured.
    by_caller: Mutex<HashMap<CallerName, Arc<Semaphore>>>,
}

/// The right to begin one task.
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
    /// Runs `work` to its end, whether or not anyone still waits for its answer.
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

    /// Begins `work` under a permit of the caller, and does not wait for it.
    pub(super) fn begin<Work>(&self, caller: &CallerName, work: Work) -> Result<(), Error>
    where
        Work: Future<Output = ()> + Send + 'static,
    {
        let permit = self.permit(caller)?;
        // Boxed: it would be copied into `follow_up`, the span and the task.
        let work = Box::pin(work);
        self.follow_up(async move {
            work.await;
            drop(permit);
        });
        Ok(())
    }

    /// Runs `work` after the answer has gone out; the drain waits for it.
    pub(super) fn follow_up<Work>(&self, work: Work)
    where
        Work: Future<Output = ()> + Send + 'static,
    {
        drop(self.tasks.spawn(work.in_current_span()));
    }

    /// Waits until every task has run to its end.
    pub(super) async fn drain(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// A permit, if there is one now.
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
