//! Callers: the internal services that ask us, and what each may do.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The name of a caller, as configured.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CallerName(String);

/// An internal service that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Its name. Challenges and approvals belong to it.
    pub name: CallerName,
    /// What it may call.
    pub rights: Vec<CallerRight>,
    /// Whom it may ask assertions for.
    pub audiences: Vec<Audience>,
    /// Whom it may act for.
    pub tenants: TenantScope,
}

/// A right: one for each service, and one to vouch for a first factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CallerRight {
    /// `ChallengeService`.
    ChallengeService,
    /// `MethodService`.
    MethodService,
    /// `RecoveryService`.
    RecoveryService,
    /// `DeviceService`.
    DeviceService,
    /// `UserService`.
    UserService,
    /// `PolicyService`.
    PolicyService,
    /// `KeyService`.
    KeyService,
    /// Its attestations of a fresh first factor count.
    Attest,
}

/// For which tenants a caller may act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TenantScope {
    /// For all: a service provider.
    All,
    /// For these.
    Only(Vec<String>),
}

/// Why a caller can't be given an assertion for an audience.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AudienceError {
    /// It has none at all.
    #[error(
        "this caller has no audiences, so that it can sign nobody in: list the relying services in its `audiences`, in the \
         configuration of the service"
    )]
    NoneConfigured,
    /// It has several, and named none.
    #[error("this caller has several audiences: name the one that is meant in `audience`")]
    NoneNamed,
    /// It named one that it does not have.
    #[error(
        "the audience is not in this caller's list: name one that is, or add it to the caller's `audiences`, in the \
         configuration of the service"
    )]
    NotListed,
}

/// A relying service, named in the assertion's `aud`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Audience(String);

impl CallerName {
    /// Takes a configured name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Audience {
    /// Takes a name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl CallerRight {
    /// All rights.
    pub const ALL: [Self; 8] = [
        Self::ChallengeService,
        Self::MethodService,
        Self::RecoveryService,
        Self::DeviceService,
        Self::UserService,
        Self::PolicyService,
        Self::KeyService,
        Self::Attest,
    ];

    /// Its name in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChallengeService => "ChallengeService",
            Self::MethodService => "MethodService",
            Self::RecoveryService => "RecoveryService",
            Self::DeviceService => "DeviceService",
            Self::UserService => "UserService",
            Self::PolicyService => "PolicyService",
            Self::KeyService => "KeyService",
            Self::Attest => "attest",
        }
    }

    /// The right with that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|right| right.as_str() == name)
    }
}

impl Caller {
    /// Whether it has a right.
    #[must_use]
    pub fn may(&self, right: CallerRight) -> bool {
        self.rights.contains(&right)
    }

    /// The audience it means: the one it names, if it is its own, or its only one where it names none.
    ///
    /// # Errors
    /// [`AudienceError`].
    pub fn audience(&self, named: &str) -> Result<&Audience, AudienceError> {
        match (named, self.audiences.as_slice()) {
            (_, []) => Err(AudienceError::NoneConfigured),
            ("", [only]) => Ok(only),
            ("", _) => Err(AudienceError::NoneNamed),
            (named, all) => {
                let mut all = all.iter();
                let own = all.find(|audience| audience.as_str() == named);
                own.ok_or(AudienceError::NotListed)
            }
        }
    }

    /// Whether it may ask for sign-ins, and would be given none.
    #[must_use]
    pub fn lacks_audience(&self) -> bool {
        self.may(CallerRight::ChallengeService) && self.audiences.is_empty()
    }
}

impl TenantScope {
    /// Whether a tenant is among them.
    #[must_use]
    pub fn include(&self, tenant: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.iter().any(|name| name == tenant),
        }
    }
}

impl fmt::Display for CallerRight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests;
