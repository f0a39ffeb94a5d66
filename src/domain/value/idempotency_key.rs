//! The key by which a repeated call is recognized (AIP-155). It holds digests and no answer.

use serde::{Deserialize, Serialize};

/// Keyed digests of a call that carried a request id. They are stored beside the result of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdempotencyKey {
    /// Digest of caller, RPC, user and request id: equal for each repeat of the call.
    pub key_digest: [u8; 16],
    /// Digest that also covers the payload: equal only if the payload is equal, too.
    pub request_fingerprint: [u8; 16],
}
