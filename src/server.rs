//! The only place that chooses adapters and stacks layers. It owns the workers and the drain.

mod composition;
mod data_dir;
mod dev;
mod files;
mod health;
mod keys;
mod start_error;
mod startup_report;
mod stores;
mod tls_requirements;

pub use composition::{SelectedParts, StartupReport, choose, look};
pub use data_dir::DataDir;
pub use dev::dev;
pub use health::watch;
pub use start_error::StartError;
pub use stores::{CommandStore, command_store, migrate, record};

pub use crate::store::RecordForms;

use crate::{
    app::App,
    grpc::{
        ChallengeHandlers, DeviceHandlers, KeyHandlers, MAX_LIST, MAX_REQUEST,
        MAX_REQUEST_WITH_GROUPS, MAX_RESPONSE, MethodHandlers, PolicyHandlers, RecoveryHandlers,
        UserHandlers,
    },
    notify::inbox::Inbox,
};
use countersign_proto::{
    DESCRIPTORS,
    testing::testing_service_server::TestingServiceServer,
    v1::{
        challenge_service_server::ChallengeServiceServer,
        device_service_server::DeviceServiceServer, key_service_server::KeyServiceServer,
        method_service_server::MethodServiceServer, policy_service_server::PolicyServiceServer,
        recovery_service_server::RecoveryServiceServer, user_service_server::UserServiceServer,
    },
};
use countersign_transport::{
    callers::CallerRegistry,
    config::ServerConfig,
    drain::{Drain, TransportFailed},
    edge::EdgeLayer,
    health::ProcessHealth,
    limits::limited_server,
    system::RandomSource,
};
use futures_util::FutureExt;
use std::{future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinSet,
    time::sleep,
};
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::{
    codec::CompressionEncoding,
    server::NamedService,
    service::Routes,
    transport::{Server, server::Connected},
};
use tower::layer::util::{Identity, Stack};

/// Names of the services that health speaks of.
pub const SERVICES: [&str; 7] = [
    ChallengeServiceServer::<ChallengeHandlers>::NAME,
    MethodServiceServer::<MethodHandlers>::NAME,
    RecoveryServiceServer::<RecoveryHandlers>::NAME,
    DeviceServiceServer::<DeviceHandlers>::NAME,
    UserServiceServer::<UserHandlers>::NAME,
    PolicyServiceServer::<PolicyHandlers>::NAME,
    KeyServiceServer::<KeyHandlers>::NAME,
];

/// A service that accepts gzip and bounds what it reads, inflated or not, and what it answers. Answers are never compressed:
/// their length would tell of secrets in them.
macro_rules! limited {
    ($service:expr) => {
        limited!($service, MAX_REQUEST, MAX_RESPONSE)
    };
    ($service:expr, $max_request:expr, $max_response:expr) => {
        $service
            .accept_compressed(CompressionEncoding::Gzip)
            .max_decoding_message_size($max_request)
            .max_encoding_message_size($max_response)
    };
}

/// How long a worker that panicked is left alone.
const WORKER_RESTART_DELAY: Duration = Duration::from_secs(1);

/// A service that is ready to run.
pub struct PreparedService {
    /// The use cases.
    pub app: Arc<App>,
    /// Who may call.
    pub callers: Arc<CallerRegistry>,
    /// The development inbox, where there is one.
    pub inbox: Option<Arc<Inbox>>,
    /// Whether reflection is served.
    pub reflection: bool,
    /// Bounds of the transport.
    pub config: ServerConfig,
    /// Draws the jitter of the connection age.
    pub entropy: Arc<dyn RandomSource>,
}

impl PreparedService {
    /// Serves until `stop` resolves, then drains; see [`Drain::serve`].
    ///
    /// # Errors
    /// If the transport fails.
    pub async fn run<IO, E>(
        self,
        incoming: impl Stream<Item = Result<IO, E>> + Send,
        health: ProcessHealth,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<(), TransportFailed>
    where
        IO: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + Send + Sync + 'static,
    {
        let drain = Drain {
            draining: CancellationToken::new(),
            timeout: Duration::from_secs(self.config.drain_seconds),
        };
        let mut workers = self.workers(&drain.draining);
        let router = self.transport().add_routes(self.routes(&health));
        let finished = async {
            while workers.join_next().await.is_some() {}
            self.app.drain().await;
        };
        if !drain
            .serve(router, incoming, &health, stop, finished)
            .await?
        {
            tracing::warn!(
                "the drain took too long; what was not finished is repeated by its callers"
            );
        }
        Ok(())
    }

    fn workers(&self, draining: &CancellationToken) -> JoinSet<()> {
        let mut workers = JoinSet::new();
        let (app, stop) = (Arc::clone(&self.app), draining.clone());
        workers.spawn(restart_on_panic("outbox", draining.clone(), move || {
            Arc::clone(&app).run_outbox(stop.clone().cancelled_owned())
        }));
        let (app, stop) = (Arc::clone(&self.app), draining.clone());
        workers.spawn(restart_on_panic(
            "alert_dispatcher",
            draining.clone(),
            move || Arc::clone(&app).run_alert_dispatcher(stop.clone().cancelled_owned()),
        ));
        let (app, stop) = (Arc::clone(&self.app), draining.clone());
        workers.spawn(restart_on_panic(
            "audit_chain",
            draining.clone(),
            move || Arc::clone(&app).run_audit_chain_and_retention(stop.clone().cancelled_owned()),
        ));
        workers
    }

    fn transport(&self) -> Server<Stack<EdgeLayer, Identity>> {
        limited_server(
            &self.config,
            self.entropy.as_ref(),
            Arc::clone(&self.callers),
        )
    }

    fn routes(&self, health: &ProcessHealth) -> Routes {
        let app = || Arc::clone(&self.app);
        let challenges = limited!(ChallengeServiceServer::new(ChallengeHandlers {
            app: app()
        }));
        let methods = limited!(MethodServiceServer::new(MethodHandlers { app: app() }));
        let recovery = limited!(RecoveryServiceServer::new(RecoveryHandlers { app: app() }));
        let devices = limited!(DeviceServiceServer::new(DeviceHandlers { app: app() }));
        let users = limited!(
            UserServiceServer::new(UserHandlers { app: app() }),
            MAX_REQUEST_WITH_GROUPS,
            MAX_LIST
        );
        let policies = limited!(
            PolicyServiceServer::new(PolicyHandlers { app: app() }),
            MAX_REQUEST_WITH_GROUPS,
            MAX_LIST
        );
        let keys = limited!(KeyServiceServer::new(KeyHandlers { app: app() }));
        let mut routes = Routes::builder();
        routes
            .add_service(health.service())
            .add_service(challenges)
            .add_service(methods)
            .add_service(recovery)
            .add_service(devices)
            .add_service(users)
            .add_service(policies)
            .add_service(keys);
        if let Some(inbox) = &self.inbox {
            let inbox = TestingServiceServer::from_arc(Arc::clone(inbox));
            let inbox = limited!(inbox, MAX_REQUEST, 4 * MAX_RESPONSE);
            routes.add_service(inbox);
        }
        if self.reflection {
            self.add_reflection(&mut routes);
        }
        routes.routes()
    }

    /// Both versions of reflection, speaking of what is served and of nothing else.
    fn add_reflection(&self, routes: &mut tonic::service::RoutesBuilder) {
        let served = SERVICES.into_iter().chain(["grpc.health.v1.Health"]);
        let served = served.chain(
            self.inbox
                .as_ref()
                .map(|_| TestingServiceServer::<Inbox>::NAME),
        );
        let mut builder = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET);
        let mut alpha = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET);
        for name in served {
            builder = builder.with_service_name(name);
            alpha = alpha.with_service_name(name);
        }
        let built = builder
            .build_v1()
            .and_then(|v1| Ok((v1, alpha.build_v1alpha()?)));
        let (v1, v1alpha) =
            built.expect("the descriptors are part of the program, and a test reads them");
        routes.add_service(v1).add_service(v1alpha);
    }
}

/// Restarts a worker that panicked: sign-ins go on without it, but nothing may stop for good.
async fn restart_on_panic<Work: Future<Output = ()>>(
    name: &'static str,
    stop: CancellationToken,
    begin: impl Fn() -> Work,
) {
    while AssertUnwindSafe(begin()).catch_unwind().await.is_err() {
        tracing::error!(
            worker = name,
            "a worker panicked and is begun again; please report it"
        );
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(WORKER_RESTART_DELAY) => {}
        }
    }
}

#[cfg(test)]
mod tests;
