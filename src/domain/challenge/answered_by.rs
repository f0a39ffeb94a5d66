//! How a challenge was answered: with the code of a method, or with a fallback.

use crate::method::{MethodKind, MethodStrength};

/// How a challenge was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnsweredBy {
    /// With the code of a method.
    Code(MethodKind),
    /// With a recovery code.
    RecoveryCode,
    /// With the account password. It authorizes only the change in the same call.
    Password,
    /// With a bypass code.
    BypassCode,
    /// With a recovery key.
    RecoveryKey,
}

impl AnsweredBy {
    /// The name in stores and events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Code(kind) => kind.as_str(),
            Self::RecoveryCode => "RECOVERY_CODE",
            Self::Password => "PASSWORD",
            Self::BypassCode => "BYPASS_CODE",
            Self::RecoveryKey => "RECOVERY_KEY",
        }
    }

    /// Finds a value by its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "RECOVERY_CODE" => Some(Self::RecoveryCode),
            "PASSWORD" => Some(Self::Password),
            "BYPASS_CODE" => Some(Self::BypassCode),
            "RECOVERY_KEY" => Some(Self::RecoveryKey),
            kind => MethodKind::named(kind).map(Self::Code),
        }
    }

    /// Whether it replaces lost methods: it signs in and authorizes one enrollment, but no trust in devices.
    #[must_use]
    pub const fn is_fallback(self) -> bool {
        match self {
            Self::Code(_) | Self::Password => false,
            Self::RecoveryCode | Self::BypassCode | Self::RecoveryKey => true,
        }
    }

    /// Whether it is a recovery code or key.
    #[must_use]
    pub const fn is_recovery(self) -> bool {
        matches!(self, Self::RecoveryCode | Self::RecoveryKey)
    }

    /// Method strength; none for fallback credentials or passwords.
    #[must_use]
    pub const fn strength(self) -> Option<MethodStrength> {
        match self {
            Self::Code(kind) => Some(kind.strength()),
            Self::RecoveryCode | Self::BypassCode | Self::RecoveryKey | Self::Password => None,
        }
    }
}

#[cfg(test)]
mod tests;
