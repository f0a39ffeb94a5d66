//! `[postgres]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Durable memory.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PostgresConfig {
    /// `postgres://user:password@host/database?sslmode=verify-full&sslrootcert=/path/ca.pem`. Where absent, an SQLite file in `data_dir` is used, which only one process can.
    pub url: Option<String>,
    /// File with the value of `url`, in one line; set either.
    pub url_file: Option<PathBuf>,
    /// `transaction` if `url` leads to a pooler in transaction mode, such as PgBouncer: nothing is prepared, and timeouts come from the role, as `countersign grants` prints them. `none` otherwise.
    pub pooler: PoolerMode,
    /// How many connections this process opens at most, of all kinds together: 2 for verdicts, 2 for reads of single users, 2 for lists and maintenance, the rest for changes. At least 8. `countersign migrate` opens 2 of its own.
    pub max_connections: u32,
    /// How long a statement may take, in milliseconds.
    pub statement_timeout_ms: u64,
}

impl PostgresConfig {
    /// The fewest connections that a process can do with.
    pub const MIN_CONNECTIONS: u32 = 8;
}

/// What stands between a process and PostgreSQL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PoolerMode {
    /// Nothing, or a pooler in session mode.
    #[default]
    None,
    /// A pooler in transaction mode.
    Transaction,
}

impl Default for PostgresConfig {
    fn default() -> Self {
        Self {
            url: None,
            url_file: None,
            pooler: PoolerMode::None,
            max_connections: 16,
            statement_timeout_ms: 5000,
        }
    }
}
