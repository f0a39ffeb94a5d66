//! The process: what is served, what runs beside it, and how it ends.

use crate::{
    config::ServerConfig,
    gateways::{
        choose::{Chosen, NoStart},
        desk::Desk,
        ledger::Ledger,
        metrics::{self, Metrics},
        service::Notifier,
    },
    grpc::callers::Callers,
    ports::Entropy,
    proto::notifier::notifier_service_server::NotifierServiceServer,
    server::{Alone, TransportFailed, Used},
    system::SystemClock,
};
use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    task::JoinSet,
};
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::{
    server::NamedService,
    service::{Routes, RoutesBuilder},
    transport::server::Connected,
};

/// The largest message that is read, in bytes: a text, the same as HTML, and room.
const MAX_REQUEST: usize = 256 * 1024;

/// The largest answer, in bytes.
const MAX_RESPONSE: usize = 4 * 1024;

/// How often old messages are forgotten.
const BETWEEN_SWEEPS: Duration = Duration::from_mins(10);

/// A notifier that is ready to run.
pub struct Ready {
    desk: Arc<Desk>,
    metrics: Arc<Metrics>,
    metrics_listener: Option<TcpListener>,
    callers: Arc<Callers>,
    config: ServerConfig,
    memory: Duration,
}

/// Opens the ledger and the address of metrics.
///
/// # Errors
/// [`NoStart`].
pub async fn prepare(chosen: Chosen, entropy: &dyn Entropy) -> Result<(Vec<Used>, Ready), NoStart> {
    let Chosen {
        provider,
        callers,
        tls: _,
        data_dir,
        server,
        delivery,
        metrics,
        log: _,
        used,
    } = chosen;
    let metrics_listener = match metrics.listen {
        None => None,
        Some(address) => Some(bound(address).await?),
    };
    let ledger = Ledger::open(&data_dir, entropy).await?;
    let metrics = Arc::new(Metrics::default());
    let desk = Desk::new(
        provider,
        ledger,
        Arc::new(SystemClock),
        Arc::clone(&metrics),
        delivery.max_in_flight,
    );
    let ready = Ready {
        desk: Arc::new(desk),
        metrics,
        metrics_listener,
        callers,
        config: server,
        memory: Duration::from_secs(delivery.keep_hours.saturating_mul(60 * 60)),
    };
    Ok((used, ready))
}

async fn bound(address: SocketAddr) -> Result<TcpListener, NoStart> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|cause| NoStart::Metrics(address, cause))
}

impl Ready {
    /// Where metrics are served.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_listener.as_ref()?.local_addr().ok()
    }

    /// Serves until `stop` resolves; then says `NOT_SERVING`, finishes what was begun within the drain's bound, and ends.
    /// It is healthy while it runs, whatever its provider does: what becomes of each message is told to whoever sent it,
    /// and to metrics.
    ///
    /// # Errors
    /// If the transport fails.
    pub async fn run<IO, E>(
        self,
        incoming: impl Stream<Item = Result<IO, E>> + Send,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<(), TransportFailed>
    where
        IO: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + Send + Sync + 'static,
    {
        let draining = CancellationToken::new();
        let alone = Alone {
            name: NotifierServiceServer::<Notifier>::NAME,
            routes: self.routes(),
            callers: Arc::clone(&self.callers),
            config: self.config.clone(),
            draining: draining.clone(),
        };
        let desk = Arc::clone(&self.desk);
        let mut workers = self.workers(&draining);
        let finished = async {
            desk.drain().await;
            while workers.join_next().await.is_some() {}
        };
        if !alone.run(incoming, stop, finished).await? {
            tracing::warn!("the drain took too long; what became of some messages is not noted");
        }
        Ok(())
    }

    fn routes(&self) -> RoutesBuilder {
        let notifier = Notifier {
            desk: Arc::clone(&self.desk),
        };
        let notifier = NotifierServiceServer::new(notifier)
            .max_decoding_message_size(MAX_REQUEST)
            .max_encoding_message_size(MAX_RESPONSE);
        let mut routes = Routes::builder();
        routes.add_service(notifier);
        routes
    }

    fn workers(self, draining: &CancellationToken) -> JoinSet<()> {
        let mut workers = JoinSet::new();
        workers.spawn(sweep(
            Arc::clone(&self.desk),
            self.memory,
            draining.clone().cancelled_owned(),
        ));
        if let Some(listener) = self.metrics_listener {
            let stop = draining.clone().cancelled_owned();
            workers.spawn(metrics::serve(listener, self.metrics, stop));
        }
        workers
    }
}

async fn sweep(desk: Arc<Desk>, memory: Duration, stop: impl Future<Output = ()>) {
    tokio::pin!(stop);
    loop {
        desk.sweep(memory).await;
        tokio::select! {
            () = &mut stop => return,
            () = tokio::time::sleep(BETWEEN_SWEEPS) => {}
        }
    }
}
