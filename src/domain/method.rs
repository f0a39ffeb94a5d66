//! Methods: the enrolled ways of a user to answer challenges.

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

/// The kind of a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum MethodKind {
    /// An authenticator app.
    Totp,
    /// Codes by text message.
    Sms,
    /// Codes by e-mail.
    Email,
}

/// How much a code proves, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MethodStrength {
    /// E-mail is not an out-of-band authenticator (NIST SP 800-63B-4 §3.1.3.1).
    Low,
    /// SMS is a restricted authenticator (NIST SP 800-63B-4 §3.1.3.3).
    Restricted,
    /// A code that is computed on a device of the user.
    Strong,
}

/// An enrolled method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method {
    /// The id.
    pub id: MethodId,
    /// The kind.
    pub kind: MethodKind,
    /// The user's label for it.
    pub label: MethodLabel,
    /// Grows with each change of the sealed secret.
    pub version: u32,
    /// The sealed [`MethodSecret`].
    pub sealed: SealedBytes,
    /// Whether too many consecutive failures disabled it.
    pub disabled: bool,
    /// When its enrollment was confirmed.
    pub created_at: Timestamp,
    /// When it last gave a right answer.
    pub last_used_at: Option<Timestamp>,
    /// Whether its enrollment was reverted. A suspended method can't answer, and stays until it is replaced or reset.
    pub suspended: bool,
    /// Wrong codes since the last right one.
    pub consecutive_failures: u32,
    /// The newest TOTP step that was accepted (RFC 6238 §5.2).
    pub last_step: Option<TimeStep>,
}

/// The sealed part of a method: what judging and delivering its codes needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum MethodSecret {
    /// An authenticator app.
    Totp {
        /// The shared secret.
        secret: TotpSecret,
        /// How codes are computed.
        parameters: TotpParameters,
    },
    /// The phone number or e-mail address of a method.
    Destination(Destination),
}

/// A user's label for a method: 1 to 64 bytes, one line, no link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MethodLabel(String);

impl MethodKind {
    /// All kinds, strongest first.
    pub const ALL: [Self; 3] = [Self::Totp, Self::Sms, Self::Email];

    /// The strength of a code of this kind.
    #[must_use]
    pub const fn strength(self) -> MethodStrength {
        match self {
            Self::Totp => MethodStrength::Strong,
            Self::Sms => MethodStrength::Restricted,
            Self::Email => MethodStrength::Low,
        }
    }

    /// The channel that delivers its codes; `None` for an app.
    #[must_use]
    pub const fn channel(self) -> Option<Channel> {
        match self {
            Self::Totp => None,
            Self::Sms => Some(Channel::Sms),
            Self::Email => Some(Channel::Email),
        }
    }

    /// The name in stores, events and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Totp => "TOTP",
            Self::Sms => "SMS",
            Self::Email => "EMAIL",
        }
    }

    /// Finds a kind by its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl MethodLabel {
    /// Reads a label; `None` if it is empty.
    ///
    /// # Errors
    /// [`MalformedValue`] says what is wrong.
    pub fn parse(text: &str) -> Result<Option<Self>, MalformedValue> {
        if text.is_empty() {
            return Ok(None);
        }
        text::plain_line_without_link(text, 64).map(|line| Some(Self(line.to_owned())))
    }

    /// The first free generated label of a kind: `Authenticator app`, `Authenticator app 2`, …
    #[must_use]
    pub fn made_up(kind: MethodKind, taken: &[&Self]) -> Self {
        let stem = match kind {
            MethodKind::Totp => "Authenticator app",
            MethodKind::Sms => "Text message",
            MethodKind::Email => "E-mail",
        };
        let mut label = Self(stem.to_owned());
        let mut number = 1;
        while label.is_among(taken) {
            number += 1;
            label = Self(format!("{stem} {number}"));
        }
        label
    }

    /// Whether one of these labels looks the same: it differs in joiners at most.
    #[must_use]
    pub fn is_among(&self, taken: &[&Self]) -> bool {
        taken
            .iter()
            .any(|other| text::is_same_without_joiners(&self.0, &other.0))
    }

    /// The label.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Restores a label from a store.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }
}

impl MethodSecret {
    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> MethodKind {
        match self {
            Self::Totp { .. } => MethodKind::Totp,
            Self::Destination(Destination::Phone(_)) => MethodKind::Sms,
            Self::Destination(Destination::Email(_)) => MethodKind::Email,
        }
    }

    /// The destination of its codes; `None` for an app.
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
