//! The connection to Redis. The pool makes and checks it; calls share it, because it is multiplexed. Checking a connection
//! out for each call would cost two commands more. One that breaks is taken out of the pool, and the next is made.

use crate::ports::{StoreResult, StoreUnavailable};
use deadpool_redis::{Hook, HookError, Manager, Pool, cluster};
use redis::{
    AsyncConnectionConfig, Cmd, ErrorKind, IntoConnectionInfo, RedisError, RedisResult,
    ScriptInvocation, ServerErrorKind, Value, aio::MultiplexedConnection,
    cluster_async::ClusterConnection,
};
use std::{
    sync::{PoisonError, RwLock},
    time::Duration,
};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

const RETRY_AFTER: Duration = Duration::from_secs(1);

/// All calls share one: Redis works on one command at a time, and answers many that come together for less.
const CONNECTIONS: usize = 1;

/// A connection to a server that may not write is kept at least as long, so that one that stays demoted at its address is
/// not connected to once for each call.
const READ_ONLY_MIN_CONNECTION_AGE: Duration = Duration::from_millis(100);

/// A cluster's connection is kept at least as long: it finds new primaries itself, and the nodes that work go on using it.
const CLUSTER_MIN_CONNECTION_AGE: Duration = Duration::from_millis(500);

/// The connection to Redis.
pub struct RedisLink {
    pool: RedisPool,
    /// Hosts and ports, for logs.
    addresses: String,
    shared: RwLock<Option<SharedRedisConnection>>,
    /// Held while a connection is made, so that one is made for all calls that wait.
    connecting: Mutex<()>,
    reply_timeout: Duration,
}

enum RedisPool {
    Single(Pool),
    Cluster(cluster::Pool),
}

/// What the pool gave out. Once dropped, it would be given out again.
enum PooledRedisConnection {
    Single(deadpool_redis::Connection),
    Cluster(cluster::Connection),
}

struct SharedRedisConnection {
    pooled: PooledRedisConnection,
    made_at: Instant,
}

#[derive(Clone)]
enum RedisConnection {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// What is sent to Redis.
#[derive(Clone, Copy)]
enum RedisRequest<'a> {
    Script(&'a ScriptInvocation<'a>),
    Command(&'a Cmd),
}

/// Whether a script may be asked again when its answer was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RetryPolicy {
    /// It changes nothing the second time.
    Once,
    /// It would charge twice.
    Never,
}

impl RedisLink {
    /// To one server, or to the cluster that the addresses belong to.
    ///
    /// # Errors
    /// [`StoreUnavailable`] if an address can't be read.
    pub fn new(urls: &[String], is_cluster: bool, reply_timeout: Duration) -> StoreResult<Self> {
        let pool = match urls {
            [url] if !is_cluster => RedisPool::Single(single(url, reply_timeout)?),
            urls => RedisPool::Cluster(clustered(urls)?),
        };
        let addresses = urls.iter().map(|url| {
            let info = url.as_str().into_connection_info().map_err(fails)?;
            Ok(info.addr().to_string())
        });
        Ok(Self {
            pool,
            addresses: addresses.collect::<StoreResult<Vec<_>>>()?.join(","),
            shared: RwLock::new(None),
            connecting: Mutex::new(()),
            reply_timeout,
        })
    }

    /// Runs a script: by its digest, and in full where the server does not know it yet.
    pub(super) async fn invoke(
        &self,
        call: &ScriptInvocation<'_>,
        retry: RetryPolicy,
    ) -> StoreResult<Value> {
        self.run(RedisRequest::Script(call), retry).await
    }

    /// Runs a command that changes nothing the second time.
    pub(super) async fn command(&self, command: Cmd) -> StoreResult<Value> {
        self.run(RedisRequest::Command(&command), RetryPolicy::Once)
            .await
    }

    async fn run(&self, request: RedisRequest<'_>, retry: RetryPolicy) -> StoreResult<Value> {
        let outcome = match self.try_once(request).await {
            Err(failure) if retry == RetryPolicy::Once && failure.is_replaced => {
                self.try_once(request).await
            }
            outcome => outcome,
        };
        outcome.map_err(|failure| StoreUnavailable {
            cause: format!("{}: {}", self.addresses, failure.unavailable.cause).into(),
            ..failure.unavailable
        })
    }

    /// Hosts and ports, for logs.
    pub(super) fn addresses(&self) -> &str {
        &self.addresses
    }

    pub(super) const fn is_cluster(&self) -> bool {
        matches!(self.pool, RedisPool::Cluster(_))
    }

    async fn try_once(&self, request: RedisRequest<'_>) -> Result<Value, RedisFailure> {
        let (connection, made_at) = self.connection().await?;
        let (min_lifetime, unavailable) =
            match timeout(self.reply_timeout, request.send(connection)).await {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(error)) => (self.min_lifetime(&error), fails(error)),
                Err(elapsed) => (Some(self.min_lifetime_broken()), unavailable(elapsed)),
            };
        let is_replaced = min_lifetime.is_some_and(|least| made_at.elapsed() >= least);
        if is_replaced {
            self.discard(made_at);
        }
        Err(RedisFailure {
            is_replaced,
            unavailable,
        })
    }

    /// How old a connection has to be to be replaced after this error; none where another would do no better.
    fn min_lifetime(&self, error: &RedisError) -> Option<Duration> {
        let is_read_only = matches!(error.kind(), ErrorKind::Server(ServerErrorKind::ReadOnly));
        let is_broken = error.is_io_error() || error.is_connection_dropped() || error.is_timeout();
        let of_broken = is_broken.then(|| self.min_lifetime_broken());
        let of_demoted = is_read_only.then_some(READ_ONLY_MIN_CONNECTION_AGE);
        of_broken.or(of_demoted)
    }

    const fn min_lifetime_broken(&self) -> Duration {
        match self.pool {
            RedisPool::Single(_) => Duration::ZERO,
            RedisPool::Cluster(_) => CLUSTER_MIN_CONNECTION_AGE,
        }
    }

    /// Takes the connection out of the pool for good, unless it was replaced already. Calls that wait on it keep it open.
    fn discard(&self, made_at: Instant) {
        let mut shared = self.shared.write().unwrap_or_else(PoisonError::into_inner);
        let discarded = shared.take_if(|shared| shared.made_at == made_at);
        drop(shared);
        match discarded.map(|shared| shared.pooled) {
            Some(PooledRedisConnection::Single(pooled)) => {
                drop(deadpool_redis::Connection::take(pooled));
            }
            Some(PooledRedisConnection::Cluster(pooled)) => drop(cluster::Connection::take(pooled)),
            None => {}
        }
    }

    /// The shared connection, made if there is none, and when that was.
    async fn connection(&self) -> Result<(RedisConnection, Instant), RedisFailure> {
        if let Some(current) = self.current() {
            return Ok(current);
        }
        let connecting = async {
            let _one_at_a_time = self.connecting.lock().await;
            if let Some(current) = self.current() {
                return Ok(current);
            }
            let pooled = match &self.pool {
                RedisPool::Single(pool) => {
                    PooledRedisConnection::Single(pool.get().await.map_err(unavailable)?)
                }
                RedisPool::Cluster(pool) => {
                    PooledRedisConnection::Cluster(pool.get().await.map_err(unavailable)?)
                }
            };
            let made_at = Instant::now();
            let connection = pooled.connection();
            *self.shared.write().unwrap_or_else(PoisonError::into_inner) =
                Some(SharedRedisConnection { pooled, made_at });
            Ok((connection, made_at))
        };
        let connected = timeout(self.reply_timeout, connecting).await;
        connected
            .map_err(unavailable)
            .and_then(|outcome| outcome)
            .map_err(|unavailable| RedisFailure {
                is_replaced: false,
                unavailable,
            })
    }

    fn current(&self) -> Option<(RedisConnection, Instant)> {
        let shared = self.shared.read().unwrap_or_else(PoisonError::into_inner);
        shared
            .as_ref()
            .map(|shared| (shared.pooled.connection(), shared.made_at))
    }
}

impl RedisRequest<'_> {
    async fn send(self, connection: RedisConnection) -> RedisResult<Value> {
        match (self, connection) {
            (Self::Script(call), RedisConnection::Single(mut to)) => {
                call.invoke_async(&mut to).await
            }
            (Self::Script(call), RedisConnection::Cluster(mut to)) => {
                call.invoke_async(&mut to).await
            }
            (Self::Command(command), RedisConnection::Single(mut to)) => {
                command.query_async(&mut to).await
            }
            (Self::Command(command), RedisConnection::Cluster(mut to)) => {
                command.query_async(&mut to).await
            }
        }
    }
}

impl PooledRedisConnection {
    fn connection(&self) -> RedisConnection {
        match self {
            Self::Single(pooled) => RedisConnection::Single((**pooled).clone()),
            Self::Cluster(pooled) => RedisConnection::Cluster((**pooled).clone()),
        }
    }
}

/// A connection that has just been made is asked whether it answers.
fn single(url: &str, reply_timeout: Duration) -> StoreResult<Pool> {
    // Each call has one deadline, in `try_once`.
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(reply_timeout))
        .set_response_timeout(None);
    let manager = Manager::new_with_config(url, config).map_err(fails)?;
    let ping = Hook::async_fn(|connection: &mut MultiplexedConnection, _| {
        Box::pin(async move {
            let answer = redis::cmd("PING").query_async::<()>(connection).await;
            answer.map_err(HookError::Backend)
        })
    });
    let pool = Pool::builder(manager).max_size(CONNECTIONS);
    pool.post_create(ping).build().map_err(unavailable)
}

/// A new connection asks for the nodes by itself. All of them are not asked to answer: the others serve while one is down.
fn clustered(urls: &[String]) -> StoreResult<cluster::Pool> {
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let manager = cluster::Manager::new(urls, false).map_err(fails)?;
    let pool = cluster::Pool::builder(manager).max_size(CONNECTIONS);
    pool.build().map_err(unavailable)
}

struct RedisFailure {
    /// Whether another connection may do better.
    is_replaced: bool,
    unavailable: StoreUnavailable,
}

pub(super) fn fails(error: impl Into<RedisError>) -> StoreUnavailable {
    unavailable(error.into())
}

pub(super) fn unavailable(
    cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> StoreUnavailable {
    StoreUnavailable {
        store: "Redis",
        cause: cause.into(),
        retry_after: RETRY_AFTER,
    }
}
