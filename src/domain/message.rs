//! Messages to people: what they say, and where they go.

use crate::{
    action::Transaction,
    code::Digits,
    destination::{Channel, Destination},
    event::EventKind,
    id::TenantId,
    method::Kind,
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

/// News of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// A method was added.
    MethodAdded {
        /// Its kind.
        kind: Kind,
        /// Where its messages go, masked; nothing for an app. Its name is not told: whoever added it chose that.
        destination: Option<String>,
        /// When.
        at: Timestamp,
    },
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
            (Channel::Email, Content::Notice(Notice::MethodAdded { .. })) => {
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
            Content::Notice(Notice::MethodAdded {
                kind, destination, ..
            }) => {
                let kind = kind.as_str();
                let destination = destination
                    .as_ref()
                    .map_or_else(String::new, |masked| format!(" ({masked})"));
                format!(
                    "{company}: two-factor method {kind}{destination} was added to your account. If this wasn't you, contact your administrator."
                )
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

impl Notice {
    /// The event that it tells of.
    #[must_use]
    pub const fn tells_of(&self) -> EventKind {
        match self {
            Self::MethodAdded { .. } => EventKind::MethodAdded,
        }
    }
}

#[cfg(test)]
mod tests;
