//! How to connect: the address, TLS, and the settings that each session gets.

use super::{
    connection::{ACQUIRE_TIMEOUT, PipelinedConnection},
    failure::PostgresFailure,
    settings::{ConnectionSettings, NAME, Pooler},
    tls,
    url::{ServerAddress, TlsMode},
};
use crate::{ports::StoreResult, store::record::unavailable};
use rustls::ClientConfig;
use std::time::Duration;
use tokio::{runtime::Handle, time::timeout};
use tokio_postgres::{
    Config,
    config::SslMode,
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
    config: Config,
    tls: Option<ClientConfig>,
    pooler: Pooler,
    reply_timeout: Duration,
}

impl PostgresConnector {
    pub(super) fn new(settings: &ConnectionSettings) -> StoreResult<Self> {
        let address =
            ServerAddress::parse(&settings.url).map_err(|error| unavailable(NAME, error))?;
        let tls = tls::client_config(&address).map_err(|error| unavailable(NAME, error))?;
        let mut config = config(&address);
        match settings.pooler {
            Pooler::None => drop(config.options(settings_of_sessions(&address, settings))),
            Pooler::Transaction if address.options.is_empty() => {}
            Pooler::Transaction => {
                return Err(unavailable(NAME, PostgresAddressError::OptionsBehindPooler));
            }
        }
        Ok(Self {
            config,
            tls,
            pooler: settings.pooler,
            reply_timeout: settings.statement_timeout + CLOSE_GRACE,
        })
    }

    /// For connections on which verdicts and reads of single users are pipelined.
    pub(super) fn for_rows(&self) -> Self {
        let mut connector = self.clone();
        if self.pooler == Pooler::None {
            let options = connector.config.get_options().unwrap_or_default();
            let options = format!("{options}{ROW_PLANS}");
            connector.config.options(options);
        }
        connector
    }

    /// For statements that may take long. Behind a pooler the role says how long.
    pub(super) fn with_reply_timeout(&self, reply_timeout: Duration) -> Self {
        let mut connector = self.clone();
        if self.pooler == Pooler::None {
            let millis = reply_timeout.as_millis();
            let options = connector.config.get_options().unwrap_or_default();
            let options =
                format!("{options} -c statement_timeout={millis} -c lock_timeout={millis}");
            connector.config.options(options);
        }
        connector.reply_timeout = reply_timeout + CLOSE_GRACE;
        connector
    }

    /// How long everything on a connection may take.
    pub(super) const fn reply_timeout(&self) -> Duration {
        self.reply_timeout
    }

    pub(super) async fn connect(&self) -> Result<PipelinedConnection, PostgresFailure> {
        let connecting = async {
            match &self.tls {
                None => self.connect_with(NoTls).await,
                Some(tls) => self.connect_with(MakeRustlsConnect::new(tls.clone())).await,
            }
        };
        timeout(ACQUIRE_TIMEOUT, connecting).await?
    }

    async fn connect_with<T>(&self, tls: T) -> Result<PipelinedConnection, PostgresFailure>
    where
        T: MakeTlsConnect<tokio_postgres::Socket>,
        T::Stream: Send + 'static,
        T::TlsConnect: Send,
        <T::TlsConnect as TlsConnect<tokio_postgres::Socket>>::Future: Send,
    {
        let (client, driver) = self.config.connect(tls).await?;
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

fn config(address: &ServerAddress) -> Config {
    let mut config = Config::new();
    match (&address.socket, &address.host) {
        (Some(folder), _) => config.host_path(folder),
        (None, host) => config.host(host.as_deref().unwrap_or("localhost")),
    };
    config
        .port(address.port.unwrap_or(5432))
        .application_name("countersign")
        .ssl_mode(match address.tls {
            _ if address.socket.is_some() => SslMode::Disable,
            TlsMode::Disable => SslMode::Disable,
            TlsMode::Prefer => SslMode::Prefer,
            _ => SslMode::Require,
        })
        .connect_timeout(ACQUIRE_TIMEOUT)
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
