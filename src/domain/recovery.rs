//! Recovery codes: look-up secrets for the day when the phone is gone (NIST SP 800-63B-4 §4.2.1).
//!
//! A code is 18 characters of Crockford's base32: one for its slot, sixteen for 80 random bits, one to check the rest.
//! The slot finds the row, so that a try costs one slow hash. The check character tells a typing error from a guess.

use crate::{id::RecoverySetId, malformed::Malformed, time::Timestamp};
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{CustomizedPasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroizing;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// So many unused codes, or fewer, are few: time to make new ones.
pub const FEW: u32 = 3;

const SECRET_SYMBOLS: usize = 16;
const SYMBOLS: usize = 1 + SECRET_SYMBOLS + 1;
const GROUP: usize = 6;

/// One recovery code, checked for typing errors.
pub struct RecoveryCode {
    slot: Slot,
    symbols: Zeroizing<[u8; SYMBOLS]>,
}

/// The place of a code in its set: 0 to 31.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Slot(u8);

/// What is left of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoverySet {
    /// The set.
    pub id: RecoverySetId,
    /// How many codes it had.
    pub total: u32,
    /// How many are unused.
    pub left: u32,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What one argon2id costs (RFC 9106).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

/// A password hash string in PHC form, `$argon2id$v=19$…`.
#[derive(Clone, PartialEq, Eq)]
pub struct SlowHash(String);

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

impl RecoveryCode {
    /// The code of a slot, from 80 random bits.
    #[must_use]
    pub fn new(slot: Slot, seed: &[u8; 10]) -> Self {
        let mut symbols = [0; SYMBOLS];
        let mut bits = seed
            .iter()
            .fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
        for symbol in symbols.iter_mut().skip(1).take(SECRET_SYMBOLS) {
            *symbol = u8::try_from(bits & 31).unwrap_or(0);
            bits >>= 5;
        }
        symbols[0] = slot.number();
        symbols[SYMBOLS - 1] = check_symbol(&symbols);
        Self {
            slot,
            symbols: Zeroizing::new(symbols),
        }
    }

    /// Reads a code as people type it: any case, hyphens and spaces or none, O for 0, I and L for 1.
    ///
    /// # Errors
    /// [`Malformed::NotACode`] if it has another form or the check character says that it is mistyped.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let mut symbols = [0; SYMBOLS];
        let mut places = symbols.iter_mut();
        for byte in text.bytes().filter(|byte| !b"- ".contains(byte)) {
            let place = places.next().ok_or(Malformed::NotACode)?;
            *place = symbol(byte).ok_or(Malformed::NotACode)?;
        }
        if places.next().is_some() || symbols[SYMBOLS - 1] != check_symbol(&symbols) {
            return Err(Malformed::NotACode);
        }
        Ok(Self {
            slot: Slot(symbols[0]),
            symbols: Zeroizing::new(symbols),
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
        let letter = |symbol: &u8| {
            ALPHABET
                .get(usize::from(*symbol))
                .map_or('?', |byte| char::from(*byte))
        };
        let groups = self.symbols.as_slice().chunks(GROUP);
        let groups: Vec<String> = groups
            .map(|group| group.iter().map(letter).collect())
            .collect();
        groups.join("-")
    }

    /// The slow hash to keep. One salt a code.
    ///
    /// # Panics
    /// Never: every [`HashCost`] that configuration admits is within argon2's own bounds.
    #[must_use]
    pub fn hash(&self, salt: &[u8; 16], cost: HashCost) -> SlowHash {
        let params = Params::new(cost.memory_kib, cost.passes, 1, None)
            .expect("configuration admits only costs that argon2 takes");
        let hash = Argon2::default()
            .hash_password_customized(
                self.symbols.as_slice(),
                salt,
                Some(Algorithm::Argon2id.ident().as_str()),
                Some(Version::V0x13.into()),
                params,
            )
            .expect("a salt of 16 bytes and an output of 32 are within argon2's bounds");
        SlowHash(hash.to_string())
    }

    /// Whether this code was hashed to that. As slow as the hash says.
    #[must_use]
    pub fn matches(&self, hash: &SlowHash) -> bool {
        PasswordHash::new(&hash.0).is_ok_and(|hash| {
            Argon2::default()
                .verify_password(self.symbols.as_slice(), &hash)
                .is_ok()
        })
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

fn symbol(byte: u8) -> Option<u8> {
    let canonical = match byte.to_ascii_uppercase() {
        b'O' => b'0',
        b'I' | b'L' => b'1',
        other => other,
    };
    let position = ALPHABET.iter().position(|known| *known == canonical)?;
    u8::try_from(position).ok()
}

/// A weighted sum over GF(32), every place with a weight of its own. It finds each wrong symbol and each swap of two.
/// Weights begin at 2, because the check symbol itself has 1.
fn check_symbol(symbols: &[u8; SYMBOLS]) -> u8 {
    let (sum, _) = symbols
        .iter()
        .take(SYMBOLS - 1)
        .fold((0, 2), |(sum, weight), symbol| {
            (sum ^ product(*symbol, weight), product(weight, 2))
        });
    sum
}

/// Product in GF(2^5) modulo x^5 + x^2 + 1, in which x (2) generates all 31 others.
fn product(a: u8, b: u8) -> u8 {
    let mut product = 0;
    let mut shifted = a;
    for bit in 0..5 {
        if b >> bit & 1 == 1 {
            product ^= shifted;
        }
        shifted = shifted << 1 ^ if shifted & 16 == 16 { 0b10_0101 } else { 0 };
    }
    product & 31
}

/// A code that nobody has, from a random seed: what a guess at an empty slot is compared with.
#[must_use]
pub fn nobodys_code(seed: &[u8; 16]) -> RecoveryCode {
    let secret = seed.first_chunk().copied().unwrap_or_default();
    RecoveryCode::new(Slot(31), &secret)
}

#[cfg(test)]
mod tests;
