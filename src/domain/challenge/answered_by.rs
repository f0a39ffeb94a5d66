//! What answered a challenge: a code of a method, or what stands in for one.

use crate::method::{MethodKind, MethodStrength};

/// What answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnsweredBy {
    /// A code of a method.
    Code(MethodKind),
    /// A recovery code.
    RecoveryCode,
    /// The account password, given with the change that it authorizes and with no other.
    Password,
    /// A bypass code.
    BypassCode,
    /// A recovery key.
    RecoveryKey,
}

impl AnsweredBy {
    /// Its name in stores and events.
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

    /// What has that name.
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

    /// Whether it stands in for methods that are lost: it signs in, opens the way to one enrollment, and confers no trust.
    #[must_use]
    pub const fn is_fallback(self) -> bool {
        match self {
            Self::Code(_) | Self::Password => false,
            Self::RecoveryCode | Self::BypassCode | Self::RecoveryKey => true,
        }
    }

    /// How much it proves; nothing can be read off what stands in for a method but the sign-in itself, and off a password not
    /// even that.
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
