//! `[postgres]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Durable memory.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PostgresConfig {
    /// `postgres://user:password@host/database?sslmode=verify-full&sslrootcert=/path/ca.pem`. Where absent, an SQLite file in `data_dir` is used, which only one process can.
    pub url: Option<String>,
    /// How many connections this process opens at most.
    pub max_connections: u32,
    /// How long a statement may take, in milliseconds.
    pub statement_timeout_ms: u64,
}

impl Default for PostgresConfig {
    fn default() -> Self {
        Self {
            url: None,
            max_connections: 16,
            statement_timeout_ms: 5000,
        }
    }
}
