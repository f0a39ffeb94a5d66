//! A pool of connections to the mail server.

use crate::{
    config::{SmtpConfig, SmtpTls},
    outcome::SendFailure,
};
use deadpool::managed::{self, Metrics, Object, PoolError, RecycleError, RecycleResult};
use lettre::transport::smtp::{
    Error,
    authentication::{Credentials, Mechanism},
    client::{AsyncSmtpConnection, TlsParameters},
    extension::ClientId,
};
use std::time::Duration;
use zeroize::Zeroizing;

/// The timeout for connecting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// A connection that returns to the pool when dropped.
pub(super) type PooledSmtpConnection = Object<SmtpConnectionManager>;

/// The connection pool.
pub(super) struct SmtpConnections(managed::Pool<SmtpConnectionManager>);

/// A connection, and whether it is ready for a new message. A connection with an unfinished dialogue is not used again.
pub(super) struct SmtpConnection {
    pub(super) connection: AsyncSmtpConnection,
    pub(super) is_idle: bool,
}

/// Creates and checks connections.
pub(super) struct SmtpConnectionManager {
    host: String,
    port: u16,
    encrypted: SmtpTls,
    trust: Option<TlsParameters>,
    hello: ClientId,
    credentials: Option<Credentials>,
    longest_idle: Duration,
}

impl SmtpConnections {
    /// Creates a pool for the configured server.
    ///
    /// # Errors
    /// The machine's trust store can't be used.
    pub(super) fn new(
        config: &SmtpConfig,
        hello: String,
        password: Option<Zeroizing<String>>,
    ) -> Result<Self, Error> {
        let trust = match config.tls {
            SmtpTls::None => None,
            SmtpTls::Starttls | SmtpTls::Implicit => Some(TlsParameters::new(config.host.clone())?),
        };
        let credentials = config.user.clone().zip(password);
        let maker = SmtpConnectionManager {
            host: config.host.clone(),
            port: config.port(),
            encrypted: config.tls,
            trust,
            hello: ClientId::Domain(hello),
            credentials: credentials
                .map(|(user, password)| Credentials::new(user, password.as_str().to_owned())),
            longest_idle: Duration::from_secs(config.idle_seconds),
        };
        let pool = managed::Pool::builder(maker)
            .max_size(config.max_connections)
            .build()
            .expect("a pool without timeouts of its own needs no runtime");
        Ok(Self(pool))
    }

    /// Takes a connection that is ready for a message, or creates one.
    pub(super) async fn take(&self) -> Result<PooledSmtpConnection, SendFailure> {
        let mut held = Box::pin(self.0.get()).await.map_err(failure)?;
        held.is_idle = false;
        Ok(held)
    }
}

impl managed::Manager for SmtpConnectionManager {
    type Type = SmtpConnection;
    type Error = Error;

    async fn create(&self) -> Result<SmtpConnection, Error> {
        let at_once = self
            .trust
            .clone()
            .filter(|_| self.encrypted == SmtpTls::Implicit);
        let address = (self.host.as_str(), self.port);
        let mut connection = AsyncSmtpConnection::connect_tokio1(
            address,
            Some(CONNECT_TIMEOUT),
            &self.hello,
            at_once,
            None,
        )
        .await?;
        if let Some(trust) = self
            .trust
            .clone()
            .filter(|_| self.encrypted == SmtpTls::Starttls)
        {
            connection.starttls(trust, &self.hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            connection.auth(&mechanisms, credentials).await?;
        }
        Ok(SmtpConnection {
            connection,
            is_idle: true,
        })
    }

    async fn recycle(&self, line: &mut SmtpConnection, metrics: &Metrics) -> RecycleResult<Error> {
        if !line.is_idle || metrics.last_used() > self.longest_idle {
            return Err(RecycleError::message(
                "its dialogue is unfinished, or it was idle for too long",
            ));
        }
        if line.connection.test_connected().await {
            Ok(())
        } else {
            Err(RecycleError::message("the connection is closed"))
        }
    }
}

/// Maps an error, and logs its cause without the server's text.
fn failure(error: PoolError<Error>) -> SendFailure {
    let PoolError::Backend(error) = error else {
        return SendFailure::Connection;
    };
    if let Some(code) = error.status() {
        tracing::warn!(%code, "mail server refused the login");
        return SendFailure::Login;
    }
    if error.is_response() {
        tracing::warn!("mail server sent an invalid reply");
    } else {
        tracing::warn!(cause = %error, "mail server unavailable");
    }
    SendFailure::Connection
}
