//! One connection. What is done on it has a bound of ours beside the server's: a server that is cut off keeps no caller.

use super::{NAME, tls, url::Address};
use crate::{
    ports::{Stored, Unavailable},
    store::record::unavailable,
};
use rustls::ClientConfig;
use std::{
    collections::HashMap,
    future::Future,
    io,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    runtime::Handle,
    task::JoinHandle,
    time::{Instant, error::Elapsed, timeout},
};
use tokio_postgres::{
    Client, Config, Error, Row, Statement,
    config::SslMode,
    error::SqlState,
    tls::{MakeTlsConnect, NoTls, TlsConnect},
    types::ToSql,
};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long a call waits for a connection.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

/// A connection that said nothing for longer is asked whether it lives before it is used; a busy one is not, because the
/// question costs a round trip.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// How long a connection has to say that it lives.
const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// How much longer than the server itself we wait for the end of a statement.
const GRACE: Duration = Duration::from_secs(1);

/// When a connection that says nothing is asked whether it lives, and how often.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(3);
const KEEPALIVE_RETRIES: u32 = 3;

/// The values of a statement.
pub(super) type Values<'v> = &'v [&'v (dyn ToSql + Sync)];

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("{}", Explained(.0))]
    Database(#[from] Error),
    #[error("the server did not answer in time")]
    Silent,
    #[error("no connection became free in time")]
    Busy,
    #[error("the row is locked by another process that does not let go of it")]
    Contended,
    #[error("the connection broke while the outcome was on its way")]
    OutcomeUnknown,
    #[error(transparent)]
    Store(#[from] Unavailable),
}

/// An error of the database with what the server said of it.
struct Explained<'e>(&'e Error);

impl std::fmt::Display for Explained<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        match std::error::Error::source(self.0) {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl From<Elapsed> for Failure {
    fn from(_: Elapsed) -> Self {
        Self::Silent
    }
}

impl From<Failure> for Unavailable {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Store(unavailable) => unavailable,
            failure => unavailable(NAME, failure),
        }
    }
}

impl Failure {
    /// Whether the connection is lost, or its server is going down or starting up: another one may do better.
    pub(super) fn is_disconnect(&self) -> bool {
        let Self::Database(error) = self else {
            return false;
        };
        if let Some(error) = error.as_db_error() {
            let code = error.code();
            return code.code().starts_with("57P")
                || code.code().starts_with("08")
                || *code == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT;
        }
        error.is_closed() || io_cause(error).is_some_and(|kind| kind != io::ErrorKind::TimedOut)
    }

    /// Whether it is not known what the server did.
    pub(super) fn leaves_outcome_unknown(&self) -> bool {
        matches!(self, Self::Silent) || self.is_disconnect()
    }

    fn code(&self) -> Option<&SqlState> {
        match self {
            Self::Database(error) => error.code(),
            _ => None,
        }
    }

    /// Whether the transaction is undone, and may succeed when it is tried again.
    pub(super) fn may_succeed_again(&self) -> bool {
        let codes = [
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::T_R_SERIALIZATION_FAILURE,
            // What a write raises when it found another row than was locked.
            SqlState::DIVISION_BY_ZERO,
        ];
        self.code().is_some_and(|code| codes.contains(code))
    }

    /// The constraint that a duplicate row ran into.
    pub(super) fn duplicate(&self) -> Option<&str> {
        let Self::Database(error) = self else {
            return None;
        };
        let error = error.as_db_error()?;
        (*error.code() == SqlState::UNIQUE_VIOLATION)
            .then(|| error.constraint().unwrap_or_default())
    }
}

fn io_cause(error: &Error) -> Option<io::ErrorKind> {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        cause = error.source();
    }
    None
}

/// How to connect.
#[derive(Clone)]
pub(super) struct Connector {
    config: Config,
    tls: Option<ClientConfig>,
    patience: Duration,
}

/// Settings of the sessions on which only our own statements on single rows run: always the same plan, by an index.
const ROW_PLANS: &str = " -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off \
    -c enable_mergejoin=off -c enable_bitmapscan=off -c jit=off";

impl Connector {
    pub(super) fn new(url: &str, statement_timeout: Duration) -> Stored<Self> {
        let address = Address::parse(url).map_err(|error| unavailable(NAME, error))?;
        let tls = tls::client_config(&address).map_err(|error| unavailable(NAME, error))?;
        let mut config = config(&address);
        let millis = statement_timeout.as_millis();
        let patience = statement_timeout + GRACE;
        let between = patience.as_millis();
        config.options(format!(
            "{} -c statement_timeout={millis} -c lock_timeout={millis} \
             -c idle_in_transaction_session_timeout={between} \
             -c default_transaction_isolation=read\\ committed",
            address.options
        ));
        Ok(Self {
            config,
            tls,
            patience,
        })
    }

    /// For connections on which verdicts and reads of single users are pipelined.
    pub(super) fn for_rows(&self) -> Self {
        let mut connector = self.clone();
        let options = connector.config.get_options().unwrap_or_default();
        let options = format!("{options}{ROW_PLANS}");
        connector.config.options(options);
        connector
    }

    /// For statements that may take long.
    pub(super) fn with_patience(&self, patience: Duration) -> Self {
        let mut connector = self.clone();
        let millis = patience.as_millis();
        let options = connector.config.get_options().unwrap_or_default();
        let options = format!("{options} -c statement_timeout={millis} -c lock_timeout={millis}");
        connector.config.options(options);
        connector.patience = patience + GRACE;
        connector
    }

    /// How long everything on a connection may take.
    pub(super) const fn patience(&self) -> Duration {
        self.patience
    }

    pub(super) async fn connect(&self) -> Result<Connection, Failure> {
        let connecting = async {
            match &self.tls {
                None => self.connect_with(NoTls).await,
                Some(tls) => self.connect_with(MakeRustlsConnect::new(tls.clone())).await,
            }
        };
        timeout(ACQUIRE_TIMEOUT, connecting).await?
    }

    async fn connect_with<T>(&self, tls: T) -> Result<Connection, Failure>
    where
        T: MakeTlsConnect<tokio_postgres::Socket>,
        T::Stream: Send + 'static,
        T::TlsConnect: Send,
        <T::TlsConnect as TlsConnect<tokio_postgres::Socket>>::Future: Send,
    {
        let (client, driver) = self.config.connect(tls).await?;
        let driver = Handle::current().spawn(async move {
            // Whoever waits for an answer learns of the error, too.
            drop(driver.await);
        });
        Ok(Connection {
            client,
            statements: Mutex::default(),
            patience: self.patience,
            answered_at: Mutex::new(Instant::now()),
            is_broken: AtomicBool::new(false),
            driver,
        })
    }
}

fn config(address: &Address) -> Config {
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
            super::url::TlsMode::Disable => SslMode::Disable,
            super::url::TlsMode::Prefer => SslMode::Prefer,
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

/// One session. Statements are prepared once, and requests of several callers are sent one behind the other.
pub(super) struct Connection {
    client: Client,
    statements: Mutex<HashMap<&'static str, Statement>>,
    patience: Duration,
    answered_at: Mutex<Instant>,
    is_broken: AtomicBool,
    driver: JoinHandle<()>,
}

impl Connection {
    /// Whether it can be used. One that said nothing for a while is asked.
    pub(super) async fn is_alive(&self) -> bool {
        if !self.is_usable() {
            return false;
        }
        let answered_at = *locked(&self.answered_at);
        if answered_at.elapsed() < TRUSTED_FOR {
            return true;
        }
        let ping = timeout(PING_TIMEOUT, self.simple("")).await;
        let is_alive = matches!(ping, Ok(Ok(())));
        if is_alive {
            *locked(&self.answered_at) = Instant::now();
        } else {
            self.is_broken.store(true, Ordering::Relaxed);
        }
        is_alive
    }

    /// Whether it can be used, as far as is known.
    pub(super) fn is_usable(&self) -> bool {
        !self.client.is_closed() && !self.is_broken.load(Ordering::Relaxed)
    }

    /// Does something in time. What does not end in time fails, and the connection is never used again.
    pub(super) async fn within<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let outcome = timeout(self.patience, work).await;
        let outcome = outcome.unwrap_or(Err(Failure::Silent));
        if outcome.as_ref().is_err_and(Failure::leaves_outcome_unknown) {
            self.is_broken.store(true, Ordering::Relaxed);
        } else {
            *locked(&self.answered_at) = Instant::now();
        }
        outcome
    }

    /// A statement, prepared on this connection.
    pub(super) async fn prepared(&self, sql: &'static str) -> Result<Statement, Failure> {
        let known = locked(&self.statements).get(sql).cloned();
        if let Some(statement) = known {
            return Ok(statement);
        }
        let statement = self.client.prepare(sql).await?;
        locked(&self.statements).insert(sql, statement.clone());
        Ok(statement)
    }

    /// The rows of a prepared statement. It is sent when it is first polled.
    pub(super) async fn query(
        &self,
        sql: &Statement,
        values: Values<'_>,
    ) -> Result<Vec<Row>, Failure> {
        Ok(self.client.query(sql, values).await?)
    }

    /// Prepares a statement, if need be, and gives its rows.
    pub(super) async fn rows(
        &self,
        sql: &'static str,
        values: Values<'_>,
    ) -> Result<Vec<Row>, Failure> {
        let statement = self.prepared(sql).await?;
        self.query(&statement, values).await
    }

    /// Prepares a statement, if need be, carries it out, and says how many rows it touched.
    pub(super) async fn execute(
        &self,
        sql: &'static str,
        values: Values<'_>,
    ) -> Result<u64, Failure> {
        let statement = self.prepared(sql).await?;
        Ok(self.client.execute(&statement, values).await?)
    }

    /// Sends a statement without values.
    pub(super) async fn simple(&self, sql: &str) -> Result<(), Failure> {
        Ok(self.client.batch_execute(sql).await?)
    }

    /// For what takes the client itself.
    pub(super) const fn client_mut(&mut self) -> &mut Client {
        &mut self.client
    }
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Dropped, the client says farewell to a server that listens.
        if self.is_broken.load(Ordering::Relaxed) {
            self.driver.abort();
        }
    }
}
