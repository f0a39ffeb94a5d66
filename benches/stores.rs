//! Redis and PostgreSQL, as `tests/with-services.sh` starts them.

use crate::BenchResult;
use redis::{AsyncConnectionConfig, aio::MultiplexedConnection};
use std::time::Duration;
use tokio_postgres::{Client, NoTls};

/// The stores, and connections of our own to them.
pub(crate) struct BenchStores {
    pub(crate) redis_url: String,
    pub(crate) postgres_url: String,
    pub(crate) redis_pid: u32,
    pub(crate) postmaster_pid: u32,
    pub(crate) postgres: Client,
}

/// What PostgreSQL has counted up to some instant.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct StoreCounters {
    /// Bytes of its log.
    pub(crate) wal: f64,
    /// Statements that lock rows for verdicts, and how many rows they locked.
    pub(crate) batches: f64,
    pub(crate) members: f64,
}

impl BenchStores {
    pub(crate) async fn connect() -> BenchResult<Self> {
        let setting = |name: &str| -> BenchResult<String> {
            let value = std::env::var_os(name).and_then(|value| value.into_string().ok());
            Ok(value.ok_or_else(|| format!("{name} is not set: run `make bench`"))?)
        };
        let redis_url = setting("TEST_COUNTERSIGN_REDIS")?;
        let postgres_url = setting("TEST_COUNTERSIGN_POSTGRES")?;
        let (postgres, connection) = tokio_postgres::connect(&postgres_url, NoTls).await?;
        tokio::spawn(connection);
        postgres
            .batch_execute("CREATE EXTENSION pg_stat_statements; CREATE SCHEMA bench")
            .await?;
        let file = "SELECT split_part(pg_read_file('postmaster.pid'), chr(10), 1)";
        let postmaster: String = postgres.query_one(file, &[]).await?.get(0);
        let mut redis = redis::Client::open(redis_url.as_str())?
            .get_multiplexed_async_connection()
            .await?;
        let info: String = redis::cmd("INFO")
            .arg("server")
            .query_async(&mut redis)
            .await?;
        let (_, rest) = info.split_once("process_id:").ok_or("no process_id")?;
        let redis_pid = rest.split_whitespace().next().ok_or("no process_id")?;
        Ok(Self {
            redis_pid: redis_pid.parse()?,
            postmaster_pid: postmaster.parse()?,
            redis_url,
            postgres_url,
            postgres,
        })
    }

    /// Forgets challenges and windows.
    pub(crate) async fn flush_redis(&self) -> BenchResult<()> {
        let mut redis = self.redis().await?;
        Ok(redis::cmd("FLUSHALL").query_async(&mut redis).await?)
    }

    /// A connection of our own, over which commands may take long.
    pub(crate) async fn redis(&self) -> BenchResult<MultiplexedConnection> {
        const TIMEOUT: Duration = Duration::from_mins(1);
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(TIMEOUT));
        let client = redis::Client::open(self.redis_url.as_str())?;
        Ok(client
            .get_multiplexed_async_connection_with_config(&config)
            .await?)
    }

    /// One number that PostgreSQL tells; 0 for NULL.
    pub(crate) async fn number(&self, sql: &str) -> BenchResult<f64> {
        let row = self.postgres.query_one(sql, &[]).await?;
        Ok(row.get::<_, Option<f64>>(0).unwrap_or_default())
    }

    /// One text that PostgreSQL tells.
    pub(crate) async fn text(&self, sql: &str) -> BenchResult<String> {
        Ok(self.postgres.query_one(sql, &[]).await?.get(0))
    }

    pub(crate) async fn counted(&self) -> BenchResult<StoreCounters> {
        const SQL: &str =
            "SELECT (pg_current_wal_insert_lsn() - '0/0')::float8, coalesce(sum(calls), 0)::float8,
                coalesce(sum(rows), 0)::float8 FROM pg_stat_statements WHERE query LIKE '%FROM unnest%SKIP LOCKED%'";
        let row = self.postgres.query_one(SQL, &[]).await?;
        Ok(StoreCounters {
            wal: row.get(0),
            batches: row.get(1),
            members: row.get(2),
        })
    }
}
