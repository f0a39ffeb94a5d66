//! Connections to the mail server, kept and used again.

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

/// How long it may take to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// A connection, until it is dropped.
pub(super) type PooledSmtpConnection = Object<SmtpConnectionManager>;

/// Connections to the mail server.
pub(super) struct SmtpConnections(managed::Pool<SmtpConnectionManager>);

/// A connection, and whether it waits for a new message. One whose dialogue was broken off is not used again.
pub(super) struct SmtpConnection {
    pub(super) connection: AsyncSmtpConnection,
    pub(super) is_idle: bool,
}

/// Makes and checks connections.
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
    /// To the server of the configuration.
    ///
    /// # Errors
    /// If the machine's trust store can't be used.
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

    /// A connection that waits for a message; an old one, or a new one.
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
                "its dialogue was broken off, or it is old",
            ));
        }
        if line.connection.test_connected().await {
            Ok(())
        } else {
            Err(RecycleError::message("it has ended"))
        }
    }
}

/// The cause is said here, without the server's words.
fn failure(error: PoolError<Error>) -> SendFailure {
    let PoolError::Backend(error) = error else {
        return SendFailure::Connection;
    };
    if let Some(code) = error.status() {
        tracing::warn!(%code, "the mail server lets nobody in");
        return SendFailure::Login;
    }
    if error.is_response() {
        tracing::warn!("the mail server's greeting is not understood");
    } else {
        tracing::warn!(cause = %error, "there is no connection to the mail server");
    }
    SendFailure::Connection
}
