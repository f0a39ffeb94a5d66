//! `[keys]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The key ring.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KeysConfig {
    /// The key ring, made by `countersign keys new`. `serve` needs one; `dev` makes one in `data_dir`, or one that dies with it.
    pub file: Option<PathBuf>,
}
