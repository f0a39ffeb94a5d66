//! Connections in use and at rest.

use super::connection::{
    ACQUIRE_TIMEOUT, PipelinedConnection, PostgresConnector, PostgresFailure, SqlParams,
};
use std::{
    ops::Deref,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tokio_postgres::Row;

/// Connections that are used by one caller at a time.
pub(super) struct ConnectionPool {
    connector: PostgresConnector,
    permits: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<PipelinedConnection>>>,
}

/// A connection in use. Dropped without [`PooledLease::release`], it is closed: a transaction may be open on it.
pub(super) struct PooledLease {
    connection: Option<PipelinedConnection>,
    idle: Arc<Mutex<Vec<PipelinedConnection>>>,
    _permit: OwnedSemaphorePermit,
}

impl ConnectionPool {
    pub(super) fn new(connector: PostgresConnector, size: u32) -> Self {
        Self {
            connector,
            permits: Arc::new(Semaphore::new(usize::try_from(size).unwrap_or(usize::MAX))),
            idle: Arc::default(),
        }
    }

    /// A connection, if there is one in time.
    pub(super) async fn lease(&self) -> Result<PooledLease, PostgresFailure> {
        let permit = timeout(ACQUIRE_TIMEOUT, Arc::clone(&self.permits).acquire_owned()).await;
        let permit = permit
            .map_err(|_| PostgresFailure::Busy)?
            .map_err(|_| PostgresFailure::Busy)?;
        let connection = match self.rested().await {
            Some(connection) => connection,
            None => self.connector.connect().await?,
        };
        Ok(PooledLease {
            connection: Some(connection),
            idle: Arc::clone(&self.idle),
            _permit: permit,
        })
    }

    async fn rested(&self) -> Option<PipelinedConnection> {
        loop {
            let connection = locked(&self.idle).pop()?;
            if connection.is_alive().await {
                return Some(connection);
            }
        }
    }

    /// Does something on a connection, bounded.
    pub(super) async fn with<T>(
        &self,
        work: impl AsyncFnOnce(&PipelinedConnection) -> Result<T, PostgresFailure>,
    ) -> Result<T, PostgresFailure> {
        let lease = self.lease().await?;
        let outcome = lease.within(work(&lease)).await;
        match &outcome {
            // One statement that failed leaves no transaction open.
            Ok(_) => lease.release(),
            Err(_) => drop(lease),
        }
        outcome
    }

    /// The rows of a statement.
    pub(super) async fn rows(
        &self,
        sql: &'static str,
        values: SqlParams<'_>,
    ) -> Result<Vec<Row>, PostgresFailure> {
        self.with(async |connection| connection.rows(sql, values).await)
            .await
    }

    /// The rows of a statement that does the same when it is asked twice; asked again if the connection broke.
    pub(super) async fn read(
        &self,
        sql: &'static str,
        values: SqlParams<'_>,
    ) -> Result<Vec<Row>, PostgresFailure> {
        match self.rows(sql, values).await {
            Err(failure) if failure.is_disconnect() => self.rows(sql, values).await,
            outcome => outcome,
        }
    }

    /// Carries out a statement; how many rows it touched.
    pub(super) async fn execute(
        &self,
        sql: &'static str,
        values: SqlParams<'_>,
    ) -> Result<u64, PostgresFailure> {
        self.with(async |connection| connection.execute(sql, values).await)
            .await
    }
}

impl PooledLease {
    /// Gives the connection back. No transaction is open on it.
    pub(super) fn release(mut self) {
        if let Some(connection) = self
            .connection
            .take()
            .filter(PipelinedConnection::is_usable)
        {
            locked(&self.idle).push(connection);
        }
    }
}

impl Deref for PooledLease {
    type Target = PipelinedConnection;

    fn deref(&self) -> &PipelinedConnection {
        self.connection
            .as_ref()
            .expect("only `release` takes it, and the lease with it")
    }
}

fn locked(idle: &Mutex<Vec<PipelinedConnection>>) -> MutexGuard<'_, Vec<PipelinedConnection>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Connections that many callers use at once: their reads of single rows are sent one behind the other.
pub(super) struct ReadConnections {
    connector: PostgresConnector,
    slots: [tokio::sync::Mutex<Option<Arc<PipelinedConnection>>>; 2],
    next: AtomicUsize,
}

impl ReadConnections {
    pub(super) fn new(connector: PostgresConnector) -> Self {
        Self {
            connector,
            slots: Default::default(),
            next: AtomicUsize::new(0),
        }
    }

    /// How long a query may take.
    pub(super) const fn reply_timeout(&self) -> Duration {
        self.connector.reply_timeout()
    }

    /// The rows of a query, on whichever connection has its turn.
    pub(super) async fn rows(
        &self,
        sql: &'static str,
        values: SqlParams<'_>,
    ) -> Result<Vec<Row>, PostgresFailure> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        self.rows_at(turn, sql, values).await
    }

    /// The rows of a query that does the same when it is asked twice; asked again, on the other connection, if this one
    /// broke.
    pub(super) async fn rows_at(
        &self,
        turn: usize,
        sql: &'static str,
        values: SqlParams<'_>,
    ) -> Result<Vec<Row>, PostgresFailure> {
        match self.rows_once(turn, sql, values).await {
            Err(failure) if failure.is_disconnect() => {
                self.rows_once(turn.wrapping_add(1), sql, values).await
            }
            outcome => outcome,
        }
    }

    async fn rows_once(
        &self,
        turn: usize,
        sql: &'static str,
        values: SqlParams<'_>,
    ) -> Result<Vec<Row>, PostgresFailure> {
        let connection = self.connection(turn).await?;
        connection.within(connection.rows(sql, values)).await
    }

    async fn connection(&self, turn: usize) -> Result<Arc<PipelinedConnection>, PostgresFailure> {
        let [first, second] = &self.slots;
        let slot = if turn.is_multiple_of(2) {
            first
        } else {
            second
        };
        let locked = timeout(ACQUIRE_TIMEOUT, slot.lock()).await;
        let mut slot = locked.map_err(|_| PostgresFailure::Busy)?;
        if let Some(connection) = slot.take()
            && connection.is_alive().await
        {
            return Ok(Arc::clone(slot.insert(connection)));
        }
        let connection = Arc::new(self.connector.connect().await?);
        *slot = Some(Arc::clone(&connection));
        Ok(connection)
    }
}
