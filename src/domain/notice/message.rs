//! The content and destination of messages to users. Their texts are in `src/notify/texts`.

use crate::{
    authorization::action::Transaction,
    challenge::code::Digits,
    method::MethodKind,
    notice::account_label::AccountLabel,
    revert::RevertClaim,
    value::{
        destination::Destination,
        id::{TenantId, UserId},
        text,
        time::Timestamp,
    },
};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// One message, ready for a notifier.
#[derive(Debug)]
pub struct OutboundMessage {
    /// The idempotency key, equal for each delivery attempt: notifiers deliver at most once for each key.
    pub key: String,
    /// The tenant.
    pub tenant: TenantId,
    /// The destination.
    pub destination: Destination,
    /// The user's language.
    pub locale: Option<String>,
    /// The display name of the tenant.
    pub display_name: String,
    /// The account that the message is about.
    pub account: AccountLabel,
    /// The content.
    pub content: MessageContent,
}

/// The content of a message.
#[derive(Debug)]
pub enum MessageContent {
    /// A code.
    Code {
        /// The code.
        code: Digits,
        /// What the code is for.
        purpose: CodePurpose,
        /// The transaction that the user confirms.
        transaction: Option<Transaction>,
        /// When the code was requested.
        asked_at: Timestamp,
        /// The client that requested the code.
        client_description: ClientDescription,
        /// How long the code is valid from now.
        valid_for: Duration,
        /// When the code expires.
        expires_at: Timestamp,
    },
    /// A notice.
    Notice(Notice),
}

/// What a code is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodePurpose {
    /// A sign-in.
    SignIn,
    /// Proof before an action.
    StepUp,
    /// Verification of an e-mail address.
    VerifyEmail,
    /// Confirmation of a new method.
    Enrollment,
    /// Confirmation of a reset.
    Reset,
}

/// A notice of a change or a security alert. It contains nothing that an attacker can choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// What happened.
    pub kind: NoticeKind,
    /// The kind of the changed method.
    pub method: Option<MethodKind>,
    /// The masked destination of the method; `None` for an app.
    pub destination: Option<String>,
    /// The number of recovery codes left, if the notice is about a recovery code.
    pub codes_left: Option<u32>,
    /// When it happened.
    pub at: Timestamp,
    /// Details of a started reset. Only e-mails show them.
    pub reset: Option<ResetNoticeDetails>,
    /// The token that reverts the change; `None` if nothing can be reverted.
    pub disclaimer: Option<RevertClaim>,
}

/// Details of a started reset for its notice.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetNoticeDetails {
    /// The user.
    pub user: UserId,
    /// When the waiting period ends.
    pub due_at: Timestamp,
    /// The token that cancels the reset.
    pub cancel_token: String,
}

impl fmt::Debug for ResetNoticeDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResetNoticeDetails([redacted])")
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum NoticeKind {
    /// A method was added.
    MethodAdded,
    /// A method was removed.
    MethodRemoved,
    /// A method was replaced.
    MethodReplaced,
    /// The default method was changed.
    DefaultChanged,
    /// Too many wrong codes disabled a method.
    MethodDisabled,
    /// Two-factor was turned off.
    TwoFactorDisabled,
    /// New recovery codes were generated.
    RecoveryCodesGenerated,
    /// A recovery code signed in.
    RecoveryCodeUsed,
    /// A recovery code signed in, and few are left.
    RecoveryCodesLow,
    /// The last recovery code signed in.
    RecoveryCodesExhausted,
    /// A device was trusted.
    DeviceTrusted,
    /// A reset was requested without a sign-in.
    ResetStarted,
    /// The reset was canceled.
    ResetCanceled,
    /// The reset was confirmed.
    ResetDone,
    /// The user's e-mail address or phone number was changed.
    AddressChanged,
    /// Many wrong codes were submitted.
    ManyWrongCodes,
    /// An administrator issued a bypass code.
    BypassCodeIssued,
    /// A bypass code signed in.
    BypassCodeUsed,
    /// A change was reverted with the token of its notice.
    ChangeReverted,
    /// A recovery key signed in.
    RecoveryKeyUsed,
    /// A device was reported as somebody else's and removed.
    DeviceDisowned,
    /// A used token of a trusted device was presented again, and the device was removed.
    DeviceTokenReused,
}

/// The client that requested a code, as the message describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientDescription {
    /// Its place; `None` if unknown.
    pub place: Option<String>,
    /// The name of its device; `None` if unknown.
    pub device: Option<String>,
}

impl ClientDescription {
    /// The most bytes of each part.
    const MAX_PART_LENGTH: usize = 64;

    /// Takes the description that the caller gave. A part that must not be shown is unknown (A33), and a long one is
    /// cut.
    #[must_use]
    pub fn new(place: &str, device_name: &str) -> Self {
        let part = |text: &str| {
            let line = text::plain_line_without_link(text.trim(), usize::MAX).ok()?;
            let cut = text::cut(line, Self::MAX_PART_LENGTH);
            let cut = cut.trim_end_matches(|end: char| end.is_whitespace() || text::is_joiner(end));
            (!cut.is_empty()).then(|| cut.to_owned())
        };
        Self {
            place: part(place),
            device: part(device_name),
        }
    }
}

/// A notice to deliver, as it is sealed in the outbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OutboundNotice {
    /// The tenant.
    pub tenant: TenantId,
    /// The destination.
    pub destination: Destination,
    /// The user's language.
    pub locale: Option<String>,
    /// The account that the notice is about.
    pub account: AccountLabel,
    /// The notice.
    pub notice: Notice,
}

/// The delivery status of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeliveryStatus {
    /// A notifier accepted it.
    HandedOver,
    /// No notifier accepted it.
    Failed,
    /// A notifier did not answer in time. The message may be delivered.
    Unknown,
}

/// The result of a call to notifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryResult {
    /// A notifier accepted the message.
    Taken,
    /// The message is undeliverable. It is not retried.
    Refused,
    /// No notifier accepted the message.
    NotTaken,
    /// A notifier did not answer in time. The message may be delivered.
    Unanswered,
}

impl DeliveryResult {
    /// The delivery status: a refused message has failed, like one that no notifier accepted.
    #[must_use]
    pub const fn delivery(self) -> DeliveryStatus {
        match self {
            Self::Taken => DeliveryStatus::HandedOver,
            Self::Refused | Self::NotTaken => DeliveryStatus::Failed,
            Self::Unanswered => DeliveryStatus::Unknown,
        }
    }
}

impl CodePurpose {
    /// All purposes.
    pub const ALL: [Self; 5] = [
        Self::SignIn,
        Self::StepUp,
        Self::VerifyEmail,
        Self::Enrollment,
        Self::Reset,
    ];
}

impl NoticeKind {
    /// All kinds.
    pub const ALL: [Self; 22] = [
        Self::MethodAdded,
        Self::MethodRemoved,
        Self::MethodReplaced,
        Self::DefaultChanged,
        Self::MethodDisabled,
        Self::TwoFactorDisabled,
        Self::RecoveryCodesGenerated,
        Self::RecoveryCodeUsed,
        Self::RecoveryCodesLow,
        Self::RecoveryCodesExhausted,
        Self::DeviceTrusted,
        Self::ResetStarted,
        Self::ResetCanceled,
        Self::ResetDone,
        Self::AddressChanged,
        Self::ManyWrongCodes,
        Self::BypassCodeIssued,
        Self::BypassCodeUsed,
        Self::ChangeReverted,
        Self::RecoveryKeyUsed,
        Self::DeviceDisowned,
        Self::DeviceTokenReused,
    ];

    /// The name in lists.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MethodAdded => "METHOD_ADDED",
            Self::MethodRemoved => "METHOD_REMOVED",
            Self::MethodReplaced => "METHOD_REPLACED",
            Self::DefaultChanged => "DEFAULT_CHANGED",
            Self::MethodDisabled => "METHOD_DISABLED",
            Self::TwoFactorDisabled => "TWO_FACTOR_DISABLED",
            Self::RecoveryCodesGenerated => "RECOVERY_CODES_GENERATED",
            Self::RecoveryCodeUsed => "RECOVERY_CODE_USED",
            Self::RecoveryCodesLow => "RECOVERY_CODES_LOW",
            Self::RecoveryCodesExhausted => "RECOVERY_CODES_EXHAUSTED",
            Self::DeviceTrusted => "DEVICE_TRUSTED",
            Self::ResetStarted => "RESET_STARTED",
            Self::ResetCanceled => "RESET_CANCELED",
            Self::ResetDone => "RESET_DONE",
            Self::AddressChanged => "ADDRESS_CHANGED",
            Self::ManyWrongCodes => "MANY_WRONG_CODES",
            Self::BypassCodeIssued => "BYPASS_CODE_ISSUED",
            Self::BypassCodeUsed => "BYPASS_CODE_USED",
            Self::ChangeReverted => "CHANGE_REVERTED",
            Self::RecoveryKeyUsed => "RECOVERY_KEY_USED",
            Self::DeviceDisowned => "DEVICE_DISOWNED",
            Self::DeviceTokenReused => "DEVICE_TOKEN_REUSED",
        }
    }

    /// Whether the notice confirms a change that the user made with a proof. A policy may turn such notices off. All
    /// others report what somebody else may have done.
    #[must_use]
    pub const fn is_change_notice(self) -> bool {
        match self {
            Self::MethodAdded
            | Self::MethodRemoved
            | Self::MethodReplaced
            | Self::DefaultChanged
            | Self::TwoFactorDisabled
            | Self::RecoveryCodesGenerated
            | Self::DeviceTrusted => true,
            Self::MethodDisabled
            | Self::RecoveryCodeUsed
            | Self::RecoveryCodesLow
            | Self::RecoveryCodesExhausted
            | Self::ResetStarted
            | Self::ResetCanceled
            | Self::ResetDone
            | Self::AddressChanged
            | Self::ManyWrongCodes
            | Self::BypassCodeIssued
            | Self::BypassCodeUsed
            | Self::ChangeReverted
            | Self::RecoveryKeyUsed
            | Self::DeviceDisowned
            | Self::DeviceTokenReused => false,
        }
    }
}

impl Notice {
    /// A notice that is about no method.
    #[must_use]
    pub const fn of(kind: NoticeKind, at: Timestamp) -> Self {
        Self {
            kind,
            method: None,
            destination: None,
            codes_left: None,
            at,
            reset: None,
            disclaimer: None,
        }
    }

    /// A notice about a method.
    #[must_use]
    pub const fn of_method(
        kind: NoticeKind,
        method: MethodKind,
        destination: Option<String>,
        at: Timestamp,
    ) -> Self {
        Self {
            kind,
            method: Some(method),
            destination,
            codes_left: None,
            at,
            reset: None,
            disclaimer: None,
        }
    }
}

#[cfg(test)]
mod tests;
