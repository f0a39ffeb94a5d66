//! What both durable stores share: changes as statements, rows as JSON. Every text here is understood by PostgreSQL and
//! by SQLite; what differs lies beside the store.

pub(super) mod devices;
pub(super) mod directory;
pub(super) mod outbox;
pub(super) mod policies;
pub(super) mod queries;
mod recovery;
mod reverts;
pub(super) mod rows;
pub(super) mod settlements;
pub(super) mod statements;

use crate::ports::{Committed, Unavailable};
use countersign_domain::{id::Id, time::Timestamp};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use std::{borrow::Cow, time::Duration};

/// When to try again with a store that did not answer.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A statement with its values, and what it means if it does not write what it should.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    pub(super) sql: &'static str,
    pub(super) values: Vec<Value>,
    pub(super) on_miss: Option<Committed>,
}

/// A value for a statement. Absence has a type, because PostgreSQL asks for it.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(Option<String>),
    Number(Option<i64>),
    Bytes(Option<Vec<u8>>),
}

impl Statement {
    /// A statement that may write any number of rows.
    pub(super) fn new(sql: &'static str, values: impl Into<Vec<Value>>) -> Self {
        Self {
            sql,
            values: values.into(),
            on_miss: None,
        }
    }

    /// If it writes no row, the change is refused with that.
    pub(super) fn or(self, miss: Committed) -> Self {
        Self {
            on_miss: Some(miss),
            ..self
        }
    }

    /// What it means that it wrote so many rows, if that is too few.
    pub(super) fn missed(&self, written: u64) -> Option<Committed> {
        self.on_miss.filter(|_| written == 0)
    }
}

/// A migrator of texts that are part of the program.
pub(super) fn migrator(texts: &'static [(&str, &str)]) -> Migrator {
    let migrations = (1_i64..).zip(texts).map(|(version, (description, sql))| {
        let sql = sqlx::SqlStr::from_static(sql);
        Migration::new(
            version,
            Cow::Borrowed(*description),
            MigrationType::Simple,
            sql,
            false,
        )
    });
    Migrator::with_migrations(migrations.collect())
}

/// A store that can't prove what is needed.
pub(super) fn unavailable(
    store: &'static str,
    cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Unavailable {
    Unavailable {
        store,
        cause: cause.into(),
        retry_after: RETRY_AFTER,
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(Some(number))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(Some(i64::from(number)))
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Number(Some(i64::from(flag)))
    }
}

impl From<Timestamp> for Value {
    fn from(at: Timestamp) -> Self {
        Self::Number(Some(at.millis()))
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(Some(bytes.to_vec()))
    }
}

impl<const N: usize> From<&[u8; N]> for Value {
    fn from(bytes: &[u8; N]) -> Self {
        Self::Bytes(Some(bytes.to_vec()))
    }
}

impl From<Option<Vec<u8>>> for Value {
    fn from(bytes: Option<Vec<u8>>) -> Self {
        Self::Bytes(bytes)
    }
}

impl<Of> From<Id<Of>> for Value {
    fn from(id: Id<Of>) -> Self {
        Self::Bytes(Some(id.as_bytes().to_vec()))
    }
}

impl<Of> From<Option<Id<Of>>> for Value {
    fn from(id: Option<Id<Of>>) -> Self {
        Self::Bytes(id.map(|id| id.as_bytes().to_vec()))
    }
}
