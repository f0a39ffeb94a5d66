//! Callers: the internal services that may call, and their rights.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The name of a caller in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CallerName(String);

/// A configured internal service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The name. Challenges and approvals belong to the caller of this name.
    pub name: CallerName,
    /// The rights.
    pub rights: Vec<CallerRight>,
    /// The relying services for which it may request assertions.
    pub audiences: Vec<Audience>,
    /// The tenants for which it may act.
    pub tenants: TenantScope,
}

/// A right: one for each service, and one for attestations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CallerRight {
    /// To call `ChallengeService`.
    ChallengeService,
    /// To call `MethodService`.
    MethodService,
    /// To call `RecoveryService`.
    RecoveryService,
    /// To call `DeviceService`.
    DeviceService,
    /// To call `UserService`.
    UserService,
    /// To call `PolicyService`.
    PolicyService,
    /// To call `KeyService`.
    KeyService,
    /// To attest a recent first factor.
    Attest,
}

/// The tenants for which a caller may act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TenantScope {
    /// All tenants, for a service provider.
    All,
    /// These tenants.
    Only(Vec<String>),
}

/// Why a caller gets no assertion for an audience.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AudienceError {
    /// The caller has no audience.
    #[error(
        "the caller has no audiences, so it can't sign users in: list the relying services in its `audiences` in the \
         configuration of the service"
    )]
    NoneConfigured,
    /// The caller has several audiences, and the request names none.
    #[error("the caller has several audiences: set `audience` to one of them")]
    NoneNamed,
    /// The request names an audience that is not the caller's.
    #[error(
        "the audience is not one of the caller's: set `audience` to one that its `audiences` lists, or add it there in \
         the configuration of the service"
    )]
    NotListed,
}

/// A relying service, named in the assertion's `aud`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Audience(String);

impl CallerName {
    /// Wraps a configured name.
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
    /// Wraps a name.
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

    /// The name in the configuration.
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

    /// Finds a right by its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|right| right.as_str() == name)
    }
}

impl Caller {
    /// Whether the caller has a right.
    #[must_use]
    pub fn may(&self, right: CallerRight) -> bool {
        self.rights.contains(&right)
    }

    /// The audience that the request names; without one, the caller's only audience.
    ///
    /// # Errors
    /// [`AudienceError`] says what is wrong.
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

    /// Whether the caller may start sign-ins, but can't get an assertion.
    #[must_use]
    pub fn lacks_audience(&self) -> bool {
        self.may(CallerRight::ChallengeService) && self.audiences.is_empty()
    }
}

impl TenantScope {
    /// Whether the scope includes a tenant.
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
