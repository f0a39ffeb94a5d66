//! The durable store in PostgreSQL: what decides "once" for every process of a deployment.

mod audit_chain;
mod connection;
mod connector;
mod directory;
mod durability;
mod engine;
mod failure;
mod grants;
mod job_queue;
mod load_batcher;
mod outbox;
mod policies;
mod pool;
mod reseal;
mod retention;
mod rows;
mod sessions;
mod settings;
mod siblings;
mod sql_params;
mod timeline;
mod tls;
mod transaction;
mod url;
mod verdict_lanes;
mod write_pipeline;

pub use durability::{DurabilitySettings, UnsafeDurability};
pub use grants::RoleGrants;
pub use sessions::{SessionSettings, UnsafeSession};
pub use settings::{ConnectionSettings, Pooler};
pub use url::{
    PostgresUrlError, ServerAddress, ServerEndpoint, ServerHost, TargetSession, TlsMode,
};

use crate::{
    ports::{KeyService, StoreResult},
    store::{
        durable::DurableStore,
        record::{RecordSealing, unavailable},
    },
};
use connection::{PipelinedConnection, PostgresConnector, PostgresFailure};
use countersign_transport::system::RandomSource;
use load_batcher::LoadBatcher;
use pool::{ConnectionPool, ReadConnections};
use refinery::{Migration, Runner};
use settings::NAME;
use std::{sync::Arc, time::Duration};
use tokio::time::{sleep, timeout};
use transaction::OperationTransactions;
use verdict_lanes::VerdictLanes;

const MIGRATIONS: [(&str, &str); 1] = [(
    "V1__accounts",
    include_str!("postgres/migrations/0001_accounts.sql"),
)];

/// How long bringing the tables up to date may take.
const MIGRATION_TIMEOUT: Duration = Duration::from_mins(10);

/// How long until a process asks again whether another one has migrated.
const MIGRATION_LOCK_RETRY: Duration = Duration::from_millis(250);

/// Connections that have a purpose of their own: two lanes of verdicts, and two that reads share.
const DEDICATED_CONNECTIONS: u32 = 4;

/// Connections for lists, retention and the audit chain, which may take long.
const SCAN_CONNECTIONS: u32 = 2;

/// Connections for changes: at least so many, however few are allowed.
const MIN_CHANGE_CONNECTIONS: u32 = 2;

/// The fewest connections that a process can do with.
pub const MIN_CONNECTIONS: u32 = DEDICATED_CONNECTIONS + SCAN_CONNECTIONS + MIN_CHANGE_CONNECTIONS;

/// The durable store in PostgreSQL.
pub type PostgresAccounts = DurableStore<PostgresEngine>;

/// PostgreSQL, as the durable store uses it.
pub struct PostgresEngine {
    connector: PostgresConnector,
    /// For single rows, one caller each.
    pool: Arc<ConnectionPool>,
    /// For what may take long.
    scans: ConnectionPool,
    readers: Arc<ReadConnections>,
    loads: LoadBatcher,
    lanes: VerdictLanes,
    transactions: Arc<OperationTransactions>,
}

impl DurableStore<PostgresEngine> {
    /// Over connections that are opened when they are needed.
    ///
    /// # Errors
    /// [`StoreUnavailable`](crate::ports::StoreUnavailable) if the URL can't be read, or a file that it names.
    pub fn new(
        settings: &ConnectionSettings,
        keys: Arc<dyn KeyService>,
        entropy: Arc<dyn RandomSource>,
    ) -> StoreResult<Self> {
        let sealing = RecordSealing::new(keys, entropy);
        let engine = PostgresEngine::new(settings, sealing.clone())?;
        Ok(Self::on(engine, sealing))
    }

    /// Brings the tables up to date.
    ///
    /// # Errors
    /// [`StoreUnavailable`](crate::ports::StoreUnavailable) if they can't be, or were written by a newer version.
    pub async fn migrate(&self) -> StoreResult<()> {
        let migrating = timeout(MIGRATION_TIMEOUT, self.engine.migrate()).await;
        migrating.unwrap_or_else(|elapsed| Err(unavailable(NAME, elapsed)))
    }

    /// Whether the tables are those of this version.
    ///
    /// # Errors
    /// [`StoreUnavailable`](crate::ports::StoreUnavailable) if they can't be read.
    pub async fn is_migrated(&self) -> StoreResult<bool> {
        const HISTORY: &str =
            "SELECT count(*) FROM pg_class WHERE oid = to_regclass('refinery_schema_history')";
        const APPLIED: &str = "SELECT count(*) FROM refinery_schema_history";
        let scans = &self.engine.scans;
        if rows::number(&scans.read(HISTORY, &[]).await?)? == 0 {
            return Ok(false);
        }
        let applied = rows::number(&scans.read(APPLIED, &[]).await?)?;
        Ok(usize::try_from(applied).is_ok_and(|applied| applied >= MIGRATIONS.len()))
    }

    /// Asks the server what holds in the sessions of this process, on each kind of connection.
    ///
    /// # Errors
    /// [`StoreUnavailable`](crate::ports::StoreUnavailable) if it does not answer.
    pub async fn session_settings(&self) -> StoreResult<Vec<SessionSettings>> {
        Ok(self.engine.read_session_settings().await?)
    }

    /// Proves that every table can be written by the role that serves. Nothing is changed: the write is rolled back.
    ///
    /// # Errors
    /// [`StoreUnavailable`](crate::ports::StoreUnavailable) if one can't be.
    pub async fn check_writes(&self) -> StoreResult<()> {
        self.engine.check_privileges().await?;
        Ok(self.engine.try_write().await?)
    }

    /// Asks the server what it promises. A standby is what a failover could lead to: no archiver, no subscriber.
    ///
    /// # Errors
    /// [`StoreUnavailable`](crate::ports::StoreUnavailable) if it does not answer.
    pub async fn durability(&self) -> StoreResult<DurabilitySettings> {
        Ok(self.engine.read_durability().await?)
    }
}

impl PostgresEngine {
    fn new(settings: &ConnectionSettings, sealing: RecordSealing) -> StoreResult<Self> {
        let connector = PostgresConnector::new(settings)?;
        let for_rows = connector.for_rows();
        let connections = settings.max_connections.max(MIN_CONNECTIONS);
        let changes = connections - DEDICATED_CONNECTIONS - SCAN_CONNECTIONS;
        let pool = Arc::new(ConnectionPool::new(for_rows.clone(), changes));
        let transactions = Arc::new(OperationTransactions::new(sealing));
        let readers = Arc::new(ReadConnections::new(for_rows.clone()));
        Ok(Self {
            scans: ConnectionPool::new(connector.clone(), SCAN_CONNECTIONS),
            loads: LoadBatcher::new(Arc::clone(&readers)),
            readers,
            lanes: VerdictLanes::new(for_rows, Arc::clone(&transactions), Arc::clone(&pool)),
            connector,
            pool,
            transactions,
        })
    }

    async fn migrate(&self) -> StoreResult<()> {
        let migrations = MIGRATIONS
            .iter()
            .map(|(name, sql)| Migration::unapplied(name, sql));
        let migrations: Result<Vec<_>, _> = migrations.collect();
        let migrations = migrations.map_err(|error| unavailable(NAME, error))?;
        let connector = self.connector.with_reply_timeout(MIGRATION_TIMEOUT);
        let lock = connector.connect().await?;
        lock_migrations(&lock).await?;
        let mut connection = connector.connect().await?;
        let runner = Runner::new(&migrations);
        let ran = runner.run_async(connection.client_mut()).await;
        lock.simple("COMMIT").await?;
        ran.map(drop).map_err(|error| unavailable(NAME, error))
    }
}

/// Lets one process at a time migrate a schema, until the transaction ends: behind a pooler, nothing else is ours alone. Who
/// waits holds no session of the server meanwhile, because the other one needs two.
async fn lock_migrations(connection: &PipelinedConnection) -> Result<(), PostgresFailure> {
    const LOCK: &str = "SELECT pg_try_advisory_xact_lock(1668510838, hashtext(current_schema()))";
    loop {
        connection.begin().await?;
        let rows = connection.rows(LOCK, &[]).await?;
        let is_mine = rows.first().map(|row| row.try_get(0)).transpose()?;
        if is_mine == Some(true) {
            break;
        }
        connection.simple("ROLLBACK").await?;
        sleep(MIGRATION_LOCK_RETRY).await;
    }
    let keep = MIGRATION_TIMEOUT.as_millis();
    let keep = format!("SET LOCAL idle_in_transaction_session_timeout = {keep}");
    connection.simple(&keep).await
}
