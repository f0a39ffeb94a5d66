//! The reference verifier: a process of its own that serves `PasswordService` from a file of argon2id hashes, to try Countersign
//! with, and to be read by whoever writes another. It shares nothing with the service that calls it but its contract.
//!
//! | to see | read |
//! |---|---|
//! | what can be configured, and what is refused | [`config`] |
//! | the file, and how it is read anew | [`users`] |
//! | a call and its answer | [`service`] |

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
    codec::CompressionEncoding, server::NamedService, service::Routes,
    transport::server::Connected,
};
use users::{PasswordFile, PasswordFileError};

/// The largest message that is read, in bytes.
const MAX_REQUEST: usize = 8 * 1024;

/// The largest answer, in bytes.
const MAX_RESPONSE: usize = 4 * 1024;

/// A verifier that could start.
pub struct SelectedVerifier {
    /// Whose passwords it knows.
    pub users: Arc<PasswordFile>,
    /// How many hashes run at once.
    pub at_once: usize,
    /// Who may call.
    pub callers: Arc<CallerRegistry>,
    /// The certificate that callers see, where there is one.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Where and how to listen.
    pub server: ServerConfig,
    /// What the process says.
    pub log: LogConfig,
    /// What is used, and why, to be printed.
    pub used: Vec<StartupReportLine>,
}

/// Why a verifier does not start.
#[derive(Debug, thiserror::Error)]
pub enum VerifierStartError {
    /// The configuration can't be read.
    #[error(transparent)]
    Unreadable(#[from] countersign_transport::config::ConfigReadError),
    /// The configuration is unsafe, or lacks something.
    #[error("the configuration can't be used:{}", listed(.0))]
    Configuration(Vec<InvalidVerifierConfig>),
    /// The file of passwords can't be used.
    #[error(transparent)]
    Users(#[from] PasswordFileError),
    /// The certificate can't be used.
    #[error(transparent)]
    Tls(#[from] TlsConfigError),
}

/// What the configuration asks for, if it is safe. `users` is the file named on the command line.
///
/// # Errors
/// [`VerifierStartError`].
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
    /// Serves until `stop` resolves; then says `NOT_SERVING`, finishes what was begun within the drain's bound, and ends.
    /// Reads its file anew when that changes, and when `reload_signals` says so.
    ///
    /// # Errors
    /// If the transport fails.
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
        workers.spawn(users::watch(self.users, reload_signals, draining.cancelled_owned()));
        let finished = async { while workers.join_next().await.is_some() {} };
        alone.run(incoming, stop, finished).await.map(drop)
    }
}

/// What a hash costs that is made for the file: people choose passwords, so it is OWASP's first recommendation for them.
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
