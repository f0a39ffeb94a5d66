//! Recovery codes: look-up secrets for the day when the phone is gone (NIST SP 800-63B-4 §4.2.1).
//!
//! A code is 18 characters of Crockford's base32: one for its slot, sixteen for 80 random bits, one to check the rest.
//! The slot finds the row, so that a try costs one slow hash. The check character tells a typing error from a guess.

mod key;
mod memory;
mod sheet;

pub use key::RecoveryKey;
pub use memory::HashMemory;
pub use sheet::Sheet;

use crate::{
    id::RecoverySetId,
    malformed::Malformed,
    symbols::{Symbols, fives},
    time::Timestamp,
};
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{
        self,
        phc::{Output, ParamsString, PasswordHash, Salt},
    },
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// So many unused codes, or fewer, are few: time to make new ones.
pub const FEW: u32 = 3;

const SYMBOLS: usize = 1 + 16 + 1;
const GROUP: usize = 6;

/// One recovery code, checked for typing errors.
pub struct RecoveryCode {
    slot: Slot,
    symbols: Symbols<SYMBOLS>,
}

/// The place of a code in its set: 0 to 31.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Slot(u8);

/// What is left of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoverySet {
    /// The set.
    pub id: RecoverySetId,
    /// What it is made of.
    pub kind: SetKind,
    /// How many codes it had.
    pub total: u32,
    /// The unused codes: the slot and the hash of each.
    pub unused: Vec<(Slot, SlowHash)>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the user said that they had saved it.
    pub confirmed_at: Option<Timestamp>,
}

/// What a set is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SetKind {
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
    pub kind: SetKind,
    /// What guesses are compared with.
    pub hashes: Vec<(Slot, SlowHash)>,
}

/// The key that takes the place of a used one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextKey {
    /// The set of one that it makes.
    pub set: RecoverySetId,
    /// What guesses are compared with.
    pub hash: SlowHash,
}

/// What was known of a user's way back when a challenge was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Whether the policy lets recovery codes and keys sign in.
    pub accepted: bool,
    /// What the set is made of; nothing where there is none.
    pub kind: Option<SetKind>,
    /// Whether the user said that they had saved it.
    pub saved: bool,
}

/// What one argon2id costs (RFC 9106).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

/// A password hash string in PHC form, `$argon2id$v=19$…`; that of a key is `$sha256$…`.
#[derive(Clone, PartialEq, Eq)]
pub struct SlowHash(String);

impl RecoverySet {
    /// How many codes are unused.
    #[must_use]
    pub fn left(&self) -> u32 {
        u32::try_from(self.unused.len()).unwrap_or(u32::MAX)
    }

    /// The hash of the unused code in a slot.
    #[must_use]
    pub fn unused_in(&self, slot: Slot) -> Option<&SlowHash> {
        let mut unused = self.unused.iter();
        unused.find(|(of, _)| *of == slot).map(|(_, hash)| hash)
    }
}

impl Slot {
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

impl SetKind {
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
    pub fn new(slot: Slot, seed: &[u8; 10]) -> Self {
        let symbols = Symbols::of([slot.number()].into_iter().chain(fives(seed)));
        Self { slot, symbols }
    }

    /// Reads a code as people type it: any case, hyphens and spaces or none, O for 0, I and L for 1.
    ///
    /// # Errors
    /// [`Malformed::NotACode`] if it has another form or the check character says that it is mistyped.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let symbols = Symbols::parse(text)?;
        Ok(Self {
            slot: Slot(symbols.first()),
            symbols,
        })
    }

    /// The slot that says where to look.
    #[must_use]
    pub fn slot(&self) -> Slot {
        self.slot
    }

    /// The code as it is shown, in three groups of six.
    #[must_use]
    pub fn expose(&self) -> String {
        self.symbols.expose(GROUP)
    }

    /// The slow hash to keep. One salt a code; the codes of one set share the memory.
    #[must_use]
    pub fn hash(&self, salt: &[u8; 16], cost: HashCost, memory: &mut HashMemory) -> SlowHash {
        SlowHash::of(self.symbols.as_slice(), salt, cost, memory)
    }

    /// Whether this code was hashed to that. As slow as the hash says.
    #[must_use]
    pub fn matches(&self, hash: &SlowHash) -> bool {
        hash.is_of(self.symbols.as_slice())
    }
}

impl SlowHash {
    /// From a store.
    #[must_use]
    pub fn from_phc(text: String) -> Self {
        Self(text)
    }

    /// For a store.
    #[must_use]
    pub fn as_phc(&self) -> &str {
        &self.0
    }

    /// What was made by an argon2id, with what that cost; nothing if the text is none.
    #[must_use]
    pub fn read(phc: &str) -> Option<(Self, HashCost)> {
        let hash = PasswordHash::new(phc).ok()?;
        let params = Params::try_from(&hash).ok()?;
        let is_whole = hash.algorithm == Algorithm::Argon2id.ident() && hash.hash.is_some();
        let cost = HashCost {
            memory_kib: params.m_cost(),
            passes: params.t_cost(),
        };
        is_whole.then(|| (Self(phc.to_owned()), cost))
    }

    /// The slow hash of a secret.
    ///
    /// # Panics
    /// Never: every [`HashCost`] that configuration admits is within argon2's own bounds.
    pub(crate) fn of(
        secret: &[u8],
        salt: &[u8; 16],
        cost: HashCost,
        memory: &mut HashMemory,
    ) -> Self {
        let params = Params::new(cost.memory_kib, cost.passes, 1, None)
            .expect("configuration admits only costs that argon2 takes");
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let hash = phc(&argon2, secret, salt, memory)
            .expect("a salt of 16 bytes and an output of 32 are within argon2's bounds");
        Self(hash.to_string())
    }

    /// Whether a secret was hashed to this. As slow as the hash says.
    pub(crate) fn is_of(&self, secret: &[u8]) -> bool {
        self.compare(secret).unwrap_or(false)
    }

    fn compare(&self, secret: &[u8]) -> password_hash::Result<bool> {
        let kept = PasswordHash::new(&self.0)?;
        let (Some(salt), Some(expected)) = (&kept.salt, &kept.hash) else {
            return Ok(false);
        };
        let algorithm = Algorithm::try_from(kept.algorithm.as_str())?;
        let version = kept.version.map(Version::try_from).transpose()?;
        let params = Params::try_from(&kept)?;
        let argon2 = Argon2::new(algorithm, version.unwrap_or_default(), params);
        let output = output(&argon2, secret, salt, &mut HashMemory::new())?;
        // `Output` is compared in constant time.
        Ok(output == *expected)
    }
}

/// The same string that [`password_hash::PasswordHasher`] gives.
fn phc(
    argon2: &Argon2<'_>,
    secret: &[u8],
    salt: &[u8],
    memory: &mut HashMemory,
) -> password_hash::Result<PasswordHash> {
    Ok(PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(argon2.params())?,
        salt: Some(Salt::new(salt)?),
        hash: Some(output(argon2, secret, salt, memory)?),
    })
}

/// What argon2 makes of a secret, in memory of ours.
fn output(
    argon2: &Argon2<'_>,
    secret: &[u8],
    salt: &[u8],
    memory: &mut HashMemory,
) -> password_hash::Result<Output> {
    let length = argon2.params().output_len();
    let mut buffer = [0; Output::MAX_LENGTH];
    let output = buffer
        .get_mut(..length.unwrap_or(Params::DEFAULT_OUTPUT_LEN))
        .ok_or(password_hash::Error::OutputSize)?;
    let blocks = memory.blocks(argon2.params().block_count());
    argon2.hash_password_into_with_memory(secret, salt, output, blocks)?;
    Ok(Output::new(output)?)
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode([redacted])")
    }
}

impl fmt::Debug for SlowHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SlowHash([redacted])")
    }
}

/// A code that nobody has, from a random seed: what a guess at an empty slot is compared with.
#[must_use]
pub fn nobodys_code(seed: &[u8; 16]) -> RecoveryCode {
    let secret = seed.first_chunk().copied().unwrap_or_default();
    RecoveryCode::new(Slot(31), &secret)
}

#[cfg(test)]
mod tests;
