//! What makes a repeated call harmless (AIP-155): marks, never answers.

use serde::{Deserialize, Serialize};

/// Keyed digests of a call that carried a request id. They stand beside what the call made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdempotencyKey {
    /// Of caller, RPC, user and request id: the same for a repeat.
    pub key_digest: [u8; 16],
    /// Of the whole payload: the same for an honest repeat.
    pub request_fingerprint: [u8; 16],
}
