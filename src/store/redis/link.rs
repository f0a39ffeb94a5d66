//! The connection to Redis. The pool makes and checks it; calls share it, because it is multiplexed. Checking a connection
//! out for each call would cost two commands more. One that breaks is taken out of the pool, and the next is made.

use crate::ports::{Stored, Unavailable};
use deadpool_redis::{Hook, HookError, Manager, Pool, cluster};
use redis::{
    AsyncConnectionConfig, Cmd, ErrorKind, RedisError, RedisResult, ScriptInvocation,
    ServerErrorKind, Value, aio::MultiplexedConnection, cluster_async::ClusterConnection,
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
const LEAST_LIFE_READ_ONLY: Duration = Duration::from_millis(100);

/// A cluster's connection is kept at least as long: it finds new primaries itself, and the nodes that work go on using it.
const LEAST_LIFE_CLUSTER: Duration = Duration::from_millis(500);

/// The connection to Redis.
pub struct Link {
    pool: AnyPool,
    shared: RwLock<Option<Shared>>,
    /// Held while a connection is made, so that one is made for all calls that wait.
    connecting: Mutex<()>,
    patience: Duration,
}

enum AnyPool {
    Single(Pool),
    Cluster(cluster::Pool),
}

/// What the pool gave out. Once dropped, it would be given out again.
enum Pooled {
    Single(deadpool_redis::Connection),
    Cluster(cluster::Connection),
}

struct Shared {
    pooled: Pooled,
    made_at: Instant,
}

#[derive(Clone)]
enum Connection {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// What is sent to Redis.
#[derive(Clone, Copy)]
enum Request<'a> {
    Script(&'a ScriptInvocation<'a>),
    Command(&'a Cmd),
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
            [url] if !is_cluster => AnyPool::Single(single(url, patience)?),
            urls => AnyPool::Cluster(clustered(urls)?),
        };
        Ok(Self {
            pool,
            shared: RwLock::new(None),
            connecting: Mutex::new(()),
            patience,
        })
    }

    /// Runs a script: by its digest, and in full where the server does not know it yet.
    pub(super) async fn invoke(&self, call: &ScriptInvocation<'_>, retry: Retry) -> Stored<Value> {
        self.run(Request::Script(call), retry).await
    }

    /// Runs a command that changes nothing the second time.
    pub(super) async fn command(&self, command: Cmd) -> Stored<Value> {
        self.run(Request::Command(&command), Retry::Once).await
    }

    async fn run(&self, request: Request<'_>, retry: Retry) -> Stored<Value> {
        match self.try_once(request).await {
            Err(failure) if retry == Retry::Once && failure.is_replaced => {
                self.try_once(request).await
            }
            outcome => outcome,
        }
        .map_err(|failure| failure.unavailable)
    }

    async fn try_once(&self, request: Request<'_>) -> Result<Value, Failure> {
        let (connection, made_at) = self.connection().await?;
        let (least_life, unavailable) = match timeout(self.patience, request.send(connection)).await
        {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => (self.least_life(&error), fails(error)),
            Err(elapsed) => (Some(self.least_life_broken()), unavailable(elapsed)),
        };
        let is_replaced = least_life.is_some_and(|least| made_at.elapsed() >= least);
        if is_replaced {
            self.discard(made_at);
        }
        Err(Failure {
            is_replaced,
            unavailable,
        })
    }

    /// How old a connection has to be to be replaced after this error; none where another would do no better.
    fn least_life(&self, error: &RedisError) -> Option<Duration> {
        let is_read_only = matches!(error.kind(), ErrorKind::Server(ServerErrorKind::ReadOnly));
        let is_broken = error.is_io_error() || error.is_connection_dropped() || error.is_timeout();
        let of_broken = is_broken.then(|| self.least_life_broken());
        let of_demoted = is_read_only.then_some(LEAST_LIFE_READ_ONLY);
        of_broken.or(of_demoted)
    }

    const fn least_life_broken(&self) -> Duration {
        match self.pool {
            AnyPool::Single(_) => Duration::ZERO,
            AnyPool::Cluster(_) => LEAST_LIFE_CLUSTER,
        }
    }

    /// Takes the connection out of the pool for good, unless it was replaced already. Calls that wait on it keep it open.
    fn discard(&self, made_at: Instant) {
        let mut shared = self.shared.write().unwrap_or_else(PoisonError::into_inner);
        let discarded = shared.take_if(|shared| shared.made_at == made_at);
        drop(shared);
        match discarded.map(|shared| shared.pooled) {
            Some(Pooled::Single(pooled)) => drop(deadpool_redis::Connection::take(pooled)),
            Some(Pooled::Cluster(pooled)) => drop(cluster::Connection::take(pooled)),
            None => {}
        }
    }

    /// The shared connection, made if there is none, and when that was.
    async fn connection(&self) -> Result<(Connection, Instant), Failure> {
        if let Some(current) = self.current() {
            return Ok(current);
        }
        let connecting = async {
            let _one_at_a_time = self.connecting.lock().await;
            if let Some(current) = self.current() {
                return Ok(current);
            }
            let pooled = match &self.pool {
                AnyPool::Single(pool) => Pooled::Single(pool.get().await.map_err(unavailable)?),
                AnyPool::Cluster(pool) => Pooled::Cluster(pool.get().await.map_err(unavailable)?),
            };
            let made_at = Instant::now();
            let connection = pooled.connection();
            *self.shared.write().unwrap_or_else(PoisonError::into_inner) =
                Some(Shared { pooled, made_at });
            Ok((connection, made_at))
        };
        let connected = timeout(self.patience, connecting).await;
        connected
            .map_err(unavailable)
            .and_then(|outcome| outcome)
            .map_err(|unavailable| Failure {
                is_replaced: false,
                unavailable,
            })
    }

    fn current(&self) -> Option<(Connection, Instant)> {
        let shared = self.shared.read().unwrap_or_else(PoisonError::into_inner);
        shared
            .as_ref()
            .map(|shared| (shared.pooled.connection(), shared.made_at))
    }
}

impl Request<'_> {
    async fn send(self, connection: Connection) -> RedisResult<Value> {
        match (self, connection) {
            (Self::Script(call), Connection::Single(mut to)) => call.invoke_async(&mut to).await,
            (Self::Script(call), Connection::Cluster(mut to)) => call.invoke_async(&mut to).await,
            (Self::Command(command), Connection::Single(mut to)) => {
                command.query_async(&mut to).await
            }
            (Self::Command(command), Connection::Cluster(mut to)) => {
                command.query_async(&mut to).await
            }
        }
    }
}

impl Pooled {
    fn connection(&self) -> Connection {
        match self {
            Self::Single(pooled) => Connection::Single((**pooled).clone()),
            Self::Cluster(pooled) => Connection::Cluster((**pooled).clone()),
        }
    }
}

/// A connection that has just been made is asked whether it answers.
fn single(url: &str, patience: Duration) -> Stored<Pool> {
    // Each call has one deadline, in `try_once`.
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(patience))
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
fn clustered(urls: &[String]) -> Stored<cluster::Pool> {
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let manager = cluster::Manager::new(urls, false).map_err(fails)?;
    let pool = cluster::Pool::builder(manager).max_size(CONNECTIONS);
    pool.build().map_err(unavailable)
}

struct Failure {
    /// Whether another connection may do better.
    is_replaced: bool,
    unavailable: Unavailable,
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
