//! The one connection that writes. After any error it is closed, and the next write opens a new one: SQLite ends a
//! transaction by itself on some errors, such as a full disk, and what the pool believes of it is then wrong.

use super::{BUSY, fails};
use crate::ports::Stored;
use sqlx::{AssertSqlSafe, Executor, Sqlite, SqliteConnection, SqlitePool, pool::PoolConnection};
use std::ops::{Deref, DerefMut};

/// The pool of the connection that writes.
pub(super) struct Writer(SqlitePool);

/// The connection while one write uses it. It is closed when dropped, and an open transaction with it, unless the write
/// succeeded and [`Lease::release`], [`Lease::commit`] or [`Lease::rollback`] returned it.
pub(super) struct Lease {
    connection: PoolConnection<Sqlite>,
    is_reusable: bool,
}

impl Writer {
    pub(super) const fn new(pool: SqlitePool) -> Self {
        Self(pool)
    }

    /// The connection, once no other write uses it.
    pub(super) async fn lease(&self) -> Stored<Lease> {
        Ok(Lease {
            connection: self.0.acquire().await.map_err(fails)?,
            is_reusable: false,
        })
    }

    /// The connection, in a transaction that holds the write lock of the file.
    pub(super) async fn begin(&self) -> Stored<Lease> {
        let mut lease = self.lease().await?;
        lease.execute("BEGIN IMMEDIATE").await.map_err(fails)?;
        Ok(lease)
    }

    /// Writes the log into the file and empties it: it holds pages as they were before an erasure. It waits for no
    /// reader; what a reader blocks now, the next sweep empties.
    pub(super) async fn empty_log(&self) -> Stored<()> {
        const EMPTY: &str = "PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE)";
        let mut lease = self.lease().await?;
        lease.execute(EMPTY).await.map_err(fails)?;
        let busy_timeout = format!("PRAGMA busy_timeout = {}", BUSY.as_millis());
        let restored = lease.execute(AssertSqlSafe(busy_timeout)).await;
        restored.map_err(fails)?;
        lease.release();
        Ok(())
    }
}

impl Lease {
    /// Returns the connection for the next write.
    pub(super) fn release(mut self) {
        self.is_reusable = true;
    }

    /// Commits. After an error the outcome is unknown.
    pub(super) async fn commit(self) -> Stored<()> {
        self.end("COMMIT").await
    }

    pub(super) async fn rollback(self) -> Stored<()> {
        self.end("ROLLBACK").await
    }

    async fn end(mut self, statement: &'static str) -> Stored<()> {
        self.execute(statement).await.map_err(fails)?;
        self.release();
        Ok(())
    }
}

impl Deref for Lease {
    type Target = SqliteConnection;

    fn deref(&self) -> &Self::Target {
        &self.connection
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.connection
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if !self.is_reusable {
            self.connection.close_on_drop();
        }
    }
}
