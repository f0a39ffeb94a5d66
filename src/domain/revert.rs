//! Reverts: with the token of a notice, a user undoes a change that they did not make. What was removed does not come
//! back. What was added by it, or later, is suspended.

use crate::{
    device::DeviceTokenHash,
    value::{
        id::{MethodId, UserId},
        malformed::MalformedValue,
        secret::first_half,
        time::Timestamp,
    },
};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{fmt, time::Duration};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// How long a change can be reverted.
pub const REVERT_LIFETIME: Duration = Duration::from_hours(72);

/// 128 random bits in the notice of a change. Only their hash is stored.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct RevertToken([u8; 16]);

/// The user and token in the notice of a change, by which it is reverted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevertClaim {
    /// The user.
    pub user: UserId,
    /// The token.
    pub token: RevertToken,
}

/// A change that can be reverted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevertRecord {
    /// The hash of the token that reverts it.
    pub token: DeviceTokenHash,
    /// What it changed.
    pub change_kind: RevertibleChange,
    /// When it was made.
    pub at: Timestamp,
    /// The revision that it gave the account. A later change has a greater one.
    pub revision: i64,
}

/// What a change did, as far as a revert needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevertibleChange {
    /// A method was added, beside others or in place of one.
    Method(MethodId),
    /// The first method was added, with recovery codes.
    FirstMethod(MethodId),
    /// A method was added after a sign-in by recovery code or key, which implies that the earlier methods are lost.
    RecoveredMethod(MethodId),
    /// A method was removed.
    Removal,
    /// The default method was changed.
    Default,
    /// New recovery codes were generated.
    RecoveryCodes,
    /// Two-factor was turned off.
    TurnOff,
    /// A device was trusted.
    Trust,
}

/// What a revert does. It also withdraws trust and invalidates all earlier proofs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RevertPlan {
    /// Methods to suspend.
    pub suspends: Vec<MethodId>,
    /// Whether the recovery codes are removed.
    pub voids_codes: bool,
    /// Whether the user's default method is cleared.
    pub forgets_default: bool,
    /// Whether sign-in is suspended pending administrator review, because no method that counts is left to suspend.
    pub holds: bool,
    /// The revision from which on changes are reverted. Their tokens are used up.
    pub from: i64,
}

impl RevertToken {
    /// Wraps 128 random bits.
    #[must_use]
    pub const fn new(bits: [u8; 16]) -> Self {
        Self(bits)
    }

    /// Reads the token from a link.
    ///
    /// # Errors
    /// [`MalformedValue::NotARevertToken`].
    pub fn parse(text: &str) -> Result<Self, MalformedValue> {
        let decoded = BASE64URL_NOPAD
            .decode(text.as_bytes())
            .map_err(|_| MalformedValue::NotARevertToken)?;
        let bits = decoded
            .try_into()
            .map_err(|_| MalformedValue::NotARevertToken)?;
        Ok(Self(bits))
    }

    /// The token in links: 22 characters of base64url.
    #[must_use]
    pub fn expose(&self) -> String {
        BASE64URL_NOPAD.encode(&self.0)
    }

    /// The hash to store. A fast hash suffices for 128 random bits.
    #[must_use]
    pub fn hash(&self) -> DeviceTokenHash {
        DeviceTokenHash::from_bytes(first_half(Sha256::digest(self.0).into()))
    }
}

/// Compares hashes, so that the time reveals nothing about the token.
impl PartialEq for RevertToken {
    fn eq(&self, other: &Self) -> bool {
        self.hash() == other.hash()
    }
}

impl Eq for RevertToken {}

impl fmt::Debug for RevertToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RevertToken([redacted])")
    }
}

impl RevertibleChange {
    /// The name in stores and events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Method(_) => "METHOD",
            Self::FirstMethod(_) => "FIRST_METHOD",
            Self::RecoveredMethod(_) => "RECOVERED_METHOD",
            Self::Removal => "REMOVAL",
            Self::Default => "DEFAULT",
            Self::RecoveryCodes => "RECOVERY_CODES",
            Self::TurnOff => "TURN_OFF",
            Self::Trust => "TRUST",
        }
    }

    /// The method that was added.
    #[must_use]
    pub const fn method(self) -> Option<MethodId> {
        match self {
            Self::Method(id) | Self::FirstMethod(id) | Self::RecoveredMethod(id) => Some(id),
            Self::Removal | Self::Default | Self::RecoveryCodes | Self::TurnOff | Self::Trust => {
                None
            }
        }
    }

    /// Whether the change generated recovery codes.
    pub(crate) const fn makes_codes(self) -> bool {
        matches!(self, Self::FirstMethod(_) | Self::RecoveryCodes)
    }

    /// Restores a change from its name in a store.
    #[must_use]
    pub fn named(name: &str, method: Option<MethodId>) -> Option<Self> {
        match (name, method) {
            ("METHOD", Some(id)) => Some(Self::Method(id)),
            ("FIRST_METHOD", Some(id)) => Some(Self::FirstMethod(id)),
            ("RECOVERED_METHOD", Some(id)) => Some(Self::RecoveredMethod(id)),
            ("REMOVAL", None) => Some(Self::Removal),
            ("DEFAULT", None) => Some(Self::Default),
            ("RECOVERY_CODES", None) => Some(Self::RecoveryCodes),
            ("TURN_OFF", None) => Some(Self::TurnOff),
            ("TRUST", None) => Some(Self::Trust),
            _ => None,
        }
    }
}
