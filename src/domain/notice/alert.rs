//! Security alerts. A verdict writes them in a short form in its transaction. The `alert_dispatcher` worker turns them
//! into notices afterwards, so that the response does not wait.

use crate::{
    method::MethodKind,
    notice::message::{Notice, NoticeKind},
    recovery::FEW_CODES_LEFT,
    value::{
        id::{MethodId, Subject, SubjectTag},
        time::Timestamp,
    },
};

/// An event of a verdict that the user is notified of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecurityAlert {
    /// A recovery code signed in.
    RecoveryCodeUsed {
        /// The number of codes left.
        left: u32,
    },
    /// A bypass code signed in.
    BypassCodeUsed,
    /// A recovery key signed in.
    RecoveryKeyUsed,
    /// A second factor was passed, which canceled the pending reset.
    ResetCanceled,
    /// Too many consecutive failures disabled a method.
    MethodDisabled {
        /// The method.
        method: MethodId,
        /// The kind of the method.
        kind: MethodKind,
    },
    /// A window of wrong codes is full, for the first time since it was empty.
    ManyWrongCodes,
    /// The tenant's mobile app was trusted automatically, as the policy says.
    DeviceTrusted,
}

/// A security alert that is not turned into a notice yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingSecurityAlert {
    /// The position in the store, unique for all alerts.
    pub position: i64,
    /// The turn among all notices to the user.
    pub turn: i64,
    /// The user.
    pub subject: Subject,
    /// The user's pseudonym.
    pub subject_tag: SubjectTag,
    /// The alert.
    pub alert: SecurityAlert,
    /// When the verdict raised it.
    pub at: Timestamp,
}

impl SecurityAlert {
    /// The name in stores.
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

    /// Restores an alert from a store: name, method with its kind, number of recovery codes left.
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

    /// The method that the alert is about.
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

    /// The number of recovery codes left, if the alert is about a recovery code.
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

    /// The notice for the user. `destination` is the masked destination of the alert's method.
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
