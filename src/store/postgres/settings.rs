//! How PostgreSQL is reached.

use std::time::Duration;

/// The name of this store in errors.
pub(super) const NAME: &str = "PostgreSQL";

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
    /// How many connections there are at most; never fewer than [`MIN_CONNECTIONS`](super::MIN_CONNECTIONS).
    pub max_connections: u32,
    /// How long a statement may take.
    pub statement_timeout: Duration,
}
