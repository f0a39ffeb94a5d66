//! The reference verifier: a process of its own that serves `PasswordService` from a file of argon2id hashes.
//!
//! It is for trying Countersign, and an example for authors of other verifiers. It shares only the contract with the
//! service that calls it.
//!
//! | topic | module |
//! |---|---|
//! | configuration and its checks | [`config`] |
//! | the password file and its reloads | [`users`] |
//! | calls and their answers | [`service`] |

pub mod config;
pub mod service;
pub mod users;

use config::{FileVerifierConfig, InvalidVerifierConfig};
use countersign_domain::recovery::HashCost;
use countersign_proto::identity::password_service_server::PasswordServiceServer;
use countersign_transport::{
    callers::CallerRegistry,
    config::{LogConfig, Overrides, ServerConfig, load_over},
    drain::TransportFailed,
    single_service::SingleServiceServer,
    startup_report::StartupReportLine,
    system::RandomSource,
    tls::{self, TlsConfigError},
};
use service::PasswordHandlers;
use std::{future::Future, path::PathBuf, sync::Arc};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinSet,
};
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::{
    codec::CompressionEncoding, server::NamedService, service::Routes, transport::server::Connected,
};
use users::{PasswordFile, PasswordFileError};

/// The largest request, in bytes.
const MAX_REQUEST: usize = 8 * 1024;

/// The largest response, in bytes.
const MAX_RESPONSE: usize = 4 * 1024;

/// A verifier that is ready to start.
pub struct SelectedVerifier {
    /// The password file.
    pub users: Arc<PasswordFile>,
    /// The maximum number of concurrent hashes.
    pub at_once: usize,
    /// The callers and their token digests.
    pub callers: Arc<CallerRegistry>,
    /// The TLS configuration of the listener; `None` for plaintext.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// The settings of the gRPC server.
    pub server: ServerConfig,
    /// The settings of the log.
    pub log: LogConfig,
    /// The values in use and their sources, to be printed.
    pub used: Vec<StartupReportLine>,
}

/// Why a verifier does not start.
#[derive(Debug, thiserror::Error)]
pub enum VerifierStartError {
    /// The configuration can't be read.
    #[error(transparent)]
    Unreadable(#[from] countersign_transport::config::ConfigReadError),
    /// The configuration is unsafe or incomplete.
    #[error("the configuration can't be used:{}", listed(.0))]
    Configuration(Vec<InvalidVerifierConfig>),
    /// The password file can't be used.
    #[error(transparent)]
    Users(#[from] PasswordFileError),
    /// The certificate can't be used.
    #[error(transparent)]
    Tls(#[from] TlsConfigError),
}

/// Prepares a verifier from the configuration. `users` is the file from the command line, which takes precedence.
///
/// # Errors
/// [`VerifierStartError`] says why it does not start.
pub fn choose(
    overrides: &Overrides,
    users: Option<PathBuf>,
    entropy: &dyn RandomSource,
) -> Result<SelectedVerifier, VerifierStartError> {
    let mut loaded = load_over::<FileVerifierConfig>(overrides, None)?;
    let named = users.is_some();
    loaded.config.users = users.or(loaded.config.users);
    let problems = loaded.config.problems();
    if !problems.is_empty() {
        return Err(VerifierStartError::Configuration(problems));
    }
    let config = &loaded.config;
    let file = config.users.clone().unwrap_or_default();
    let users = PasswordFile::read(file, cost(), entropy)?;
    let source = if named {
        "command line".to_owned()
    } else {
        loaded.source_of("users")
    };
    let count = users.count();
    let shown = format!("{}, {count} of them", users.file().display());
    let mut used = config.used(&|key| loaded.source_of(key));
    used.push(StartupReportLine::new("users", shown, source));
    Ok(SelectedVerifier {
        users: Arc::new(users),
        at_once: config.hashing.at_once,
        callers: config.caller.registry(),
        tls: config.server.tls.as_ref().map(tls::load).transpose()?,
        server: config.server.clone(),
        log: config.log.clone(),
        used,
    })
}

impl SelectedVerifier {
    /// Serves until `stop` resolves. Then reports `NOT_SERVING`, finishes started calls within the drain timeout, and
    /// ends. Reloads the password file when it changes, and on each of `reload_signals`.
    ///
    /// # Errors
    /// [`TransportFailed`] if the transport fails.
    pub async fn run<IO, E>(
        self,
        incoming: impl Stream<Item = Result<IO, E>> + Send,
        stop: impl Future<Output = ()> + Send,
        reload_signals: impl Stream<Item = ()> + Send + 'static,
    ) -> Result<(), TransportFailed>
    where
        IO: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + Send + Sync + 'static,
    {
        let draining = CancellationToken::new();
        let verifier = PasswordHandlers::new(Arc::clone(&self.users), self.at_once);
        let service = PasswordServiceServer::new(verifier)
            .accept_compressed(CompressionEncoding::Gzip)
            .max_decoding_message_size(MAX_REQUEST)
            .max_encoding_message_size(MAX_RESPONSE);
        let mut routes = Routes::builder();
        routes.add_service(service);
        let alone = SingleServiceServer {
            name: PasswordServiceServer::<PasswordHandlers>::NAME,
            routes,
            callers: self.callers,
            config: self.server,
            draining: draining.clone(),
        };
        let mut workers = JoinSet::new();
        workers.spawn(users::watch(
            self.users,
            reload_signals,
            draining.cancelled_owned(),
        ));
        let finished = async { while workers.join_next().await.is_some() {} };
        alone.run(incoming, stop, finished).await.map(drop)
    }
}

/// The cost of hashes created for the file: the first recommendation of OWASP, because people choose passwords.
#[must_use]
pub const fn cost() -> HashCost {
    HashCost {
        memory_kib: 19 * 1024,
        passes: 2,
    }
}

fn listed(problems: &[InvalidVerifierConfig]) -> String {
    let line = |problem: &InvalidVerifierConfig| format!("\n  - {problem}");
    problems.iter().map(line).collect::<Vec<_>>().concat()
}
