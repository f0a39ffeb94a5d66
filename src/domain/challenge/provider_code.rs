//! Verifications: codes that a provider makes, sends and checks. We keep the count, and write the approval.

use crate::{
    challenge::code::{DigitCount, Digits},
    notice::message::CodePurpose,
    value::{
        destination::{Channel, Destination},
        id::{MethodId, VerificationId},
        time::Timestamp,
    },
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A provider that owns codes, by its name in the configuration. Every process of a deployment knows it by the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProviderName(String);

/// A verification, as the one challenge that it belongs to carries it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderVerification {
    /// What the provider knows it by. It is sealed in the challenge, so that no other challenge can name it.
    pub id: VerificationId,
    /// Who made the code, and so the only one who can check it.
    pub provider: ProviderName,
    /// How long the code is.
    pub digits: DigitCount,
    /// The method that it answers for and its version; none where the address on file is verified.
    pub method: Option<(MethodId, u32)>,
}

/// A code that a provider is to make and send, or to send again.
#[derive(Debug)]
pub struct ProviderCodeRequest {
    /// The same for every try of one message.
    pub key: String,
    /// Which verification, and at whom.
    pub verification: ProviderVerification,
    /// Where the code goes.
    pub destination: Destination,
    /// The person's language.
    pub locale: Option<String>,
    /// The company's name, to sign with.
    pub display_name: String,
    /// What the code is for.
    pub purpose: CodePurpose,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Digits that a provider is to compare with its code.
#[derive(Debug)]
pub struct ProviderCodeCheck<'a> {
    /// The same for every try of one guess.
    pub key: String,
    /// Which verification, and at whom.
    pub verification: &'a ProviderVerification,
    /// By which channel the code went.
    pub channel: Channel,
    /// What was typed.
    pub digits: &'a Digits,
}

/// What a provider says of digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderCodeVerdict {
    /// They are its code.
    Approved,
    /// They are not.
    Rejected,
    /// No digits are: the verification is over, or the provider knows of none.
    Ended,
}

impl ProviderName {
    /// Takes a configured name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
