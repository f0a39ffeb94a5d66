//! How to connect: the address, TLS, and the settings that each session gets.

use super::{
    connection::{ACQUIRE_TIMEOUT, PipelinedConnection},
    failure::{HostFailure, PostgresFailure},
    settings::{ConnectionSettings, NAME, Pooler},
    tls,
    url::{ServerAddress, ServerEndpoint, ServerHost, TargetSession, TlsMode},
};
use crate::{ports::StoreResult, store::record::unavailable};
use rustls::ClientConfig;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{runtime::Handle, time::timeout};
use tokio_postgres::{
    Config,
    config::{SslMode, TargetSessionAttrs},
    tls::{MakeTlsConnect, NoTls, TlsConnect},
};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How much longer than the server itself we wait for the end of a statement.
pub(super) const CLOSE_GRACE: Duration = Duration::from_secs(1);

/// When a connection that says nothing is asked whether it lives, and how often.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(3);
const KEEPALIVE_RETRIES: u32 = 3;

/// Settings of the sessions on which only our own statements on single rows run: always the same plan, by an index. A
/// statement that is not prepared is planned for its values, and needs none of them.
const ROW_PLANS: &str = " -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off \
    -c enable_mergejoin=off -c enable_bitmapscan=off -c jit=off";

/// An address that can't be used as it is configured.
#[derive(Debug, thiserror::Error)]
enum PostgresAddressError {
    #[error(
        "postgres.url has `options`, which a pooler in transaction mode does not keep: take them away, and set them by \
         `ALTER ROLE … SET …`"
    )]
    OptionsBehindPooler,
}

/// How to connect.
#[derive(Clone)]
pub(super) struct PostgresConnector {
    hosts: Arc<[ConnectorHost]>,
    /// The host that the last connection led to: it is tried first.
    last_used: Arc<AtomicUsize>,
    /// Settings of each session, in the form of the command line; none behind a pooler.
    options: String,
    tls: Option<ClientConfig>,
    pooler: Pooler,
    reply_timeout: Duration,
}

/// One of the hosts of `postgres.url`.
struct ConnectorHost {
    endpoint: ServerEndpoint,
    config: Config,
}

impl PostgresConnector {
    pub(super) fn new(settings: &ConnectionSettings) -> StoreResult<Self> {
        let address =
            ServerAddress::parse(&settings.url).map_err(|error| unavailable(NAME, error))?;
        let tls = tls::client_config(&address).map_err(|error| unavailable(NAME, error))?;
        let options = match settings.pooler {
            Pooler::None => settings_of_sessions(&address, settings),
            Pooler::Transaction if address.options.is_empty() => String::new(),
            Pooler::Transaction => {
                return Err(unavailable(NAME, PostgresAddressError::OptionsBehindPooler));
            }
        };
        let hosts = address.endpoints().into_iter();
        let hosts = hosts.map(|endpoint| ConnectorHost {
            config: config(&address, &endpoint),
            endpoint,
        });
        Ok(Self {
            hosts: hosts.collect(),
            last_used: Arc::default(),
            options,
            tls,
            pooler: settings.pooler,
            reply_timeout: settings.statement_timeout + CLOSE_GRACE,
        })
    }

    /// For connections on which verdicts and reads of single users are pipelined.
    pub(super) fn for_rows(&self) -> Self {
        let mut connector = self.clone();
        if self.pooler == Pooler::None {
            connector.options.push_str(ROW_PLANS);
        }
        connector
    }

    /// For statements that may take long. Behind a pooler the role says how long.
    pub(super) fn with_reply_timeout(&self, reply_timeout: Duration) -> Self {
        let mut connector = self.clone();
        if self.pooler == Pooler::None {
            let millis = reply_timeout.as_millis();
            let timeouts = format!(" -c statement_timeout={millis} -c lock_timeout={millis}");
            connector.options.push_str(&timeouts);
        }
        connector.reply_timeout = reply_timeout + CLOSE_GRACE;
        connector
    }

    /// The hosts and their ports, for logs.
    pub(super) fn addresses(&self) -> String {
        let addresses = self.hosts.iter().map(|host| host.endpoint.to_string());
        addresses.collect::<Vec<_>>().join(",")
    }

    /// How long everything on a connection may take.
    pub(super) const fn reply_timeout(&self) -> Duration {
        self.reply_timeout
    }

    /// Connects to the first host that answers and, where several are named, accepts writes. Each has its share of the time:
    /// one that went mute leaves enough for the others.
    pub(super) async fn connect(&self) -> Result<PipelinedConnection, PostgresFailure> {
        let first = self.last_used.load(Ordering::Relaxed);
        let share = ACQUIRE_TIMEOUT / u32::try_from(self.hosts.len()).unwrap_or(u32::MAX).max(1);
        let mut failures = Vec::new();
        let hosts = self.hosts.iter().enumerate().cycle();
        for (place, host) in hosts.skip(first).take(self.hosts.len()) {
            match timeout(share, self.connect_to(host))
                .await
                .unwrap_or(Err(PostgresFailure::Silent))
            {
                Ok(connection) => {
                    self.last_used.store(place, Ordering::Relaxed);
                    return Ok(connection);
                }
                Err(cause) => failures.push(HostFailure {
                    address: host.endpoint.to_string(),
                    cause,
                }),
            }
        }
        Err(PostgresFailure::Unreachable(failures))
    }

    async fn connect_to(
        &self,
        host: &ConnectorHost,
    ) -> Result<PipelinedConnection, PostgresFailure> {
        let mut config = host.config.clone();
        if !self.options.is_empty() {
            config.options(&self.options);
        }
        match &self.tls {
            None => self.connect_with(&config, NoTls).await,
            Some(tls) => {
                let tls = MakeRustlsConnect::new(tls.clone());
                self.connect_with(&config, tls).await
            }
        }
    }

    async fn connect_with<T>(
        &self,
        config: &Config,
        tls: T,
    ) -> Result<PipelinedConnection, PostgresFailure>
    where
        T: MakeTlsConnect<tokio_postgres::Socket>,
        T::Stream: Send + 'static,
        T::TlsConnect: Send,
        <T::TlsConnect as TlsConnect<tokio_postgres::Socket>>::Future: Send,
    {
        let (client, driver) = config.connect(tls).await?;
        let driver = Handle::current().spawn(async move {
            // The task that waits for an answer gets the error, too.
            drop(driver.await);
        });
        let prepares = self.pooler == Pooler::None;
        Ok(PipelinedConnection::new(
            client,
            driver,
            self.reply_timeout,
            prepares,
        ))
    }
}

/// What each session gets as it starts, in the form of the command line.
fn settings_of_sessions(address: &ServerAddress, settings: &ConnectionSettings) -> String {
    let millis = settings.statement_timeout.as_millis();
    let between = (settings.statement_timeout + CLOSE_GRACE).as_millis();
    format!(
        "{} -c statement_timeout={millis} -c lock_timeout={millis} \
         -c idle_in_transaction_session_timeout={between} \
         -c default_transaction_isolation=read\\ committed",
        address.options
    )
}

fn config(address: &ServerAddress, endpoint: &ServerEndpoint) -> Config {
    let mut config = Config::new();
    let is_socket = match &endpoint.host {
        ServerHost::Socket(folder) => {
            config.host_path(folder);
            true
        }
        ServerHost::Tcp(host) => {
            config.host(host);
            false
        }
    };
    let default_session = match address.hosts.len() {
        0 | 1 => TargetSession::Any,
        _ => TargetSession::ReadWrite,
    };
    config
        .port(endpoint.port)
        .application_name(address.application_name.as_deref().unwrap_or("countersign"))
        .target_session_attrs(match address.target_session.unwrap_or(default_session) {
            TargetSession::Any => TargetSessionAttrs::Any,
            TargetSession::ReadWrite => TargetSessionAttrs::ReadWrite,
        })
        .ssl_mode(match address.tls {
            _ if is_socket => SslMode::Disable,
            TlsMode::Disable => SslMode::Disable,
            TlsMode::Prefer => SslMode::Prefer,
            _ => SslMode::Require,
        })
        .keepalives(true)
        .keepalives_idle(KEEPALIVE_IDLE)
        .keepalives_interval(KEEPALIVE_INTERVAL)
        .keepalives_retries(KEEPALIVE_RETRIES);
    if let Some(user) = &address.user {
        config.user(user);
    }
    if let Some(password) = &address.password {
        config.password(password);
    }
    if let Some(database) = &address.database {
        config.dbname(database);
    }
    config
}
