//! Why something in PostgreSQL was not done, and what to do about it.

use super::{settings::NAME, tls};
use crate::{ports::StoreUnavailable, store::record::unavailable};
use std::io;
use tokio::time::error::Elapsed;
use tokio_postgres::{Error, error::SqlState};

const GRANTS_ADVICE: &str = "run what `countersign grants` prints as an administrator of the database, also after each \
    `countersign migrate`";

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum PostgresFailure {
    #[error("{}", ExplainedError(.0))]
    Database(#[from] Error),
    #[error("the server did not answer in time")]
    Silent,
    #[error("no connection became free in time")]
    Busy,
    #[error("the row is locked by another process that does not let go of it")]
    Contended,
    #[error("the connection broke while the outcome was on its way")]
    OutcomeUnknown,
    #[error("the role that serves lacks {0}: {GRANTS_ADVICE}")]
    LacksPrivileges(String),
    /// No host of `postgres.url` gave a connection.
    #[error("{}", listed(.0))]
    Unreachable(Vec<HostFailure>),
    #[error(transparent)]
    Store(#[from] StoreUnavailable),
}

/// Why one host gave no connection.
#[derive(Debug)]
pub(super) struct HostFailure {
    pub(super) address: String,
    pub(super) cause: PostgresFailure,
}

fn listed(failures: &[HostFailure]) -> String {
    let failures = failures.iter();
    let each = failures.map(|HostFailure { address, cause }| format!("{address}: {cause}"));
    each.collect::<Vec<_>>().join("; ")
}

/// An error of the database with what the server said of it, and what to do.
struct ExplainedError<'e>(&'e Error);

impl std::fmt::Display for ExplainedError<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        if let Some(source) = std::error::Error::source(self.0) {
            write!(f, ": {source}")?;
        }
        match advice(self.0) {
            Some(advice) => write!(f, ": {advice}"),
            None => Ok(()),
        }
    }
}

/// What to do about an error, where that is known.
fn advice(error: &Error) -> Option<&'static str> {
    if let Some(cause) = cause::<rustls::Error>(error) {
        return tls::advice(cause);
    }
    let Some(error) = error.as_db_error() else {
        let source = std::error::Error::source(error)?.to_string();
        return (source == "server does not support TLS").then_some(
            "set `ssl = on` in postgresql.conf, or name a server that has it on in postgres.url",
        );
    };
    let message = error.message();
    match *error.code() {
        SqlState::INSUFFICIENT_PRIVILEGE => Some(GRANTS_ADVICE),
        SqlState::READ_ONLY_SQL_TRANSACTION => Some(
            "the server is a standby, or `default_transaction_read_only` is on: name the primary in postgres.url, or all hosts \
             separated by commas; or turn the setting off",
        ),
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION if message.contains("certificate") => Some(
            "name the client's certificate and its key by `sslcert` and `sslkey` in postgres.url",
        ),
        _ if message.contains("unsupported startup parameter") => {
            Some("a pooler is in between: set postgres.pooler = \"transaction\"")
        }
        _ => None,
    }
}

impl From<Elapsed> for PostgresFailure {
    fn from(_: Elapsed) -> Self {
        Self::Silent
    }
}

impl From<PostgresFailure> for StoreUnavailable {
    fn from(failure: PostgresFailure) -> Self {
        match failure {
            PostgresFailure::Store(unavailable) => unavailable,
            failure => unavailable(NAME, failure),
        }
    }
}

impl PostgresFailure {
    /// Whether the connection is lost, or its server is going down or starting up: another one may do better.
    pub(super) fn is_disconnect(&self) -> bool {
        let error = match self {
            Self::Database(error) => error,
            Self::Unreachable(failures) => {
                return failures.iter().all(|failure| failure.cause.is_disconnect());
            }
            _ => return false,
        };
        if let Some(error) = error.as_db_error() {
            let code = error.code();
            return code.code().starts_with("57P")
                || code.code().starts_with("08")
                || *code == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT;
        }
        let io = cause::<io::Error>(error).map(io::Error::kind);
        error.is_closed() || io.is_some_and(|kind| kind != io::ErrorKind::TimedOut)
    }

    /// Whether it is not known what the server did.
    pub(super) fn leaves_outcome_unknown(&self) -> bool {
        matches!(self, Self::Silent) || self.is_disconnect()
    }

    fn code(&self) -> Option<&SqlState> {
        match self {
            Self::Database(error) => error.code(),
            _ => None,
        }
    }

    /// Whether the transaction is undone, and may succeed when it is tried again.
    pub(super) fn may_succeed_on_retry(&self) -> bool {
        let codes = [
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::T_R_SERIALIZATION_FAILURE,
            // What a write raises when it found another row than was locked.
            SqlState::DIVISION_BY_ZERO,
        ];
        self.code().is_some_and(|code| codes.contains(code))
    }

    /// Whether it comes from one value or one row, and not from the server or the connection: other rows can be read.
    pub(super) fn is_limited_to_one_row(&self) -> bool {
        // Data exceptions, errors of files, internal errors such as broken pages.
        let classes = ["22", "58", "XX"];
        let code = self.code().map(SqlState::code);
        code.is_some_and(|code| classes.iter().any(|class| code.starts_with(class)))
    }

    /// The constraint that a duplicate row ran into.
    pub(super) fn duplicate(&self) -> Option<&str> {
        let Self::Database(error) = self else {
            return None;
        };
        let error = error.as_db_error()?;
        (*error.code() == SqlState::UNIQUE_VIOLATION)
            .then(|| error.constraint().unwrap_or_default())
    }
}

/// The cause of this type behind an error.
fn cause<T: std::error::Error + 'static>(error: &Error) -> Option<&T> {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        // What is within an I/O error is not its source.
        let io = error.downcast_ref::<io::Error>();
        let within = io.and_then(io::Error::get_ref);
        if let Some(found) = within.and_then(|within| within.downcast_ref::<T>()) {
            return Some(found);
        }
        cause = error.source();
    }
    None
}
