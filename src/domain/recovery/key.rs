//! The recovery key: one long secret in place of a set of codes. When it is used, the same answer gives the next.
//!
//! A key is 33 characters of Crockford's base32: thirty-two for 160 random bits, one to check the rest.

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

/// One recovery key, checked for typing errors.
pub struct RecoveryKey(CrockfordSymbols<SYMBOLS>);

impl RecoveryKey {
    /// Where the key stands in its set of one.
    pub const SLOT: CodeSlot = CodeSlot(0);

    /// The key of 160 random bits.
    #[must_use]
    pub fn new(seed: &[u8; 20]) -> Self {
        Self(CrockfordSymbols::of(fives(seed)))
    }

    /// Whether a text is as long as keys are, and as nothing else is.
    #[must_use]
    pub fn is_meant_by(text: &str) -> bool {
        typed(text).count() == SYMBOLS
    }

    /// Reads a key as people type it: any case, hyphens and spaces or none, O for 0, I and L for 1.
    ///
    /// # Errors
    /// [`MalformedValue::NotACode`] if it has another form or the check character says that it is mistyped.
    pub fn parse(text: &str) -> Result<Self, MalformedValue> {
        CrockfordSymbols::parse(text).map(Self)
    }

    /// The key as it is shown, in groups of four.
    #[must_use]
    pub fn expose(&self) -> String {
        self.0.expose(GROUP)
    }

    /// The hash to keep: a quick one, because nobody guesses 160 random bits (NIST SP 800-63B-4 §3.1.2.2 asks for a slow one
    /// under 112).
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        let digest = Sha256::digest(self.0.as_slice());
        SecretHash::from_phc(format!("$sha256${}", HEXLOWER.encode(&digest)))
    }

    /// Whether this key was hashed to that, in a time that tells nothing.
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
