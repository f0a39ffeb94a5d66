//! `[identity]`.

use crate::config::{EndpointConfig, notifiers::endpoints};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Who knows the passwords of accounts. Where nobody does, an account password is no proof.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IdentityConfig {
    /// The services that know them.
    #[serde(deserialize_with = "endpoints")]
    pub endpoints: Vec<EndpointConfig>,
    /// File with the bearer token for those that name none of their own.
    pub token_file: Option<PathBuf>,
    /// How long a password may take, in milliseconds; those that are tried share it.
    pub deadline_ms: u64,
    /// How many passwords may be on their way at once; more fail at once, so that a hanging service holds up nothing else.
    pub max_in_flight: usize,
    /// After how many failures, one after the other, a service is passed over.
    pub breaker_failures: u32,
    /// For how long it is passed over, in milliseconds, before one password is tried with it again.
    pub breaker_wait_ms: u64,
}

impl Default for IdentityConfig {
    fn default() -> Self {
        Self {
            endpoints: Vec::new(),
            token_file: None,
            deadline_ms: 3000,
            max_in_flight: 64,
            breaker_failures: 5,
            breaker_wait_ms: 10_000,
        }
    }
}

impl IdentityConfig {
    /// The services in the order in which they are tried.
    #[must_use]
    pub fn in_order(&self) -> Vec<&EndpointConfig> {
        let mut endpoints: Vec<&EndpointConfig> = self.endpoints.iter().collect();
        endpoints.sort_by_key(|endpoint| endpoint.priority);
        endpoints
    }

    /// What must not be 0.
    pub(super) fn bounds(&self) -> [(&'static str, u64); 4] {
        [
            ("identity.deadline_ms", self.deadline_ms),
            (
                "identity.max_in_flight",
                u64::try_from(self.max_in_flight).unwrap_or(u64::MAX),
            ),
            (
                "identity.breaker_failures",
                u64::from(self.breaker_failures),
            ),
            ("identity.breaker_wait_ms", self.breaker_wait_ms),
        ]
    }
}
