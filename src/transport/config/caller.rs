//! `[caller]`: the one caller of a process with one service.

use crate::callers::{CallerRegistry, CallerTokenHash};
use countersign_domain::authorization::caller::{Caller, CallerName, TenantScope};
use data_encoding::HEXLOWER_PERMISSIVE;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, sync::Arc};

/// Who may call.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CallerTokensConfig {
    /// SHA-256 of the bearer token that Countersign sends, in hexadecimal; `countersign notifier token`, or `countersign identity token`, makes both. Two while one is being replaced.
    pub token_sha256: Vec<String>,
}

impl CallerTokensConfig {
    /// Countersign, by its tokens. It only calls, and is asked for no right: there is one service.
    #[must_use]
    pub fn registry(&self) -> Arc<CallerRegistry> {
        let caller = Arc::new(Caller {
            name: CallerName::new("countersign"),
            rights: Vec::new(),
            audiences: Vec::new(),
            tenants: TenantScope::All,
        });
        let hashes = self.token_sha256.iter();
        let by_token: HashMap<_, _> = hashes
            .filter_map(|text| token_hash(text))
            .map(|hash| (hash, Arc::clone(&caller)))
            .collect();
        Arc::new(CallerRegistry::ByToken(by_token))
    }
}

/// The hash of a token, if it is one.
pub(super) fn token_hash(text: &str) -> Option<CallerTokenHash> {
    let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?;
    bytes.try_into().ok()
}
