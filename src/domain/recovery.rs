//! Recovery codes: look-up secrets for the day when the phone is gone (NIST SP 800-63B-4 §4.2.1).
//!
//! A code is 18 characters of Crockford's base32: one for its slot, sixteen for 80 random bits, one to check the rest.
//! The slot finds the row, so that a try costs one slow hash. The check character tells a typing error from a guess.

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

/// So many unused codes, or fewer, are few: time to make new ones.
pub const FEW_CODES_LEFT: u32 = 3;

const SYMBOLS: usize = 1 + 16 + 1;
const GROUP: usize = 6;

/// One recovery code, checked for typing errors.
pub struct RecoveryCode {
    slot: CodeSlot,
    symbols: CrockfordSymbols<SYMBOLS>,
}

/// The place of a code in its set: 0 to 31.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CodeSlot(u8);

/// What is left of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoverySet {
    /// The set.
    pub id: RecoverySetId,
    /// What it is made of.
    pub kind: RecoverySetKind,
    /// How many codes it had.
    pub total: u32,
    /// The unused codes: the slot and the hash of each.
    pub unused: Vec<(CodeSlot, SecretHash)>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the user said that they had saved it.
    pub confirmed_at: Option<Timestamp>,
}

/// What a set is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecoverySetKind {
    /// Codes, each of which works once.
    Codes,
    /// One long key, which is replaced when it is used.
    Key,
}

/// A set to be kept in place of the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecoverySet {
    /// The set.
    pub id: RecoverySetId,
    /// What it is made of.
    pub kind: RecoverySetKind,
    /// What guesses are compared with.
    pub hashes: Vec<(CodeSlot, SecretHash)>,
}

/// The key that takes the place of a used one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplacementRecoveryKey {
    /// The set of one that it makes.
    pub set: RecoverySetId,
    /// What guesses are compared with.
    pub hash: SecretHash,
}

/// What was known of a user's way back when a challenge was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryStatus {
    /// Whether the policy lets recovery codes and keys sign in.
    pub accepted: bool,
    /// What the set is made of; nothing where there is none.
    pub kind: Option<RecoverySetKind>,
    /// Whether the user said that they had saved it.
    pub saved: bool,
}

impl RecoverySet {
    /// How many codes are unused.
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
    /// The slot with this number.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        match number {
            0..=31 => Some(Self(number)),
            _ => None,
        }
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl RecoverySetKind {
    /// Its name in stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Codes => "CODES",
            Self::Key => "KEY",
        }
    }

    /// The kind with that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Codes, Self::Key]
            .into_iter()
            .find(|kind| kind.as_str() == name)
    }
}

impl RecoveryCode {
    /// The code of a slot, from 80 random bits.
    #[must_use]
    pub fn new(slot: CodeSlot, seed: &[u8; 10]) -> Self {
        let symbols = CrockfordSymbols::of([slot.number()].into_iter().chain(fives(seed)));
        Self { slot, symbols }
    }

    /// Reads a code as people type it: any case, hyphens and spaces or none, O for 0, I and L for 1.
    ///
    /// # Errors
    /// [`MalformedValue::NotACode`] if it has another form or the check character says that it is mistyped.
    pub fn parse(text: &str) -> Result<Self, MalformedValue> {
        let symbols = CrockfordSymbols::parse(text)?;
        Ok(Self {
            slot: CodeSlot(symbols.first()),
            symbols,
        })
    }

    /// The slot that says where to look.
    #[must_use]
    pub fn slot(&self) -> CodeSlot {
        self.slot
    }

    /// The code as it is shown, in three groups of six.
    #[must_use]
    pub fn expose(&self) -> String {
        self.symbols.expose(GROUP)
    }

    /// The slow hash to keep. One salt a code; the codes of one set share the memory.
    #[must_use]
    pub fn hash(&self, salt: &[u8; 16], cost: HashCost, memory: &mut HashMemory) -> SecretHash {
        SecretHash::of(self.symbols.as_slice(), salt, cost, memory)
    }

    /// Whether this code was hashed to that. As slow as the hash says.
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

/// A code that nobody has, from a random seed. An attempt at an empty slot is compared with it.
#[must_use]
pub fn dummy_code(seed: &[u8; 16]) -> RecoveryCode {
    let secret = seed.first_chunk().copied().unwrap_or_default();
    RecoveryCode::new(CodeSlot(31), &secret)
}

#[cfg(test)]
mod tests;
