//! Critical sections outlive the request: hyper drops a handler when its client resets the stream, but what charges,
//! settles or records has to run to its end (A07).

use crate::app::{App, Call, Error};
use std::{future::Future, sync::Arc};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// The work that was begun and has to be finished.
#[derive(Default)]
pub(super) struct Critical(TaskTracker);

impl Critical {
    pub(super) async fn drain(&self) {
        self.0.close();
        self.0.wait().await;
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
        let work = work(Arc::clone(self), call).in_current_span();
        match self.critical.0.spawn(work).await {
            Ok(outcome) => outcome,
            Err(_panicked) => Err(Error::Defect("a use case panicked")),
        }
    }

    /// Runs something after the answer has gone out; the drain waits for it.
    pub(super) fn afterwards<Work>(self: &Arc<Self>, work: impl FnOnce(Arc<Self>) -> Work)
    where
        Work: Future<Output = ()> + Send + 'static,
    {
        let work = work(Arc::clone(self)).in_current_span();
        drop(self.critical.0.spawn(work));
    }
}
