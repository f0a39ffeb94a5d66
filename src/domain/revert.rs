//! Reverts: whoever is told of a change may say that it was not they who made it. What went does not come back; what came
//! with it, or later, is suspended.

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

/// 128 bits that the confirmation of a change carries. Only their hash is stored.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct RevertToken([u8; 16]);

/// What it takes to say that a change was not one's own, as a confirmation carries it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevertClaim {
    /// Whose change it was.
    pub user: UserId,
    /// What undoes it.
    pub token: RevertToken,
}

/// A change that can be reverted, as the store keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevertRecord {
    /// Of the token that reverts it.
    pub token: DeviceTokenHash,
    /// What it did.
    pub change_kind: RevertibleChange,
    /// When.
    pub at: Timestamp,
    /// The revision of the account that it made: of two changes, the later one has the greater.
    pub revision: i64,
}

/// What a change did, as far as a revert has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevertibleChange {
    /// A method came, beside others or in the place of one.
    Method(MethodId),
    /// The first method came, and recovery codes with it.
    FirstMethod(MethodId),
    /// A method came by a sign-in with a recovery code or key, which said that those before it were lost.
    RecoveredMethod(MethodId),
    /// A method went.
    Removal,
    /// Another method is asked for first.
    Default,
    /// New recovery codes were made.
    RecoveryCodes,
    /// Two-factor was turned off.
    TurnOff,
    /// A device is trusted.
    Trust,
}

/// What a revert does, beside ending trust and all that was issued before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RevertPlan {
    /// Methods that answer no more.
    pub suspends: Vec<MethodId>,
    /// Whether the recovery codes are void.
    pub voids_codes: bool,
    /// Whether the user's choice of a default is forgotten.
    pub forgets_default: bool,
    /// Whether sign-in waits for an administrator, because no method that counts is left to be suspended.
    pub holds: bool,
    /// All changes of this revision and later ones are reverted with it, and their tokens are used up.
    pub from: i64,
}

impl RevertToken {
    /// From 128 random bits.
    #[must_use]
    pub const fn new(bits: [u8; 16]) -> Self {
        Self(bits)
    }

    /// From what a person's link carried.
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

    /// The token as links carry it: 22 characters of base64url.
    #[must_use]
    pub fn expose(&self) -> String {
        BASE64URL_NOPAD.encode(&self.0)
    }

    /// What is kept of it: with 128 random bits, a fast hash is enough.
    #[must_use]
    pub fn hash(&self) -> DeviceTokenHash {
        DeviceTokenHash::from_bytes(first_half(Sha256::digest(self.0).into()))
    }
}

/// By what is kept of them, so that no comparison takes longer for a better guess.
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
    /// Its name in stores and events.
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

    /// The method that came.
    #[must_use]
    pub const fn method(self) -> Option<MethodId> {
        match self {
            Self::Method(id) | Self::FirstMethod(id) | Self::RecoveredMethod(id) => Some(id),
            Self::Removal | Self::Default | Self::RecoveryCodes | Self::TurnOff | Self::Trust => {
                None
            }
        }
    }

    /// Whether recovery codes came with it.
    pub(crate) const fn makes_codes(self) -> bool {
        matches!(self, Self::FirstMethod(_) | Self::RecoveryCodes)
    }

    /// What a store kept under a name.
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
