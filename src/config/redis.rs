//! `[redis]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Short-lived memory.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RedisConfig {
    /// `rediss://user:password@host:6379`. Where empty, challenges and budgets are kept in this process, which only one process can. More than one address means Redis Cluster.
    pub urls: Vec<String>,
    /// File with the value of `urls`: addresses in one line, separated by commas; set either.
    pub urls_file: Option<PathBuf>,
    /// Treat a single address as a node of Redis Cluster.
    pub cluster: bool,
    /// How long a script may take, in milliseconds.
    pub timeout_ms: u64,
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self {
            urls: Vec::new(),
            urls_file: None,
            cluster: false,
            timeout_ms: 2000,
        }
    }
}
