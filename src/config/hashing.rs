//! `[hashing]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Slow hashes of recovery codes and bypass codes: argon2id (RFC 9106).
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HashingConfig {
    /// Memory of one hash, in KiB. `serve` refuses less than 7168.
    pub memory_kib: u32,
    /// Passes of one hash. `serve` refuses less than 1.
    pub passes: u32,
    /// How many run at once; more guesses are refused, not queued.
    pub at_once: usize,
}

impl HashingConfig {
    /// What `serve` refuses to go below, and the default. The codes have 80 random bits: `docs/decisions/0070-*.md`.
    pub const FLOOR: Self = Self {
        memory_kib: 7 * 1024,
        passes: 1,
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
