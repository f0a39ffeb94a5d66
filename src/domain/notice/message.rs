//! Messages to people: what they tell, and where they go. The words are those of a language, and not found here.

use crate::{
    authorization::action::Transaction,
    challenge::code::Digits,
    method::MethodKind,
    revert::RevertClaim,
    value::{
        destination::Destination,
        id::{TenantId, UserId},
        malformed::InvalidField,
        text,
        time::Timestamp,
    },
};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// One message, ready for a notifier.
#[derive(Debug)]
pub struct OutboundMessage {
    /// The same for every try: notifiers deliver at most once per key.
    pub key: String,
    /// The company.
    pub tenant: TenantId,
    /// Where it goes.
    pub destination: Destination,
    /// The person's language.
    pub locale: Option<String>,
    /// The company's name, to sign with.
    pub display_name: String,
    /// What it says.
    pub content: MessageContent,
}

/// What a message says.
#[derive(Debug)]
pub enum MessageContent {
    /// A code to type.
    Code {
        /// The code.
        code: Digits,
        /// What it is for.
        purpose: CodePurpose,
        /// What the person is about to confirm.
        transaction: Option<Transaction>,
        /// When it was asked for.
        asked_at: Timestamp,
        /// By whom, as far as the caller knows.
        client_description: ClientDescription,
        /// How long it is good from now.
        valid_for: Duration,
        /// When it ends.
        expires_at: Timestamp,
    },
    /// News of a change.
    Notice(Notice),
}

/// What a code is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodePurpose {
    /// A sign-in.
    SignIn,
    /// Proof before an action.
    StepUp,
    /// Proof of an address.
    VerifyEmail,
    /// Confirmation of a new method.
    Enrollment,
    /// Confirmation of a reset.
    Reset,
}

/// News of a change, or an alert. It names nothing that whoever caused it could choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// What happened.
    pub kind: NoticeKind,
    /// Of which method.
    pub method: Option<MethodKind>,
    /// Where messages of the method go, masked; nothing for an app.
    pub destination: Option<String>,
    /// How many recovery codes are left, where that is the news.
    pub codes_left: Option<u32>,
    /// When.
    pub at: Timestamp,
    /// When the hold of a reset ends, and what cancels it; in e-mails only.
    pub reset: Option<ResetNoticeDetails>,
    /// What it takes to say that it was somebody else; nothing where that would undo nothing.
    pub disclaimer: Option<RevertClaim>,
}

/// What a notice tells of a reset that was begun.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetNoticeDetails {
    /// Whose it is.
    pub user: UserId,
    /// When the hold ends.
    pub due_at: Timestamp,
    /// What cancels it.
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
    /// A method took the place of another.
    MethodReplaced,
    /// Another method is asked for first.
    DefaultChanged,
    /// A method was disabled after too many wrong codes.
    MethodDisabled,
    /// Two-factor was turned off.
    TwoFactorDisabled,
    /// New recovery codes were made.
    RecoveryCodesGenerated,
    /// A recovery code signed in.
    RecoveryCodeUsed,
    /// A recovery code signed in, and few are left.
    RecoveryCodesLow,
    /// The last recovery code signed in.
    RecoveryCodesExhausted,
    /// A device may skip the second factor.
    DeviceTrusted,
    /// Somebody who can't sign in asked for a reset.
    ResetStarted,
    /// The reset was canceled.
    ResetCanceled,
    /// The reset was done.
    ResetDone,
    /// The address or the number on file has changed.
    AddressChanged,
    /// Many wrong codes were typed.
    ManyWrongCodes,
    /// An administrator made a bypass code.
    BypassCodeIssued,
    /// A bypass code signed in.
    BypassCodeUsed,
    /// Somebody who was told of a change said that it was not they who made it.
    ChangeReverted,
    /// A recovery key signed in.
    RecoveryKeyUsed,
    /// A device was reported as somebody else's, and forgotten.
    DeviceDisowned,
    /// The token of a trusted device was used by two; the device is forgotten.
    DeviceTokenReused,
}

/// What is known of whoever asked for a code, for the message to say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientDescription {
    /// Where they seem to be.
    pub place: Option<String>,
    /// What they seem to use.
    pub device: Option<String>,
}

impl ClientDescription {
    /// From what a caller says of its client; what is empty is not known.
    ///
    /// # Errors
    /// Tells which part is malformed, and how.
    pub fn parse(place: &str, device_name: &str) -> Result<Self, InvalidField> {
        let part = |text: &str, field| match text {
            "" => Ok(None),
            text => text::plain_line_without_link(text, 64)
                .map(|line| Some(line.to_owned()))
                .map_err(|why| why.at(field)),
        };
        Ok(Self {
            place: part(place, "context.place")?,
            device: part(device_name, "context.device_name")?,
        })
    }
}

/// A notice on its way, as it is sealed in the outbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OutboundNotice {
    /// The company.
    pub tenant: TenantId,
    /// Where it goes.
    pub destination: Destination,
    /// The person's language.
    pub locale: Option<String>,
    /// What it says.
    pub notice: Notice,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeliveryStatus {
    /// A notifier took it.
    HandedOver,
    /// No notifier took it.
    Failed,
    /// A notifier did not answer in time; it may arrive.
    Unknown,
}

/// What notifiers say of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryResult {
    /// One took it.
    Taken,
    /// It will never be delivered, however often it is tried.
    Refused,
    /// None took it.
    NotTaken,
    /// One did not answer in time; it may arrive.
    Unanswered,
}

impl DeliveryResult {
    /// What became of the message: one that is refused has failed, like any that nobody took.
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
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::SignIn,
        Self::StepUp,
        Self::VerifyEmail,
        Self::Enrollment,
        Self::Reset,
    ];
}

impl NoticeKind {
    /// All of them.
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

    /// Its name in lists.
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

    /// Whether it confirms a change that its reader made with a proof, so that a policy may have it left out. All others
    /// tell of what somebody else may have done.
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
    /// News of no method in particular.
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

    /// News of a method.
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
