//! The durable store in PostgreSQL: what decides "once" for every process of a deployment.

mod audit_chain;
mod connection;
mod connector;
mod directory;
mod durability;
mod engine;
mod failure;
mod grants;
mod histories;
mod lane;
mod outbox;
mod params;
mod policies;
mod pool;
mod retention;
mod rows;
mod sessions;
mod tls;
mod transaction;
mod url;
mod write;

pub use durability::{Durability, NotDurable};
pub use grants::Grants;
pub use sessions::{SessionSettings, UnsafeSession};
pub use url::{Address, BadUrl, TlsMode};

use crate::{
    ports::{Entropy, Keys, Stored},
    store::{
        durable::DurableStore,
        record::{Sealing, unavailable},
    },
};
use connection::{Connection, Connector, Failure};
use lane::Lanes;
use pool::{Pool, Readers};
use refinery::{Migration, Runner};
use std::{sync::Arc, time::Duration};
use tokio::time::{sleep, timeout};
use transaction::Transactions;

const NAME: &str = "PostgreSQL";

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

/// What stands between this process and the server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pooler {
    /// Nothing, or what keeps one session of the server for each connection.
    #[default]
    None,
    /// A pooler that gives each transaction whatever session is free.
    Transaction,
}

/// How to reach PostgreSQL.
#[derive(Clone)]
pub struct ConnectionSettings {
    /// The URL of the server or of the pooler in front of it.
    pub url: String,
    /// What stands in between.
    pub pooler: Pooler,
    /// How many connections there are at most; never fewer than [`MIN_CONNECTIONS`].
    pub max_connections: u32,
    /// How long a statement may take.
    pub statement_timeout: Duration,
}

/// The durable store in PostgreSQL.
pub type PostgresAccounts = DurableStore<PostgresEngine>;

/// PostgreSQL, as the durable store uses it.
pub struct PostgresEngine {
    connector: Connector,
    /// For single rows, one caller each.
    pool: Arc<Pool>,
    /// For what may take long.
    scans: Pool,
    readers: Readers,
    lanes: Lanes,
    transactions: Arc<Transactions>,
}

impl DurableStore<PostgresEngine> {
    /// Over connections that are opened when they are needed.
    ///
    /// # Errors
    /// [`Unavailable`](crate::ports::Unavailable) if the URL can't be read, or a file that it names.
    pub fn new(
        settings: &ConnectionSettings,
        keys: Arc<dyn Keys>,
        entropy: Arc<dyn Entropy>,
    ) -> Stored<Self> {
        let sealing = Sealing::new(keys, entropy);
        let engine = PostgresEngine::new(settings, sealing.clone())?;
        Ok(Self::on(engine, sealing))
    }

    /// Brings the tables up to date.
    ///
    /// # Errors
    /// [`Unavailable`](crate::ports::Unavailable) if they can't be, or were written by a newer version.
    pub async fn migrate(&self) -> Stored<()> {
        let migrating = timeout(MIGRATION_TIMEOUT, self.engine.migrate()).await;
        migrating.unwrap_or_else(|elapsed| Err(unavailable(NAME, elapsed)))
    }

    /// Whether the tables are those of this version.
    ///
    /// # Errors
    /// [`Unavailable`](crate::ports::Unavailable) if they can't be read.
    pub async fn is_migrated(&self) -> Stored<bool> {
        const HISTORY: &str =
            "SELECT count(*) FROM pg_class WHERE oid = to_regclass('refinery_schema_history')";
        const APPLIED: &str = "SELECT count(*) FROM refinery_schema_history";
        let scans = &self.engine.scans;
        if engine::number(&scans.read(HISTORY, &[]).await?)? == 0 {
            return Ok(false);
        }
        let applied = engine::number(&scans.read(APPLIED, &[]).await?)?;
        Ok(usize::try_from(applied).is_ok_and(|applied| applied >= MIGRATIONS.len()))
    }

    /// Asks the server what holds in the sessions of this process, on each kind of connection.
    ///
    /// # Errors
    /// [`Unavailable`](crate::ports::Unavailable) if it does not answer.
    pub async fn session_settings(&self) -> Stored<Vec<SessionSettings>> {
        Ok(self.engine.read_session_settings().await?)
    }

    /// Asks the server what it promises. A standby is what a failover could lead to: no archiver, no subscriber.
    ///
    /// # Errors
    /// [`Unavailable`](crate::ports::Unavailable) if it does not answer.
    pub async fn durability(&self) -> Stored<Durability> {
        Ok(self.engine.read_durability().await?)
    }
}

impl PostgresEngine {
    fn new(settings: &ConnectionSettings, sealing: Sealing) -> Stored<Self> {
        let connector = Connector::new(settings)?;
        let for_rows = connector.for_rows();
        let connections = settings.max_connections.max(MIN_CONNECTIONS);
        let changes = connections - DEDICATED_CONNECTIONS - SCAN_CONNECTIONS;
        let pool = Arc::new(Pool::new(for_rows.clone(), changes));
        let transactions = Arc::new(Transactions::new(sealing));
        Ok(Self {
            scans: Pool::new(connector.clone(), SCAN_CONNECTIONS),
            readers: Readers::new(for_rows.clone()),
            lanes: Lanes::new(for_rows, Arc::clone(&transactions), Arc::clone(&pool)),
            connector,
            pool,
            transactions,
        })
    }

    async fn migrate(&self) -> Stored<()> {
        let migrations = MIGRATIONS
            .iter()
            .map(|(name, sql)| Migration::unapplied(name, sql));
        let migrations: Result<Vec<_>, _> = migrations.collect();
        let migrations = migrations.map_err(|error| unavailable(NAME, error))?;
        let connector = self.connector.with_patience(MIGRATION_TIMEOUT);
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
async fn lock_migrations(connection: &Connection) -> Result<(), Failure> {
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
