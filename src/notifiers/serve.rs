//! The process: what it serves, its workers, and its end.

use crate::{
    composition::{NotifierStartError, SelectedNotifier},
    dispatcher::Dispatcher,
    idempotency_store::IdempotencyStore,
    metrics::{self, NotifierMetrics},
    service::NotifierHandlers,
};
use countersign_proto::notifier::notifier_service_server::NotifierServiceServer;
use countersign_transport::{
    callers::CallerRegistry,
    config::{ListenAddress, ServerConfig},
    drain::TransportFailed,
    single_service::SingleServiceServer,
    socket::BoundSocket,
    startup_report::StartupReportLine,
    system::{RandomSource, SystemClock},
};
use std::{future::Future, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinSet,
};
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::{
    codec::CompressionEncoding,
    server::NamedService,
    service::{Routes, RoutesBuilder},
    transport::server::Connected,
};

/// The largest request, in bytes: text and HTML, with room.
const MAX_REQUEST: usize = 256 * 1024;

/// The largest response, in bytes.
const MAX_RESPONSE: usize = 4 * 1024;

/// The interval at which old results are deleted.
const PURGE_INTERVAL: Duration = Duration::from_mins(10);

/// A notifier that is ready to run.
pub struct PreparedNotifier {
    dispatcher: Arc<Dispatcher>,
    metrics: Arc<NotifierMetrics>,
    metrics_listener: Option<BoundSocket>,
    callers: Arc<CallerRegistry>,
    config: ServerConfig,
    memory: Duration,
}

/// Opens the idempotency store and binds the address of the metrics endpoint.
///
/// # Errors
/// [`NotifierStartError`] says why it does not start.
pub async fn prepare(
    selected: SelectedNotifier,
    entropy: &dyn RandomSource,
) -> Result<(Vec<StartupReportLine>, PreparedNotifier), NotifierStartError> {
    let SelectedNotifier {
        provider,
        callers,
        tls: _,
        data_dir,
        server,
        delivery,
        metrics,
        log: _,
        used,
    } = selected;
    let metrics_listener = match metrics.listen {
        None => None,
        Some(address) => {
            let bound = BoundSocket::bind(&address).await;
            Some(bound.map_err(NotifierStartError::Metrics)?)
        }
    };
    let idempotency_store = IdempotencyStore::open(&data_dir, entropy).await?;
    let metrics = Arc::new(NotifierMetrics::default());
    let dispatcher = Dispatcher::new(
        provider,
        idempotency_store,
        Arc::new(SystemClock),
        Arc::clone(&metrics),
        delivery.max_in_flight,
    );
    let ready = PreparedNotifier {
        dispatcher: Arc::new(dispatcher),
        metrics,
        metrics_listener,
        callers,
        config: server,
        memory: Duration::from_secs(delivery.keep_hours.saturating_mul(60 * 60)),
    };
    Ok((used, ready))
}

impl PreparedNotifier {
    /// The address of the metrics endpoint; `None` if it is not served.
    #[must_use]
    pub fn metrics_address(&self) -> Option<ListenAddress> {
        self.metrics_listener.as_ref()?.address().ok()
    }

    /// Serves until `stop` resolves. Then reports `NOT_SERVING`, finishes messages in flight within the drain timeout,
    /// and ends.
    ///
    /// Health is `SERVING` while the process runs, even if the provider fails: callers and metrics see the result of
    /// each message.
    ///
    /// # Errors
    /// [`TransportFailed`] if the transport fails.
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
        let alone = SingleServiceServer {
            name: NotifierServiceServer::<NotifierHandlers>::NAME,
            routes: self.routes(),
            callers: Arc::clone(&self.callers),
            config: self.config.clone(),
            draining: draining.clone(),
        };
        let dispatcher = Arc::clone(&self.dispatcher);
        let mut workers = self.workers(&draining);
        let finished = async {
            dispatcher.drain().await;
            while workers.join_next().await.is_some() {}
        };
        if !alone.run(incoming, stop, finished).await? {
            tracing::warn!("drain timed out; some delivery results not recorded");
        }
        Ok(())
    }

    fn routes(&self) -> RoutesBuilder {
        let notifier = NotifierHandlers {
            dispatcher: Arc::clone(&self.dispatcher),
        };
        let notifier = NotifierServiceServer::new(notifier)
            .accept_compressed(CompressionEncoding::Gzip)
            .max_decoding_message_size(MAX_REQUEST)
            .max_encoding_message_size(MAX_RESPONSE);
        let mut routes = Routes::builder();
        routes.add_service(notifier);
        routes
    }

    fn workers(self, draining: &CancellationToken) -> JoinSet<()> {
        let mut workers = JoinSet::new();
        workers.spawn(purge(
            Arc::clone(&self.dispatcher),
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

async fn purge(dispatcher: Arc<Dispatcher>, memory: Duration, stop: impl Future<Output = ()>) {
    tokio::pin!(stop);
    loop {
        dispatcher.purge(memory).await;
        tokio::select! {
            () = &mut stop => return,
            () = tokio::time::sleep(PURGE_INTERVAL) => {}
        }
    }
}
