//! One service in a process of its own, such as a notifier: health beside it, and a drain with a bound.

use crate::{
    callers::CallerRegistry,
    config::ServerConfig,
    drain::{Drain, TransportFailed},
    health::ProcessHealth,
    limits::limited_server,
    system::SystemEntropy,
};
use std::{future::Future, sync::Arc, time::Duration};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::{service::RoutesBuilder, transport::server::Connected};

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
    /// Serves until `stop` resolves, then drains; see [`Drain::serve`]. It is healthy while it runs.
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
        let health = ProcessHealth::starting(&[name]);
        health.serving();
        routes.add_service(health.service());
        let router = limited_server(&config, &SystemEntropy, callers).add_routes(routes.routes());
        let drain = Drain {
            draining,
            timeout: Duration::from_secs(config.drain_seconds),
        };
        drain.serve(router, incoming, &health, stop, finished).await
    }
}
