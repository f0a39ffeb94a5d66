//! Actions that an approval authorizes.

use crate::{
    method::MethodKind,
    policy::ProtectedChange,
    value::{
        id::{DeviceId, MethodId},
        malformed::MalformedValue,
        secret::first_half,
        text,
    },
};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// The action that a user is about to take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// Enroll another method.
    AddMethod(MethodKind),
    /// Replace a method by a new one.
    ReplaceMethod(MethodId, MethodKind),
    /// Remove a method.
    RemoveMethod(MethodId),
    /// Make a method the default.
    SetDefaultMethod(MethodId),
    /// Generate new recovery codes.
    GenerateRecoveryCodes,
    /// Turn two-factor off.
    DisableTwoFactor,
    /// Let devices skip the second factor.
    TrustDevice(TrustedDevices),
    /// An action that the caller defines.
    Caller(CallerAction),
}

/// Devices to trust: at least one, sorted by id, without duplicates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustedDevices(Vec<DeviceId>);

/// The name of an action that the caller defines: 1 to 64 characters of `a–z 0–9 . _ -`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerAction(String);

/// The transaction that a user sees and confirms, such as `Pay 40 EUR to ACME`: one line of at most 140 bytes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction(String);

/// SHA-256 of a transaction's text. Relying services compare it with that of their own text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionDigest([u8; 32]);

impl Action {
    /// Whether the action enrolls a method.
    #[must_use]
    pub const fn enrolls(&self) -> bool {
        matches!(self, Self::AddMethod(_) | Self::ReplaceMethod(..))
    }

    /// The name of the change in policies; `None` for an action that the caller defines.
    #[must_use]
    pub const fn change(&self) -> Option<ProtectedChange> {
        match self {
            Self::AddMethod(_) => Some(ProtectedChange::AddMethod),
            Self::ReplaceMethod(..) => Some(ProtectedChange::ReplaceMethod),
            Self::RemoveMethod(_) => Some(ProtectedChange::RemoveMethod),
            Self::SetDefaultMethod(_) => Some(ProtectedChange::SetDefaultMethod),
            Self::GenerateRecoveryCodes => Some(ProtectedChange::GenerateRecoveryCodes),
            Self::DisableTwoFactor => Some(ProtectedChange::DisableTwoFactor),
            Self::TrustDevice(_) => Some(ProtectedChange::TrustDevice),
            Self::Caller(_) => None,
        }
    }
}

impl TrustedDevices {
    /// The largest number of devices in one action: as many as an account remembers.
    pub const MAX_DEVICES: usize = 20;

    /// Sorts the ids and removes duplicates.
    ///
    /// # Errors
    /// [`MalformedValue::Empty`] or [`MalformedValue::TooMany`].
    pub fn new(named: impl IntoIterator<Item = DeviceId>) -> Result<Self, MalformedValue> {
        let mut devices: Vec<DeviceId> = named.into_iter().collect();
        devices.sort_unstable();
        devices.dedup();
        match devices.len() {
            0 => Err(MalformedValue::Empty),
            1..=Self::MAX_DEVICES => Ok(Self(devices)),
            _ => Err(MalformedValue::TooMany(Self::MAX_DEVICES)),
        }
    }

    /// The ids, sorted.
    #[must_use]
    pub fn ids(&self) -> &[DeviceId] {
        &self.0
    }
}

impl CallerAction {
    /// Reads the name of an action.
    ///
    /// # Errors
    /// [`MalformedValue`] says what is wrong.
    pub fn parse(name: &str) -> Result<Self, MalformedValue> {
        fn allowed(byte: u8) -> bool {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte)
        }
        text::restricted(name, 64, allowed, "a–z 0–9 . _ -").map(|name| Self(name.to_owned()))
    }
}

impl Transaction {
    /// Reads the text of a transaction; `None` if it is empty.
    ///
    /// # Errors
    /// [`MalformedValue`] says what is wrong.
    pub fn parse(text: &str) -> Result<Option<Self>, MalformedValue> {
        if text.is_empty() {
            return Ok(None);
        }
        text::plain_line(text, 140).map(|line| Some(Self(line.to_owned())))
    }

    /// The text, for the message.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The digest that binds an approval to the transaction.
    #[must_use]
    pub fn digest(&self) -> TransactionDigest {
        TransactionDigest(Sha256::digest(self.0.as_bytes()).into())
    }
}

impl TransactionDigest {
    /// The bytes to store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Restores a digest from a store.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The first 128 bits, which bind a code to the transaction.
    #[must_use]
    pub fn half(&self) -> [u8; 16] {
        first_half(self.0)
    }
}

/// base64url without padding, as in the API.
impl fmt::Display for TransactionDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}

/// One text for each action. Approvals are compared by it, and assertions contain it.
impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddMethod(kind) => write!(f, "add_method:{}", kind.as_str()),
            Self::ReplaceMethod(id, kind) => write!(f, "replace_method:{id}:{}", kind.as_str()),
            Self::RemoveMethod(id) => write!(f, "remove_method:{id}"),
            Self::SetDefaultMethod(id) => write!(f, "set_default_method:{id}"),
            Self::GenerateRecoveryCodes => f.write_str("generate_recovery_codes"),
            Self::DisableTwoFactor => f.write_str("disable_two_factor"),
            Self::TrustDevice(devices) => write!(f, "trust_device:{devices}"),
            Self::Caller(CallerAction(name)) => write!(f, "caller:{name}"),
        }
    }
}

/// The ids, separated by commas.
impl fmt::Display for TrustedDevices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&ids.join(","))
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transaction([redacted])")
    }
}

#[cfg(test)]
mod tests;
