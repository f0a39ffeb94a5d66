//! Messages to people: what they say, and where they go.

use crate::{
    action::Transaction,
    code::Digits,
    destination::{Channel, Destination},
    id::TenantId,
    malformed::InvalidField,
    method::Kind,
    text,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One message, ready for a notifier.
#[derive(Debug)]
pub struct Message {
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
    pub content: Content,
}

/// What a message says.
#[derive(Debug)]
pub enum Content {
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
        whence: Whence,
        /// How long it is good from now.
        good_for: Duration,
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
}

/// News of a change, or an alarm. It names nothing that whoever caused it could choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// What happened.
    pub kind: NoticeKind,
    /// Of which method.
    pub method: Option<Kind>,
    /// Where messages of the method go, masked; nothing for an app.
    pub destination: Option<String>,
    /// How many recovery codes are left, where that is the news.
    pub codes_left: Option<u32>,
    /// When.
    pub at: Timestamp,
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
    RecoveryCodesMade,
    /// A recovery code signed in.
    RecoveryCodeUsed,
    /// A recovery code signed in, and few are left.
    RecoveryCodesLow,
    /// The last recovery code signed in.
    RecoveryCodesGone,
    /// A device may skip the second factor.
    DeviceTrusted,
    /// Somebody who can't sign in asked for a reset.
    ResetBegun,
    /// The reset was cancelled.
    ResetCancelled,
    /// The reset was done.
    ResetDone,
    /// The address or the number on file has changed.
    AddressChanged,
    /// Many wrong codes were typed.
    ManyWrongCodes,
}

/// What is known of whoever asked for a code, for the message to say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whence {
    /// Where they seem to be.
    pub place: Option<String>,
    /// What they seem to use.
    pub device: Option<String>,
}

impl Whence {
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
pub enum Delivery {
    /// A notifier took it.
    HandedOver,
    /// No notifier took it.
    Failed,
    /// A notifier did not answer in time; it may arrive.
    Unknown,
}

/// What notifiers say of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handover {
    /// One took it.
    Taken,
    /// It will never be delivered, however often it is tried.
    Refused,
    /// None took it.
    NotTaken,
    /// One did not answer in time; it may arrive.
    Unanswered,
}

impl Handover {
    /// What became of the message: one that is refused has failed, like any that nobody took.
    #[must_use]
    pub const fn delivery(self) -> Delivery {
        match self {
            Self::Taken => Delivery::HandedOver,
            Self::Refused | Self::NotTaken => Delivery::Failed,
            Self::Unanswered => Delivery::Unknown,
        }
    }
}

impl Message {
    /// The subject of an e-mail; it never has the code. Empty for a text message.
    #[must_use]
    pub fn subject(&self) -> String {
        let company = &self.display_name;
        match (self.destination.channel(), &self.content) {
            (Channel::Sms, _) => String::new(),
            (Channel::Email, Content::Code { .. }) => format!("Your {company} verification code"),
            (Channel::Email, Content::Notice(_)) => {
                format!("Your {company} two-factor settings have changed")
            }
        }
    }

    /// The message in plain text.
    #[must_use]
    pub fn text(&self) -> String {
        let company = &self.display_name;
        match &self.content {
            Content::Code {
                code,
                purpose,
                transaction,
                good_for,
                ..
            } => {
                let code = code.expose();
                let what_for = purpose.words();
                let minutes = good_for.as_secs().div_ceil(60).max(1);
                let confirms = transaction.as_ref().map_or_else(String::new, |text| {
                    format!(" To confirm: {}.", text.as_str())
                });
                format!(
                    "{code} is your {company} code to {what_for}. It is good for {minutes} min. Do not share it.{confirms}"
                )
            }
            Content::Notice(notice) => {
                let what = notice.words();
                format!("{company}: {what}. If this wasn't you, contact your administrator.")
            }
        }
    }
}

impl CodePurpose {
    const fn words(self) -> &'static str {
        match self {
            Self::SignIn => "sign in",
            Self::StepUp => "confirm your action",
            Self::VerifyEmail => "verify your e-mail address",
            Self::Enrollment => "set up two-factor sign-in",
        }
    }
}

impl NoticeKind {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::MethodAdded,
        Self::MethodRemoved,
        Self::MethodReplaced,
        Self::DefaultChanged,
        Self::MethodDisabled,
        Self::TwoFactorDisabled,
        Self::RecoveryCodesMade,
        Self::RecoveryCodeUsed,
        Self::RecoveryCodesLow,
        Self::RecoveryCodesGone,
        Self::DeviceTrusted,
        Self::ResetBegun,
        Self::ResetCancelled,
        Self::ResetDone,
        Self::AddressChanged,
        Self::ManyWrongCodes,
    ];
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
        }
    }

    /// News of a method.
    #[must_use]
    pub const fn of_method(
        kind: NoticeKind,
        method: Kind,
        destination: Option<String>,
        at: Timestamp,
    ) -> Self {
        Self {
            kind,
            method: Some(method),
            destination,
            codes_left: None,
            at,
        }
    }

    fn words(&self) -> String {
        let kind = self.method.map_or("", Kind::as_str);
        let destination = self
            .destination
            .as_ref()
            .map_or_else(String::new, |masked| format!(" ({masked})"));
        let left = self.codes_left.unwrap_or_default();
        match self.kind {
            NoticeKind::MethodAdded => {
                format!("two-factor method {kind}{destination} was added to your account")
            }
            NoticeKind::MethodRemoved => {
                format!("two-factor method {kind}{destination} was removed from your account")
            }
            NoticeKind::MethodReplaced => {
                format!("your security standard has been updated to {kind}{destination}")
            }
            NoticeKind::DefaultChanged => {
                format!("your default two-factor method is now {kind}{destination}")
            }
            NoticeKind::MethodDisabled => format!(
                "two-factor method {kind}{destination} was disabled after too many wrong codes"
            ),
            NoticeKind::TwoFactorDisabled => "two-factor sign-in was turned off".to_owned(),
            NoticeKind::RecoveryCodesMade => {
                "new recovery codes were made; the old ones no longer work".to_owned()
            }
            NoticeKind::RecoveryCodeUsed => {
                format!("a recovery code was used to sign in; {left} are left")
            }
            NoticeKind::RecoveryCodesLow => {
                format!("a recovery code was used to sign in; only {left} are left, make new ones")
            }
            NoticeKind::RecoveryCodesGone => {
                "your last recovery code was used to sign in; make new ones".to_owned()
            }
            NoticeKind::DeviceTrusted => "a device may now skip the second factor".to_owned(),
            NoticeKind::ResetBegun => "somebody asked to reset your two-factor sign-in".to_owned(),
            NoticeKind::ResetCancelled => {
                "the reset of your two-factor sign-in was cancelled".to_owned()
            }
            NoticeKind::ResetDone => "your two-factor sign-in was reset".to_owned(),
            NoticeKind::AddressChanged => "the contact details on file were changed".to_owned(),
            NoticeKind::ManyWrongCodes => "many wrong codes were typed for your account".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
