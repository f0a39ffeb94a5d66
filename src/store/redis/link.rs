//! Connections to Redis. The pool makes, checks and replaces them; calls share one, because it is multiplexed: checking
//! a connection out for each call would cost two commands more.

use crate::ports::{Stored, Unavailable};
use deadpool_redis::{Manager, Pool, cluster};
use redis::{
    AsyncConnectionConfig, Cmd, ErrorKind, RedisError, RedisResult, ScriptInvocation,
    ServerErrorKind, Value, aio::MultiplexedConnection, cluster_async::ClusterConnection,
};
use std::{
    sync::{PoisonError, RwLock},
    time::Duration,
};
use tokio::time::timeout;

const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How many connections the pool holds ready: one in use, one for when it breaks.
const CONNECTIONS: usize = 2;

/// Connections to Redis.
pub struct Link {
    pool: AnyPool,
    shared: RwLock<Option<Connection>>,
    patience: Duration,
}

enum AnyPool {
    Single(Pool),
    Cluster(cluster::Pool),
}

#[derive(Clone)]
enum Connection {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// Whether a script may be asked again when its answer was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retry {
    /// It changes nothing the second time.
    Once,
    /// It would charge twice.
    Never,
}

impl Link {
    /// To one server, or to the cluster that the addresses belong to.
    ///
    /// # Errors
    /// [`Unavailable`] if an address can't be read.
    pub fn new(urls: &[String], is_cluster: bool, patience: Duration) -> Stored<Self> {
        let pool = match urls {
            [url] if !is_cluster => {
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(patience))
                    .set_response_timeout(Some(patience));
                let manager = Manager::new_with_config(url.as_str(), config).map_err(fails)?;
                AnyPool::Single(
                    Pool::builder(manager)
                        .max_size(CONNECTIONS)
                        .build()
                        .map_err(unavailable)?,
                )
            }
            urls => {
                let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
                let manager = cluster::Manager::new(urls, false).map_err(fails)?;
                AnyPool::Cluster(
                    cluster::Pool::builder(manager)
                        .max_size(CONNECTIONS)
                        .build()
                        .map_err(unavailable)?,
                )
            }
        };
        Ok(Self {
            pool,
            shared: RwLock::new(None),
            patience,
        })
    }

    /// Runs a script.
    pub(super) async fn invoke(&self, call: &ScriptInvocation<'_>, retry: Retry) -> Stored<Value> {
        match self.try_invoke(call).await {
            Err(broken) if retry == Retry::Once && broken.connection => self.try_invoke(call).await,
            outcome => outcome,
        }
        .map_err(|failure| failure.unavailable)
    }

    /// Runs a command that changes nothing the second time.
    pub(super) async fn command(&self, command: Cmd) -> Stored<Value> {
        match self.try_command(&command).await {
            Err(broken) if broken.connection => self.try_command(&command).await,
            outcome => outcome,
        }
        .map_err(|failure| failure.unavailable)
    }

    async fn try_invoke(&self, call: &ScriptInvocation<'_>) -> Result<Value, Failure> {
        let connection = self.connection().await?;
        let answer = async {
            match connection {
                Connection::Single(mut connection) => call.invoke_async(&mut connection).await,
                Connection::Cluster(mut connection) => call.invoke_async(&mut connection).await,
            }
        };
        self.judge(timeout(self.patience, answer).await)
    }

    async fn try_command(&self, command: &Cmd) -> Result<Value, Failure> {
        let connection = self.connection().await?;
        let answer = async {
            match connection {
                Connection::Single(mut connection) => command.query_async(&mut connection).await,
                Connection::Cluster(mut connection) => command.query_async(&mut connection).await,
            }
        };
        self.judge(timeout(self.patience, answer).await)
    }

    /// A connection that breaks, or leads to a server that may not write, is shared no longer.
    fn judge(
        &self,
        answer: Result<RedisResult<Value>, tokio::time::error::Elapsed>,
    ) -> Result<Value, Failure> {
        let failure = match answer {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => Failure {
                connection: breaks_connection(&error),
                unavailable: fails(error),
            },
            Err(elapsed) => Failure {
                connection: true,
                unavailable: unavailable(elapsed),
            },
        };
        if failure.connection {
            *self.shared.write().unwrap_or_else(PoisonError::into_inner) = None;
        }
        Err(failure)
    }

    async fn connection(&self) -> Result<Connection, Failure> {
        if let Some(shared) = self
            .shared
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
        {
            return Ok(shared);
        }
        let checked_out = async {
            match &self.pool {
                AnyPool::Single(pool) => {
                    let connection = pool.get().await.map_err(unavailable)?;
                    Ok(Connection::Single((*connection).clone()))
                }
                AnyPool::Cluster(pool) => {
                    let connection = pool.get().await.map_err(unavailable)?;
                    Ok(Connection::Cluster((*connection).clone()))
                }
            }
        };
        let connection = timeout(self.patience, checked_out)
            .await
            .map_err(unavailable)
            .and_then(|outcome| outcome);
        let connection = connection.map_err(|unavailable| Failure {
            connection: false,
            unavailable,
        })?;
        *self.shared.write().unwrap_or_else(PoisonError::into_inner) = Some(connection.clone());
        Ok(connection)
    }
}

struct Failure {
    /// Whether another connection may do better.
    connection: bool,
    unavailable: Unavailable,
}

fn breaks_connection(error: &RedisError) -> bool {
    let demoted = matches!(error.kind(), ErrorKind::Server(ServerErrorKind::ReadOnly));
    error.is_io_error() || error.is_connection_dropped() || error.is_timeout() || demoted
}

pub(super) fn fails(error: impl Into<RedisError>) -> Unavailable {
    unavailable(error.into())
}

pub(super) fn unavailable(
    cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Unavailable {
    Unavailable {
        store: "Redis",
        cause: cause.into(),
        retry_after: RETRY_AFTER,
    }
}
