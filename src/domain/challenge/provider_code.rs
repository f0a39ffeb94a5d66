//! Provider codes: a provider makes, sends and checks the code. Countersign counts attempts and writes the approval.

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

/// The name of a provider in the configuration. All processes of a deployment must use the same name for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProviderName(String);

/// A verification at a provider, as part of its challenge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderVerification {
    /// The id of the verification at the provider. It is sealed in its challenge, so no other challenge can name it.
    pub id: VerificationId,
    /// The provider that made the code. Only this provider can check it.
    pub provider: ProviderName,
    /// The number of digits.
    pub digits: DigitCount,
    /// The method that it answers for, and its version; `None` when an e-mail address is verified.
    pub method: Option<(MethodId, u32)>,
}

/// A request to a provider to make and send a code, or to send it again.
#[derive(Debug)]
pub struct ProviderCodeRequest {
    /// The idempotency key: equal for each delivery attempt of one message.
    pub key: String,
    /// Verification and its provider.
    pub verification: ProviderVerification,
    /// The destination of the code.
    pub destination: Destination,
    /// The user's language.
    pub locale: Option<String>,
    /// The display name of the tenant, for the message.
    pub display_name: String,
    /// What the code is for.
    pub purpose: CodePurpose,
    /// When the code expires.
    pub expires_at: Timestamp,
}

/// A request to a provider to check digits.
#[derive(Debug)]
pub struct ProviderCodeCheck<'a> {
    /// The idempotency key: equal for each call about one attempt.
    pub key: String,
    /// Verification and its provider.
    pub verification: &'a ProviderVerification,
    /// The channel that delivered the code.
    pub channel: Channel,
    /// The submitted digits.
    pub digits: &'a Digits,
}

/// The verdict of a provider on digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderCodeVerdict {
    /// The digits are the code.
    Approved,
    /// The digits are not the code.
    Rejected,
    /// No digits can be right: the verification is over, or unknown to the provider.
    Ended,
}

impl ProviderName {
    /// Wraps a configured name.
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
