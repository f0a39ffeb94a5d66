//! Connections in use and at rest.

use super::connection::{ACQUIRE_TIMEOUT, Connection, Connector, Failure, Values};
use std::{
    ops::Deref,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tokio_postgres::Row;

/// Connections that are used by one caller at a time.
pub(super) struct Pool {
    connector: Connector,
    permits: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

/// A connection in use. Dropped without [`Lease::release`], it is closed: a transaction may be open on it.
pub(super) struct Lease {
    connection: Option<Connection>,
    idle: Arc<Mutex<Vec<Connection>>>,
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    pub(super) fn new(connector: Connector, size: u32) -> Self {
        Self {
            connector,
            permits: Arc::new(Semaphore::new(usize::try_from(size).unwrap_or(usize::MAX))),
            idle: Arc::default(),
        }
    }

    /// A connection, if there is one in time.
    pub(super) async fn lease(&self) -> Result<Lease, Failure> {
        let permit = timeout(ACQUIRE_TIMEOUT, Arc::clone(&self.permits).acquire_owned()).await;
        let permit = permit
            .map_err(|_| Failure::Busy)?
            .map_err(|_| Failure::Busy)?;
        let connection = match self.rested().await {
            Some(connection) => connection,
            None => self.connector.connect().await?,
        };
        Ok(Lease {
            connection: Some(connection),
            idle: Arc::clone(&self.idle),
            _permit: permit,
        })
    }

    async fn rested(&self) -> Option<Connection> {
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
        work: impl AsyncFnOnce(&Connection) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
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
        values: Values<'_>,
    ) -> Result<Vec<Row>, Failure> {
        self.with(async |connection| connection.rows(sql, values).await)
            .await
    }

    /// The rows of a statement that does the same when it is asked twice; asked again if the connection broke.
    pub(super) async fn read(
        &self,
        sql: &'static str,
        values: Values<'_>,
    ) -> Result<Vec<Row>, Failure> {
        match self.rows(sql, values).await {
            Err(failure) if failure.is_disconnect() => self.rows(sql, values).await,
            outcome => outcome,
        }
    }

    /// Carries out a statement; how many rows it touched.
    pub(super) async fn execute(
        &self,
        sql: &'static str,
        values: Values<'_>,
    ) -> Result<u64, Failure> {
        self.with(async |connection| connection.execute(sql, values).await)
            .await
    }
}

impl Lease {
    /// Gives the connection back. No transaction is open on it.
    pub(super) fn release(mut self) {
        if let Some(connection) = self.connection.take().filter(Connection::is_usable) {
            locked(&self.idle).push(connection);
        }
    }
}

impl Deref for Lease {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
            .as_ref()
            .expect("only `release` takes it, and the lease with it")
    }
}

fn locked(idle: &Mutex<Vec<Connection>>) -> MutexGuard<'_, Vec<Connection>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Connections that many callers use at once: their reads of single rows are sent one behind the other.
pub(super) struct Readers {
    connector: Connector,
    slots: [tokio::sync::Mutex<Option<Arc<Connection>>>; 2],
    next: AtomicUsize,
}

impl Readers {
    pub(super) fn new(connector: Connector) -> Self {
        Self {
            connector,
            slots: Default::default(),
            next: AtomicUsize::new(0),
        }
    }

    /// The rows of a query that does the same when it is asked twice; asked again if the connection broke.
    pub(super) async fn rows(
        &self,
        sql: &'static str,
        values: Values<'_>,
    ) -> Result<Vec<Row>, Failure> {
        match self.rows_once(sql, values).await {
            Err(failure) if failure.is_disconnect() => self.rows_once(sql, values).await,
            outcome => outcome,
        }
    }

    async fn rows_once(&self, sql: &'static str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        let connection = self.connection().await?;
        connection.within(connection.rows(sql, values)).await
    }

    async fn connection(&self) -> Result<Arc<Connection>, Failure> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let [first, second] = &self.slots;
        let slot = if turn.is_multiple_of(2) {
            first
        } else {
            second
        };
        let locked = timeout(ACQUIRE_TIMEOUT, slot.lock()).await;
        let mut slot = locked.map_err(|_| Failure::Busy)?;
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
