//! `[log]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the process says, on standard error.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// `text` for people, `json` for machines.
    pub format: LogFormat,
    /// What is said: a level (`error`, `warn`, `info`, `debug`, `trace`), or one for each module.
    pub filter: String,
    /// Whether each call is logged when it has ended: RPC, caller, tenant, status, reason, milliseconds and trace id. Calls of
    /// `grpc.*` services, such as health, are logged at `debug`.
    pub access: bool,
}

/// How it is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            filter: "info".to_owned(),
            access: true,
        }
    }
}
