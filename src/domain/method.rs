//! Methods: the enrolled ways to answer.

pub mod ineligibility;

use crate::{
    challenge::totp::{TimeStep, TotpParameters, TotpSecret},
    value::{
        destination::{Channel, Destination},
        id::MethodId,
        malformed::MalformedValue,
        secret::SealedBytes,
        text,
        time::Timestamp,
    },
};
use serde::{Deserialize, Serialize};

/// Which kind of way to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum MethodKind {
    /// An authenticator app.
    Totp,
    /// A code by text message.
    Sms,
    /// A code by e-mail.
    Email,
}

/// How much a code proves; the order is that of strength.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MethodStrength {
    /// E-mail is not an out-of-band authenticator (NIST SP 800-63B-4 §3.1.3.1).
    Low,
    /// SMS is a restricted authenticator (NIST SP 800-63B-4 §3.1.3.3).
    Restricted,
    /// A code made on a device that only the user has.
    Strong,
}

/// One enrolled way to answer, as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method {
    /// Its id.
    pub id: MethodId,
    /// Its kind.
    pub kind: MethodKind,
    /// The user's name for it.
    pub label: MethodLabel,
    /// Grows with each change of what is sealed.
    pub version: u32,
    /// The secret or destination.
    pub sealed: SealedBytes,
    /// Too many consecutive failures disable it.
    pub disabled: bool,
    /// When it was confirmed.
    pub created_at: Timestamp,
    /// When it last answered rightly.
    pub last_used_at: Option<Timestamp>,
    /// The user says that it was not they who enrolled it: it answers no more, and stays until it is replaced or reset.
    pub suspended: bool,
    /// Wrong codes since the last right one.
    pub consecutive_failures: u32,
    /// The newest TOTP step that was accepted (RFC 6238 §5.2).
    pub last_step: Option<TimeStep>,
}

/// What is sealed in a method: all that judging or sending needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum MethodSecret {
    /// Of an app.
    Totp {
        /// The shared secret.
        secret: TotpSecret,
        /// How codes are made.
        parameters: TotpParameters,
    },
    /// Where to send to.
    Destination(Destination),
}

/// A user's name for a method: 1 to 64 bytes of one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MethodLabel(String);

impl MethodKind {
    /// All kinds, strongest first.
    pub const ALL: [Self; 3] = [Self::Totp, Self::Sms, Self::Email];

    /// How much a code of this kind proves.
    #[must_use]
    pub const fn strength(self) -> MethodStrength {
        match self {
            Self::Totp => MethodStrength::Strong,
            Self::Sms => MethodStrength::Restricted,
            Self::Email => MethodStrength::Low,
        }
    }

    /// How its codes reach the user; none for an app.
    #[must_use]
    pub const fn channel(self) -> Option<Channel> {
        match self {
            Self::Totp => None,
            Self::Sms => Some(Channel::Sms),
            Self::Email => Some(Channel::Email),
        }
    }

    /// Its name in stores, events and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Totp => "TOTP",
            Self::Sms => "SMS",
            Self::Email => "EMAIL",
        }
    }

    /// The kind with that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl MethodLabel {
    /// From what the user typed; nothing if that is empty.
    ///
    /// # Errors
    /// Tells what is malformed.
    pub fn parse(text: &str) -> Result<Option<Self>, MalformedValue> {
        if text.is_empty() {
            return Ok(None);
        }
        text::plain_line_without_link(text, 64).map(|line| Some(Self(line.to_owned())))
    }

    /// The first name of a kind that none of the others carries: `Authenticator app`, `Authenticator app 2`, …
    #[must_use]
    pub fn made_up(kind: MethodKind, taken: &[&Self]) -> Self {
        let stem = match kind {
            MethodKind::Totp => "Authenticator app",
            MethodKind::Sms => "Text message",
            MethodKind::Email => "E-mail",
        };
        let mut label = Self(stem.to_owned());
        let mut number = 1;
        while taken.contains(&&label) {
            number += 1;
            label = Self(format!("{stem} {number}"));
        }
        label
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// From a store.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }
}

impl MethodSecret {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> MethodKind {
        match self {
            Self::Totp { .. } => MethodKind::Totp,
            Self::Destination(Destination::Phone(_)) => MethodKind::Sms,
            Self::Destination(Destination::Email(_)) => MethodKind::Email,
        }
    }

    /// Where its messages go; nothing for an app.
    #[must_use]
    pub const fn destination(&self) -> Option<&Destination> {
        match self {
            Self::Totp { .. } => None,
            Self::Destination(destination) => Some(destination),
        }
    }
}

#[cfg(test)]
mod tests;
