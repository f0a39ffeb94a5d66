//! Real stores: files of SQLite, and the Redis and PostgreSQL that `make test` started.

use crate::support::{
    tables::execute_in_postgres,
    tamper::{Rival, TamperedAccounts},
};
use countersign::{
    crypto::KeyRing,
    ports::{AccountStore, BudgetStore, ChallengeStore, KeyService},
    store::{
        memory::{MemoryBudgets, MemoryChallenges},
        postgres::{ConnectionSettings, Pooler, PostgresAccounts},
        redis::{RedisBudgets, RedisChallenges, RedisLink},
        sqlite::SqliteAccounts,
    },
};
use countersign_transport::system::{RandomSource, SystemEntropy};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};
use tempfile::TempDir;

pub(crate) const TIMEOUT: Duration = Duration::from_secs(5);

/// Which stores stand together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pair {
    /// In-process and SQLite.
    Embedded,
    /// Redis and PostgreSQL.
    Production,
    /// In-process and PostgreSQL.
    MemoryAndPostgres,
    /// Redis and SQLite.
    RedisAndSqlite,
}

/// A durable store, a short-lived one, and what keeps them alive.
#[derive(Clone)]
pub(crate) struct Stores {
    pub(crate) accounts: Arc<dyn AccountStore>,
    pub(crate) challenges: Arc<dyn ChallengeStore>,
    pub(crate) budgets: Arc<dyn BudgetStore>,
    /// Of the SQLite file; there for as long as it is used.
    pub(crate) folder: Option<Arc<TempDir>>,
}

impl Stores {
    pub(crate) async fn of(pair: Pair) -> Self {
        let (accounts, folder) = match pair {
            Pair::Embedded | Pair::RedisAndSqlite => {
                let (accounts, folder) = sqlite().await;
                (accounts, Some(folder))
            }
            Pair::Production | Pair::MemoryAndPostgres => (postgres().await, None),
        };
        let accounts = contended(accounts);
        let (challenges, budgets) = match pair {
            Pair::Embedded | Pair::MemoryAndPostgres => memory(),
            Pair::Production | Pair::RedisAndSqlite => redis(),
        };
        Self {
            accounts,
            challenges,
            budgets,
            folder,
        }
    }
}

/// Set where every first save of the stories meets another one.
pub(crate) const CONTENDED: &str = "TEST_COUNTERSIGN_CONTENDED";

fn contended(accounts: Arc<dyn AccountStore>) -> Arc<dyn AccountStore> {
    if std::env::var_os(CONTENDED).is_none() {
        return accounts;
    }
    Arc::new(TamperedAccounts::contended(accounts, Rival::default()))
}

pub(crate) async fn sqlite() -> (Arc<dyn AccountStore>, Arc<TempDir>) {
    let folder = TempDir::new().unwrap();
    let accounts = SqliteAccounts::open(&folder.path().join("test.db"), store_keys(), entropy())
        .await
        .unwrap();
    (Arc::new(accounts), Arc::new(folder))
}

/// The key ring of every durable store of the tests: several of them may open one file or one schema.
pub(crate) fn store_keys() -> Arc<dyn KeyService> {
    static RING: OnceLock<Arc<KeyRing>> = OnceLock::new();
    let ring = RING.get_or_init(|| {
        let text = KeyRing::new_text(&SystemEntropy);
        Arc::new(KeyRing::parse(&text).unwrap())
    });
    Arc::clone(ring) as _
}

pub(crate) fn entropy() -> Arc<dyn RandomSource> {
    Arc::new(SystemEntropy)
}

pub(crate) fn memory() -> (Arc<dyn ChallengeStore>, Arc<dyn BudgetStore>) {
    (
        Arc::new(MemoryChallenges::default()),
        Arc::new(MemoryBudgets::default()),
    )
}

pub(crate) fn redis() -> (Arc<dyn ChallengeStore>, Arc<dyn BudgetStore>) {
    redis_at(&[setting("TEST_COUNTERSIGN_REDIS")], false)
}

pub(crate) fn redis_cluster() -> (Arc<dyn ChallengeStore>, Arc<dyn BudgetStore>) {
    let urls: Vec<String> = setting("TEST_COUNTERSIGN_REDIS_CLUSTER")
        .split(',')
        .map(str::to_owned)
        .collect();
    redis_at(&urls, true)
}

pub(crate) fn redis_at(
    urls: &[String],
    is_cluster: bool,
) -> (Arc<dyn ChallengeStore>, Arc<dyn BudgetStore>) {
    let link = Arc::new(RedisLink::new(urls, is_cluster, TIMEOUT).unwrap());
    (
        Arc::new(RedisChallenges::new(Arc::clone(&link))),
        Arc::new(RedisBudgets::new(link)),
    )
}

/// Tables of the test's own, in a schema of the PostgreSQL of this run: workers of other tests do not see them.
pub(crate) async fn postgres() -> Arc<dyn AccountStore> {
    Arc::new(postgres_at(&new_schema().await))
}

pub(crate) fn postgres_at(url: &str) -> PostgresAccounts {
    postgres_with(&direct(url))
}

pub(crate) fn postgres_with(settings: &ConnectionSettings) -> PostgresAccounts {
    PostgresAccounts::new(settings, store_keys(), entropy()).unwrap()
}

/// Through a pooler in transaction mode.
pub(crate) fn pooled_settings(url: String) -> ConnectionSettings {
    ConnectionSettings {
        url,
        pooler: Pooler::Transaction,
        max_connections: 16,
        statement_timeout: TIMEOUT,
    }
}

pub(crate) fn direct(url: &str) -> ConnectionSettings {
    ConnectionSettings {
        url: url.to_owned(),
        pooler: Pooler::None,
        max_connections: 8,
        statement_timeout: TIMEOUT,
    }
}

/// The URL of a new schema, migrated.
pub(crate) async fn new_schema() -> String {
    let server = setting("TEST_COUNTERSIGN_POSTGRES");
    let name = format!("test_{}", crate::support::service::unique());
    execute_in_postgres(&server, &format!("CREATE SCHEMA {name}")).await;
    let url = format!("{server}?options=-c%20search_path%3D{name}");
    postgres_at(&url).migrate().await.unwrap();
    url
}

#[expect(
    clippy::disallowed_methods,
    reason = "make test says where it started the servers"
)]
pub(crate) fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run `make test`, or `tests/with-services.sh cargo test`, which start what the tests need")
    })
}
