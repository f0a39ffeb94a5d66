//! Critical sections outlive the request: hyper drops a handler when its client resets the stream, but what charges,
//! settles or records has to run to its end (A07). So that clients who open and reset streams pile nothing up, each
//! section holds a place of its caller's and one of the process; where none is free, the call is refused at once.

use crate::app::{App, Call, Error};
use countersign_domain::caller::CallerName;
use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// Places of the process: far more than its connections to the stores, so that only a store that hangs fills them, and
/// few enough that what they hold fits in some megabytes.
const PLACES: usize = 1024;

/// Places of one caller: as many as the streams that one connection may have open by default, and a quarter of all, so
/// that no caller crowds the others out.
const PLACES_OF_A_CALLER: usize = 256;

/// The work that was begun and has to be finished.
pub(super) struct Critical {
    tasks: TaskTracker,
    places: Arc<Semaphore>,
    /// Those of each caller that came so far: no more than are configured.
    by_caller: Mutex<HashMap<CallerName, Arc<Semaphore>>>,
}

/// The right to begin one critical section.
struct Place {
    _of_the_process: OwnedSemaphorePermit,
    _of_the_caller: OwnedSemaphorePermit,
}

impl Default for Critical {
    fn default() -> Self {
        Self {
            tasks: TaskTracker::new(),
            places: Arc::new(Semaphore::new(PLACES)),
            by_caller: Mutex::default(),
        }
    }
}

impl Critical {
    pub(super) async fn drain(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// A place, if there is one now.
    fn place(&self, caller: &CallerName) -> Result<Place, Error> {
        let taken = |places: Arc<Semaphore>| places.try_acquire_owned().map_err(|_| Error::Busy);
        Ok(Place {
            _of_the_caller: taken(self.places_of(caller))?,
            _of_the_process: taken(Arc::clone(&self.places))?,
        })
    }

    fn places_of(&self, caller: &CallerName) -> Arc<Semaphore> {
        let mut by_caller = self
            .by_caller
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let places = by_caller
            .entry(caller.clone())
            .or_insert_with(|| Arc::new(Semaphore::new(PLACES_OF_A_CALLER)));
        Arc::clone(places)
    }
}

impl App {
    /// Runs a use case to its end, whether or not anyone still waits for its answer.
    pub(super) async fn to_the_end<T, Work>(
        self: &Arc<Self>,
        call: Call,
        work: impl FnOnce(Arc<Self>, Call) -> Work,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        Work: Future<Output = Result<T, Error>> + Send + 'static,
    {
        self.gate.pass()?;
        let place = self.critical.place(&call.caller.name)?;
        let work = work(Arc::clone(self), call).in_current_span();
        let in_its_place = async move {
            let outcome = work.await;
            drop(place);
            outcome
        };
        match self.critical.tasks.spawn(in_its_place).await {
            Ok(outcome) => outcome,
            Err(_panicked) => Err(Error::Defect("a use case panicked")),
        }
    }

    /// Begins something in a place of the caller's, and leaves it to run to its end.
    pub(super) fn begun<Work>(
        self: &Arc<Self>,
        caller: &CallerName,
        work: impl FnOnce(Arc<Self>) -> Work,
    ) -> Result<(), Error>
    where
        Work: Future<Output = ()> + Send + 'static,
    {
        let place = self.critical.place(caller)?;
        self.afterwards(move |app| {
            let work = work(app);
            async move {
                work.await;
                drop(place);
            }
        });
        Ok(())
    }

    /// Runs something after the answer has gone out; the drain waits for it.
    pub(super) fn afterwards<Work>(self: &Arc<Self>, work: impl FnOnce(Arc<Self>) -> Work)
    where
        Work: Future<Output = ()> + Send + 'static,
    {
        let work = work(Arc::clone(self)).in_current_span();
        drop(self.critical.tasks.spawn(work));
    }
}
