//! Serving until a stop, and the drain after it.

use crate::{edge::EdgeLayer, health::ProcessHealth};
use std::{future::Future, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{sleep, timeout},
};
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::{Connected, Router};
use tower::layer::util::{Identity, Stack};

/// How long health answers `NOT_SERVING` before the streams of `Watch` are ended.
const WATCH_END_DELAY: Duration = Duration::from_secs(1);

/// Why a server that was ready did not run to its end.
#[derive(Debug, thiserror::Error)]
#[error("the transport failed: {0}")]
pub struct TransportFailed(#[from] tonic::transport::Error);

/// How a server ends.
pub struct Drain {
    /// Is canceled when the drain begins.
    pub draining: CancellationToken,
    /// How long calls in progress may take, and then detached work.
    pub timeout: Duration,
}

impl Drain {
    /// Serves until `stop` resolves, then says `NOT_SERVING`, finishes the calls in progress within the timeout, and waits
    /// for `finished` as long again. Returns whether `finished` was.
    ///
    /// # Errors
    /// If the transport fails.
    pub async fn serve<IO, E>(
        self,
        router: Router<Stack<EdgeLayer, Identity>>,
        incoming: impl Stream<Item = Result<IO, E>> + Send,
        health: &ProcessHealth,
        stop: impl Future<Output = ()> + Send,
        finished: impl Future<Output = ()> + Send,
    ) -> Result<bool, TransportFailed>
    where
        IO: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + Send + Sync + 'static,
    {
        let shutdown = self.draining.clone().cancelled_owned();
        let mut serving = Box::pin(router.serve_with_incoming_shutdown(incoming, shutdown));
        let ended = tokio::select! {
            ended = &mut serving => Some(ended),
            () = stop => None,
        };
        health.not_serving();
        self.draining.cancel();
        let drained = async {
            if let Some(ended) = ended {
                return ended;
            }
            tokio::select! {
                ended = &mut serving => return ended,
                () = sleep(WATCH_END_DELAY) => health.end_watches(),
            }
            serving.await
        };
        // hyper may wait for ever for a silent peer, so that the drain has a bound of its own.
        let ended = timeout(self.timeout, drained).await.unwrap_or(Ok(()));
        let is_finished = timeout(self.timeout, finished).await.is_ok();
        ended?;
        Ok(is_finished)
    }
}
