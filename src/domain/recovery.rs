//! Recovery codes: look-up secrets for users who lost their phone (NIST SP 800-63B-4 §4.2.1).
//!
//! A code has 18 characters of Crockford's base32: one for its slot, sixteen for 80 random bits, and a check symbol.
//! The slot selects the hash, so an attempt costs one argon2 computation. The check symbol detects typing errors.

pub mod bypass_code;
mod hash_memory;
mod key;
mod printable;
pub mod reset;
mod secret_hash;

pub use hash_memory::HashMemory;
pub use key::RecoveryKey;
pub use printable::PrintableRecoveryCodes;
pub use secret_hash::{Argon2idHash, HashCost, SecretHash};

use crate::value::{
    crockford::{CrockfordSymbols, fives},
    id::RecoverySetId,
    malformed::MalformedValue,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A user with at most this many unused codes should generate new ones.
pub const FEW_CODES_LEFT: u32 = 3;

const SYMBOLS: usize = 1 + 16 + 1;
const GROUP: usize = 6;

/// A recovery code with a valid check symbol.
pub struct RecoveryCode {
    slot: CodeSlot,
    symbols: CrockfordSymbols<SYMBOLS>,
}

/// The slot of a code in its set: 0 to 31.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CodeSlot(u8);

/// A set of recovery codes, or a recovery key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoverySet {
    /// The id.
    pub id: RecoverySetId,
    /// Whether it is a set of codes or a key.
    pub kind: RecoverySetKind,
    /// The number of codes when it was created.
    pub total: u32,
    /// The unused codes: slot and hash of each.
    pub unused: Vec<(CodeSlot, SecretHash)>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When the user confirmed that they saved it.
    pub confirmed_at: Option<Timestamp>,
}

/// The kind of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecoverySetKind {
    /// Codes, each of which works once.
    Codes,
    /// One long key, which is replaced when it is used.
    Key,
}

/// A new set that replaces the previous one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecoverySet {
    /// The id.
    pub id: RecoverySetId,
    /// Whether it is a set of codes or a key.
    pub kind: RecoverySetKind,
    /// Slot and hash of each code.
    pub hashes: Vec<(CodeSlot, SecretHash)>,
}

/// The key that replaces a used one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplacementRecoveryKey {
    /// The id of the new set.
    pub set: RecoverySetId,
    /// The hash of the new key.
    pub hash: SecretHash,
}

/// The recovery options of a user when a challenge was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryStatus {
    /// Whether the policy permits sign-in with recovery codes and keys.
    pub accepted: bool,
    /// The kind of the set; `None` without a set.
    pub kind: Option<RecoverySetKind>,
    /// Whether the user confirmed that they saved it.
    pub saved: bool,
}

impl RecoverySet {
    /// The number of unused codes.
    #[must_use]
    pub fn left(&self) -> u32 {
        u32::try_from(self.unused.len()).unwrap_or(u32::MAX)
    }

    /// The hash of the unused code in a slot.
    #[must_use]
    pub fn unused_in(&self, slot: CodeSlot) -> Option<&SecretHash> {
        let mut unused = self.unused.iter();
        unused.find(|(of, _)| *of == slot).map(|(_, hash)| hash)
    }
}

impl CodeSlot {
    /// Makes a slot from its number, 0 to 31.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        match number {
            0..=31 => Some(Self(number)),
            _ => None,
        }
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl RecoverySetKind {
    /// The name in stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Codes => "CODES",
            Self::Key => "KEY",
        }
    }

    /// Finds a kind by its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Codes, Self::Key]
            .into_iter()
            .find(|kind| kind.as_str() == name)
    }
}

impl RecoveryCode {
    /// Makes the code of a slot from 80 random bits.
    #[must_use]
    pub fn new(slot: CodeSlot, seed: &[u8; 10]) -> Self {
        let symbols = CrockfordSymbols::of([slot.number()].into_iter().chain(fives(seed)));
        Self { slot, symbols }
    }

    /// Reads a code in any case. Spaces and dashes are ignored; O is read as 0, and I and L as 1.
    ///
    /// # Errors
    /// [`MalformedValue::NotACode`] for another length or character, or if the check symbol does not match.
    pub fn parse(text: &str) -> Result<Self, MalformedValue> {
        let symbols = CrockfordSymbols::parse(text)?;
        Ok(Self {
            slot: CodeSlot(symbols.first()),
            symbols,
        })
    }

    /// The slot, by which the stored hash is found.
    #[must_use]
    pub fn slot(&self) -> CodeSlot {
        self.slot
    }

    /// The code as users see it, in three groups of six.
    #[must_use]
    pub fn expose(&self) -> String {
        self.symbols.expose(GROUP)
    }

    /// The argon2 hash to store. Each code needs its own salt; the codes of a set share `memory`.
    #[must_use]
    pub fn hash(&self, salt: &[u8; 16], cost: HashCost, memory: &mut HashMemory) -> SecretHash {
        SecretHash::of(self.symbols.as_slice(), salt, cost, memory)
    }

    /// Whether the code matches a hash. Costs one argon2 computation.
    #[must_use]
    pub fn matches(&self, hash: &SecretHash) -> bool {
        hash.is_of(self.symbols.as_slice())
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode([redacted])")
    }
}

/// A code from a random seed that belongs to no user. An attempt at an empty slot is compared with it.
#[must_use]
pub fn dummy_code(seed: &[u8; 16]) -> RecoveryCode {
    let secret = seed.first_chunk().copied().unwrap_or_default();
    RecoveryCode::new(CodeSlot(31), &secret)
}

#[cfg(test)]
mod tests;
