//! One connection. What is done on it has a bound of ours beside the server's: a server that is cut off keeps no caller.

pub(super) use super::{
    connector::PostgresConnector, failure::PostgresFailure, sql_params::SqlParams,
};

use std::{
    collections::HashMap,
    future::Future,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    task::JoinHandle,
    time::{Instant, timeout},
};
use tokio_postgres::{
    Client, Row,
    types::{ToSql, Type},
};

/// How long a call waits for a connection.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

/// A connection that said nothing for longer is asked whether it lives before it is used; a busy one is not, because the
/// question costs a round trip.
const UNCHECKED_IDLE_TIME: Duration = Duration::from_secs(1);

/// How long a connection has to say that it lives.
const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// Every transaction of ours: a role or a database may have another default.
pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// One session, on which requests of several callers are sent one behind the other. Behind a pooler in transaction mode
/// each transaction may run in another session of the server, so that nothing is left in one.
pub(super) struct PipelinedConnection {
    client: Client,
    /// Statements that were prepared here; none behind a pooler.
    statements: Option<Mutex<HashMap<&'static str, tokio_postgres::Statement>>>,
    reply_timeout: Duration,
    answered_at: Mutex<Instant>,
    is_broken: AtomicBool,
    driver: JoinHandle<()>,
}

/// A statement as it is sent.
pub(super) enum PreparedText {
    /// By the name under which it was prepared.
    Named(tokio_postgres::Statement),
    /// With its text and the types of its values, in the same round trip.
    Unnamed(&'static str),
}

impl PipelinedConnection {
    /// Over a client whose driver runs.
    pub(super) fn new(
        client: Client,
        driver: JoinHandle<()>,
        reply_timeout: Duration,
        prepares: bool,
    ) -> Self {
        Self {
            client,
            statements: prepares.then(Mutex::default),
            reply_timeout,
            answered_at: Mutex::new(Instant::now()),
            is_broken: AtomicBool::new(false),
            driver,
        }
    }

    /// Whether it can be used. One that said nothing for a while is asked.
    pub(super) async fn is_alive(&self) -> bool {
        if !self.is_usable() {
            return false;
        }
        let answered_at = *locked(&self.answered_at);
        if answered_at.elapsed() < UNCHECKED_IDLE_TIME {
            return true;
        }
        let ping = timeout(PING_TIMEOUT, self.simple("")).await;
        let is_alive = matches!(ping, Ok(Ok(())));
        if is_alive {
            *locked(&self.answered_at) = Instant::now();
        } else {
            self.is_broken.store(true, Ordering::Relaxed);
        }
        is_alive
    }

    /// Whether it can be used, as far as is known.
    pub(super) fn is_usable(&self) -> bool {
        !self.client.is_closed() && !self.is_broken.load(Ordering::Relaxed)
    }

    /// Does something in time. What does not end in time fails, and the connection is never used again.
    pub(super) async fn within<T>(
        &self,
        work: impl Future<Output = Result<T, PostgresFailure>>,
    ) -> Result<T, PostgresFailure> {
        let outcome = timeout(self.reply_timeout, work).await;
        let outcome = outcome.unwrap_or(Err(PostgresFailure::Silent));
        if outcome
            .as_ref()
            .is_err_and(PostgresFailure::leaves_outcome_unknown)
        {
            self.is_broken.store(true, Ordering::Relaxed);
        } else {
            *locked(&self.answered_at) = Instant::now();
        }
        outcome
    }

    /// A statement, prepared on this connection where that lasts.
    pub(super) async fn prepared(
        &self,
        sql: &'static str,
    ) -> Result<PreparedText, PostgresFailure> {
        let Some(statements) = &self.statements else {
            return Ok(PreparedText::Unnamed(sql));
        };
        let known = locked(statements).get(sql).cloned();
        if let Some(statement) = known {
            return Ok(PreparedText::Named(statement));
        }
        let statement = self.client.prepare(sql).await?;
        locked(statements).insert(sql, statement.clone());
        Ok(PreparedText::Named(statement))
    }

    /// The rows of a statement. It is sent when it is first polled.
    pub(super) async fn query(
        &self,
        statement: &PreparedText,
        values: SqlParams<'_>,
    ) -> Result<Vec<Row>, PostgresFailure> {
        Ok(match statement {
            PreparedText::Named(named) => self.client.query(named, &untyped(values)).await?,
            PreparedText::Unnamed(sql) => self.client.query_typed(sql, &typed(values)).await?,
        })
    }

    /// Prepares a statement, if need be, and gives its rows.
    pub(super) async fn rows(
        &self,
        sql: &'static str,
        values: SqlParams<'_>,
    ) -> Result<Vec<Row>, PostgresFailure> {
        let statement = self.prepared(sql).await?;
        self.query(&statement, values).await
    }

    /// Prepares a statement, if need be, carries it out, and says how many rows it touched.
    pub(super) async fn execute(
        &self,
        sql: &'static str,
        values: SqlParams<'_>,
    ) -> Result<u64, PostgresFailure> {
        Ok(match self.prepared(sql).await? {
            PreparedText::Named(named) => self.client.execute(&named, &untyped(values)).await?,
            PreparedText::Unnamed(sql) => self.client.execute_typed(sql, &typed(values)).await?,
        })
    }

    /// Begins a transaction.
    pub(super) async fn begin(&self) -> Result<(), PostgresFailure> {
        self.simple(BEGIN).await
    }

    /// Sends a statement without values.
    pub(super) async fn simple(&self, sql: &str) -> Result<(), PostgresFailure> {
        Ok(self.client.batch_execute(sql).await?)
    }

    /// For what takes the client itself.
    pub(super) const fn client_mut(&mut self) -> &mut Client {
        &mut self.client
    }
}

fn untyped(values: SqlParams<'_>) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| value.as_sql()).collect()
}

fn typed(values: SqlParams<'_>) -> Vec<(&(dyn ToSql + Sync), Type)> {
    let typed = values
        .iter()
        .map(|value| (value.as_sql(), value.param_type()));
    typed.collect()
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for PipelinedConnection {
    fn drop(&mut self) {
        // Dropped, the client says farewell to a server that listens.
        if self.is_broken.load(Ordering::Relaxed) {
            self.driver.abort();
        }
    }
}
