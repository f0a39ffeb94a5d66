//! Connections. What is done on one has a bound of ours beside the server's: a server that is cut off keeps none.

use crate::{ports::Stored, store::postgres::fails};
use sqlx::{
    Connection, PgConnection, PgPool, Postgres,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{future::Future, io, str::FromStr, time::Duration};
use tokio::{runtime::Handle, time::timeout};

/// A connection that lay idle for longer is asked whether it lives before it is used; a busy one is not, because the
/// question costs a round trip.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// How long a call waits for a connection.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long a connection has to say that it lives.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

/// How much longer than the server itself we wait for the end of a statement.
const GRACE: Duration = Duration::from_secs(1);

/// The way to one server.
pub(super) struct Link {
    pool: PgPool,
    patience: Duration,
}

/// A connection in use. It goes back to the others only if it says in time that it lives.
pub(super) struct Lease {
    connection: PoolConnection<Postgres>,
    patience: Duration,
    silent: bool,
}

impl Link {
    /// Over connections that are opened when they are needed.
    pub(super) fn new(
        url: &str,
        max_connections: u32,
        statement_timeout: Duration,
    ) -> Stored<Self> {
        let of_server = statement_timeout.as_millis().to_string();
        let options = PgConnectOptions::from_str(url).map_err(fails)?;
        let options = options
            .application_name("countersign")
            .options([("statement_timeout", of_server.as_str())]);
        let pool = PgPoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(PATIENCE)
            .test_before_acquire(false)
            .before_acquire(|connection, known| Box::pin(lives(connection, known.idle_for)));
        Ok(Self {
            pool: pool.connect_lazy_with(options),
            patience: statement_timeout + GRACE,
        })
    }

    /// The pool itself, for what sets bounds of its own.
    pub(super) const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// A connection, if there is one in time.
    pub(super) async fn lease(&self) -> Result<Lease, sqlx::Error> {
        Ok(Lease {
            connection: self.pool.acquire().await?,
            patience: self.patience,
            silent: false,
        })
    }
}

impl Lease {
    /// Does something on the connection. What does not end in time fails, and the connection is never used again.
    pub(super) async fn within<'c, Work: Future>(
        &'c mut self,
        work: impl FnOnce(&'c mut PgConnection) -> Work,
    ) -> Result<Work::Output, sqlx::Error> {
        let Self {
            connection,
            patience,
            silent,
        } = self;
        let outcome = timeout(*patience, work(connection)).await;
        *silent = outcome.is_err();
        outcome.map_err(|_| silence())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let returned = self.connection.return_to_pool();
        // Dropped, it takes the connection with it.
        let (false, Ok(runtime)) = (self.silent, Handle::try_current()) else {
            return;
        };
        // The pool by itself would wait for ever for a sign of life, and keep the connection's place.
        drop(runtime.spawn(timeout(SIGN_OF_LIFE, returned)));
    }
}

/// Whether another connection may do better: this one broke, or its server is going down or starting up. One that fell
/// silent has used up the caller's patience.
pub(super) fn broke(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() != io::ErrorKind::TimedOut,
        sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code.starts_with("57P")),
        _ => false,
    }
}

/// Whether a connection can be used again. An error drops it without the farewell that a silent one would be owed.
async fn lives(connection: &mut PgConnection, idle_for: Duration) -> Result<bool, sqlx::Error> {
    if idle_for < TRUSTED_FOR {
        return Ok(true);
    }
    let pinged = timeout(SIGN_OF_LIFE, connection.ping()).await;
    pinged.map_err(|_| silence())?.map(|()| true)
}

fn silence() -> sqlx::Error {
    sqlx::Error::Io(io::Error::new(
        io::ErrorKind::TimedOut,
        "the server did not answer in time",
    ))
}
