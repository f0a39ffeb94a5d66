//! `[[callers]]`.

use countersign_domain::authorization::caller::{
    Audience, Caller, CallerName, CallerRight, TenantScope,
};
use countersign_transport::callers::CallerTokenHash;
use data_encoding::HEXLOWER_PERMISSIVE;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, sync::Arc};

/// An internal service that may call.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallerConfig {
    /// Its name: in audit records, and on what belongs to it. 1 to 64 characters of `A–Z a–z 0–9 . _ -`.
    pub name: String,
    /// SHA-256 of its bearer token, in hexadecimal.
    pub token_sha256: String,
    /// What it may call: names of services, and `attest`.
    pub rights: Vec<String>,
    /// Relying services that it may ask assertions for; with the right `ChallengeService` it needs one at least.
    #[serde(default)]
    pub audiences: Vec<String>,
    /// Tenants that it may act for; `*` means all.
    pub tenants: Vec<String>,
}

/// A caller that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidCaller {
    /// The name has another form.
    #[error("callers: the name `{0}` is not 1 to 64 characters of A–Z a–z 0–9 . _ -")]
    Name(String),
    /// Two have one name or one token.
    #[error("callers: `{0}` has the name or the token of another caller; both are unique")]
    Twice(String),
    /// The hash has another form.
    #[error(
        "callers: token_sha256 of `{0}` is not 64 hexadecimal characters; `countersign callers add` makes it"
    )]
    Hash(String),
    /// A right that does not exist.
    #[error("callers: `{0}` has the right `{1}`, which does not exist; there are {all}", all = right_names())]
    Right(String, String),
    /// It may do nothing.
    #[error("callers: `{0}` has no rights; name at least one of {all}", all = right_names())]
    NoRights(String),
    /// It may act for nobody.
    #[error("callers: `{0}` has no tenants; name them, or `*` for all")]
    NoTenants(String),
}

impl CallerConfig {
    /// The caller, and the hash of its token.
    ///
    /// # Errors
    /// Tells what is wrong with it.
    pub fn caller(&self) -> Result<(CallerTokenHash, Caller), InvalidCaller> {
        let name = || self.name.clone();
        let valid_name = (1..=64).contains(&self.name.len())
            && self
                .name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        if !valid_name {
            return Err(InvalidCaller::Name(name()));
        }
        let hash = HEXLOWER_PERMISSIVE
            .decode(self.token_sha256.as_bytes())
            .ok();
        let hash = hash.and_then(|bytes| bytes.try_into().ok());
        let right = |text: &String| {
            CallerRight::named(text).ok_or_else(|| InvalidCaller::Right(name(), text.clone()))
        };
        let rights: Vec<CallerRight> = self.rights.iter().map(right).collect::<Result<_, _>>()?;
        if rights.is_empty() {
            return Err(InvalidCaller::NoRights(name()));
        }
        if self.tenants.is_empty() {
            return Err(InvalidCaller::NoTenants(name()));
        }
        let all = self.tenants.iter().any(|tenant| tenant == "*");
        let caller = Caller {
            name: CallerName::new(&self.name),
            rights,
            audiences: self
                .audiences
                .iter()
                .map(|audience| Audience::new(audience))
                .collect(),
            tenants: if all {
                TenantScope::All
            } else {
                TenantScope::Only(self.tenants.clone())
            },
        };
        Ok((hash.ok_or_else(|| InvalidCaller::Hash(name()))?, caller))
    }
}

/// All callers, by the hash of their token.
///
/// # Errors
/// Tells what is wrong with which.
pub fn by_token(
    configured: &[CallerConfig],
) -> Result<HashMap<CallerTokenHash, Arc<Caller>>, InvalidCaller> {
    let mut callers: HashMap<CallerTokenHash, Arc<Caller>> = HashMap::new();
    for config in configured {
        let (hash, caller) = config.caller()?;
        let twice = callers.values().any(|other| other.name == caller.name);
        if twice || callers.insert(hash, Arc::new(caller)).is_some() {
            return Err(InvalidCaller::Twice(config.name.clone()));
        }
    }
    Ok(callers)
}

/// What an operator should know of a caller that could sign nobody in.
#[must_use]
pub fn without_audience(caller: &Caller) -> Option<String> {
    let name = caller.name.as_str();
    caller.lacks_audience().then(|| {
        format!(
            "callers: `{name}` has the right {} and no audiences, so that it can sign nobody in: list the relying services \
             that take its assertions in `audiences`",
            CallerRight::ChallengeService
        )
    })
}

fn right_names() -> String {
    CallerRight::ALL.map(CallerRight::as_str).join(", ")
}
