//! The recovery key: one long secret instead of a set of codes. The response to its use contains the next key.
//!
//! A key has 33 characters of Crockford's base32: thirty-two for 160 random bits, and a check symbol.

use crate::{
    recovery::{CodeSlot, SecretHash},
    value::{
        crockford::{CrockfordSymbols, fives, typed},
        malformed::MalformedValue,
    },
};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use std::fmt;
use subtle::ConstantTimeEq;

const SYMBOLS: usize = 32 + 1;
const GROUP: usize = 4;

/// A recovery key with a valid check symbol.
pub struct RecoveryKey(CrockfordSymbols<SYMBOLS>);

impl RecoveryKey {
    /// The slot of the key in its set.
    pub const SLOT: CodeSlot = CodeSlot(0);

    /// Makes a key from 160 random bits.
    #[must_use]
    pub fn new(seed: &[u8; 20]) -> Self {
        Self(CrockfordSymbols::of(fives(seed)))
    }

    /// Whether a text has the length of a key, which no other code has.
    #[must_use]
    pub fn is_meant_by(text: &str) -> bool {
        typed(text).count() == SYMBOLS
    }

    /// Reads a key in any case. Spaces and dashes are ignored; O is read as 0, and I and L as 1.
    ///
    /// # Errors
    /// [`MalformedValue::NotACode`] for another length or character, or if the check symbol does not match.
    pub fn parse(text: &str) -> Result<Self, MalformedValue> {
        CrockfordSymbols::parse(text).map(Self)
    }

    /// The key as users see it, in groups of four.
    #[must_use]
    pub fn expose(&self) -> String {
        self.0.expose(GROUP)
    }

    /// The SHA-256 hash to store. A fast hash suffices for 160 random bits (NIST SP 800-63B-4 §3.1.2.2 requires a slow
    /// one below 112 bits).
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        let digest = Sha256::digest(self.0.as_slice());
        SecretHash::from_phc(format!("$sha256${}", HEXLOWER.encode(&digest)))
    }

    /// Whether the key matches a hash, in constant time.
    #[must_use]
    pub fn matches(&self, hash: &SecretHash) -> bool {
        let own = self.hash();
        own.to_phc()
            .as_bytes()
            .ct_eq(hash.to_phc().as_bytes())
            .into()
    }
}

impl fmt::Debug for RecoveryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryKey([redacted])")
    }
}

#[cfg(test)]
mod tests;
