//! One service in a process of its own, such as a notifier: health beside it, and a drain with a bound.

use crate::{
    callers::CallerRegistry, config::ServerConfig, limits::limited_server, system::SystemEntropy,
};
use std::{future::Future, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{sleep, timeout},
};
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::{service::RoutesBuilder, transport::server::Connected};
use tonic_health::{
    ServingStatus,
    pb::health_server::HealthServer,
    server::{HealthReporter, HealthService},
};

/// How long a drain says `NOT_SERVING` before it ends the streams that watch.
pub const SHUTDOWN_GRACE: Duration = Duration::from_secs(1);

/// Why a service that was ready did not run to its end.
#[derive(Debug, thiserror::Error)]
#[error("the transport failed: {0}")]
pub struct TransportFailed(#[from] tonic::transport::Error);

/// One service in a process of its own.
pub struct SingleServiceServer {
    /// Its name.
    pub name: &'static str,
    /// The service.
    pub routes: RoutesBuilder,
    /// Who may call.
    pub callers: Arc<CallerRegistry>,
    /// Bounds of the transport.
    pub config: ServerConfig,
    /// Is canceled when the drain begins.
    pub draining: CancellationToken,
}

impl SingleServiceServer {
    /// Serves until `stop` resolves; then says `NOT_SERVING`, finishes what was begun within the drain's bound, waits as
    /// long for `finished`, and ends. It is healthy while it runs. Tells whether `finished` was.
    ///
    /// # Errors
    /// If the transport fails.
    pub async fn run<IO, E>(
        self,
        incoming: impl Stream<Item = Result<IO, E>> + Send,
        stop: impl Future<Output = ()> + Send,
        finished: impl Future<Output = ()> + Send,
    ) -> Result<bool, TransportFailed>
    where
        IO: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + Send + Sync + 'static,
    {
        let Self {
            name,
            mut routes,
            callers,
            config,
            draining,
        } = self;
        let drain = Duration::from_secs(config.drain_seconds);
        let health = HealthReporters {
            reporter: HealthReporter::default(),
            name,
        };
        health.say(ServingStatus::Serving).await;
        routes.add_service(HealthServer::new(HealthService::from_health_reporter(
            health.reporter.clone(),
        )));
        let mut transport = limited_server(&config, &SystemEntropy, callers);
        let mut serving = Box::pin(
            transport
                .add_routes(routes.routes())
                .serve_with_incoming_shutdown(incoming, draining.clone().cancelled_owned()),
        );
        let ended = tokio::select! {
            ended = &mut serving => Some(ended),
            () = stop => None,
        };
        health.say(ServingStatus::NotServing).await;
        draining.cancel();
        let drained = async {
            if let Some(ended) = ended {
                return ended;
            }
            tokio::select! {
                ended = &mut serving => return ended,
                () = sleep(SHUTDOWN_GRACE) => health.end_watches().await,
            }
            serving.await
        };
        // hyper may wait for ever for a silent peer, so that the drain has a bound of its own.
        let ended = timeout(drain, drained).await.unwrap_or(Ok(()));
        let finished = timeout(drain, finished).await.is_ok();
        ended?;
        Ok(finished)
    }
}

/// What health says of the one service, and of the process.
struct HealthReporters {
    reporter: HealthReporter,
    name: &'static str,
}

impl HealthReporters {
    async fn say(&self, status: ServingStatus) {
        for name in [self.name, ""] {
            self.reporter.set_service_status(name, status).await;
        }
    }

    /// Ends what watches: it would keep a connection open for ever.
    async fn end_watches(&self) {
        for name in [self.name, ""] {
            self.reporter.clone().clear_service_status(name).await;
        }
    }
}
