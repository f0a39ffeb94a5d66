//! Alerts: what a settlement finds that its user has to hear of. They are written with the settlement, in few words, and
//! become notices a moment later, off the path of the answer.

use crate::{
    method::MethodKind,
    notice::message::{Notice, NoticeKind},
    recovery::FEW_CODES_LEFT,
    value::{
        id::{MethodId, Subject, SubjectTag},
        time::Timestamp,
    },
};

/// What a settlement found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecurityAlert {
    /// A recovery code signed in.
    RecoveryCodeUsed {
        /// How many are unused after it.
        left: u32,
    },
    /// A bypass code signed in.
    BypassCodeUsed,
    /// A recovery key signed in.
    RecoveryKeyUsed,
    /// A second factor was passed, and a reset that was pending is canceled.
    ResetCanceled,
    /// Too many consecutive failures disabled a method.
    MethodDisabled {
        /// Which.
        method: MethodId,
        /// Its kind.
        kind: MethodKind,
    },
    /// A window of wrong codes is full, for the first time since it was empty.
    ManyWrongCodes,
    /// The company's app was trusted without being asked for, as its policy wants it.
    DeviceTrusted,
}

/// An alert that waits to be announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingSecurityAlert {
    /// Its number in the store; never given twice.
    pub position: i64,
    /// Where it stands among all that the user is told.
    pub turn: i64,
    /// Whose.
    pub subject: Subject,
    /// Their pseudonym.
    pub subject: SubjectTag,
    /// What was found.
    pub alert: SecurityAlert,
    /// When.
    pub at: Timestamp,
}

impl SecurityAlert {
    /// Its name in stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RecoveryCodeUsed { .. } => "RECOVERY_CODE_USED",
            Self::BypassCodeUsed => "BYPASS_CODE_USED",
            Self::RecoveryKeyUsed => "RECOVERY_KEY_USED",
            Self::ResetCanceled => "RESET_CANCELED",
            Self::MethodDisabled { .. } => "METHOD_DISABLED",
            Self::ManyWrongCodes => "MANY_WRONG_CODES",
            Self::DeviceTrusted => "DEVICE_TRUSTED",
        }
    }

    /// The alert as a store keeps it: a name, a method and its kind, how many recovery codes are left.
    #[must_use]
    pub fn from_stored(
        name: &str,
        method: Option<(MethodId, MethodKind)>,
        left: Option<u32>,
    ) -> Option<Self> {
        match (name, method, left) {
            ("RECOVERY_CODE_USED", None, Some(left)) => Some(Self::RecoveryCodeUsed { left }),
            ("METHOD_DISABLED", Some((method, kind)), None) => {
                Some(Self::MethodDisabled { method, kind })
            }
            ("BYPASS_CODE_USED", None, None) => Some(Self::BypassCodeUsed),
            ("RECOVERY_KEY_USED", None, None) => Some(Self::RecoveryKeyUsed),
            ("RESET_CANCELED", None, None) => Some(Self::ResetCanceled),
            ("MANY_WRONG_CODES", None, None) => Some(Self::ManyWrongCodes),
            ("DEVICE_TRUSTED", None, None) => Some(Self::DeviceTrusted),
            _ => None,
        }
    }

    /// The method that it is about.
    #[must_use]
    pub const fn method(self) -> Option<(MethodId, MethodKind)> {
        match self {
            Self::MethodDisabled { method, kind } => Some((method, kind)),
            Self::RecoveryCodeUsed { .. }
            | Self::RecoveryKeyUsed
            | Self::ResetCanceled
            | Self::BypassCodeUsed
            | Self::ManyWrongCodes
            | Self::DeviceTrusted => None,
        }
    }

    /// How many recovery codes are left, where that is the news.
    #[must_use]
    pub const fn codes_left(self) -> Option<u32> {
        match self {
            Self::RecoveryCodeUsed { left } => Some(left),
            Self::BypassCodeUsed
            | Self::RecoveryKeyUsed
            | Self::ResetCanceled
            | Self::MethodDisabled { .. }
            | Self::ManyWrongCodes
            | Self::DeviceTrusted => None,
        }
    }

    /// What people are told of it; `destination` is that of its method, masked.
    #[must_use]
    pub fn notice(self, destination: Option<String>, at: Timestamp) -> Notice {
        match self {
            Self::RecoveryCodeUsed { left } => Notice {
                codes_left: Some(left),
                ..Notice::of(code_used(left), at)
            },
            Self::BypassCodeUsed => Notice::of(NoticeKind::BypassCodeUsed, at),
            Self::RecoveryKeyUsed => Notice::of(NoticeKind::RecoveryKeyUsed, at),
            Self::ResetCanceled => Notice::of(NoticeKind::ResetCanceled, at),
            Self::MethodDisabled { kind, .. } => {
                Notice::of_method(NoticeKind::MethodDisabled, kind, destination, at)
            }
            Self::ManyWrongCodes => Notice::of(NoticeKind::ManyWrongCodes, at),
            Self::DeviceTrusted => Notice::of(NoticeKind::DeviceTrusted, at),
        }
    }
}

const fn code_used(left: u32) -> NoticeKind {
    match left {
        0 => NoticeKind::RecoveryCodesExhausted,
        1..=FEW_CODES_LEFT => NoticeKind::RecoveryCodesLow,
        _ => NoticeKind::RecoveryCodeUsed,
    }
}

#[cfg(test)]
mod tests;
