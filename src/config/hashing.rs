//! `[hashing]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Slow hashes of recovery codes: argon2id (RFC 9106).
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HashingConfig {
    /// Memory of one hash, in KiB. `serve` refuses less than 19456.
    pub memory_kib: u32,
    /// Passes of one hash. `serve` refuses less than 2.
    pub passes: u32,
    /// How many run at once; more guesses are refused, not queued.
    pub at_once: usize,
}

impl HashingConfig {
    /// What `serve` refuses to go below.
    pub const FLOOR: Self = Self {
        memory_kib: 19 * 1024,
        passes: 2,
        at_once: 1,
    };
}

impl Default for HashingConfig {
    fn default() -> Self {
        Self {
            at_once: 4,
            ..Self::FLOOR
        }
    }
}
