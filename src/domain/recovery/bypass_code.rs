//! Bypass codes: what an administrator gives to a user who has nothing left to answer with. One is live at a time, for a
//! day at most; it signs in once, and opens the way to one enrollment.
//!
//! A code is `U`, which no recovery code has, and 17 characters of Crockford's base32: sixteen for 80 random bits, one to
//! check the rest.

use crate::{
    recovery::{HashCost, HashMemory, SecretHash},
    value::{
        crockford::{CrockfordSymbols, fives, typed},
        epoch::Epoch,
        id::BypassCodeId,
        malformed::MalformedValue,
        time::Timestamp,
    },
};
use std::{fmt, time::Duration};

/// The letter that Crockford's base32 leaves out: by it a bypass code is told from a recovery code.
const BYPASS_CODE_PREFIX: char = 'U';

const SYMBOLS: usize = 16 + 1;
const GROUP: usize = 6;

/// How long a bypass code may live at most (NIST SP 800-63B-4 §4.2.1.2).
pub const MAX_LIFETIME: Duration = Duration::from_hours(24);

/// How long it lives where nobody says: long enough to be read out over the telephone and typed.
pub const DEFAULT_LIFETIME: Duration = Duration::from_hours(1);

/// One bypass code, checked for typing errors.
pub struct BypassCode(CrockfordSymbols<SYMBOLS>);

/// A bypass code on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBypassCode {
    /// Its id.
    pub id: BypassCodeId,
    /// What a guess is compared with: with 80 bits it has to be a slow hash (NIST SP 800-63B-4 §3.1.2.2).
    pub hash: SecretHash,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// The bypass code that can sign in, if its epoch is still the user's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveBypassCode {
    /// The code as it was issued.
    pub issued: NewBypassCode,
    /// The user's epoch after it was issued.
    pub epoch: Epoch,
}

impl BypassCode {
    /// The code of 80 random bits.
    #[must_use]
    pub fn new(seed: &[u8; 10]) -> Self {
        Self(CrockfordSymbols::of(fives(seed)))
    }

    /// Whether a text begins as bypass codes do, and nothing else.
    #[must_use]
    pub fn is_meant_by(text: &str) -> bool {
        let first = typed(text).next();
        first.is_some_and(|byte| char::from(byte).eq_ignore_ascii_case(&BYPASS_CODE_PREFIX))
    }

    /// Reads a code as people type it: any case, hyphens and spaces or none, O for 0, I and L for 1.
    ///
    /// # Errors
    /// [`MalformedValue::NotACode`] if it has another form or the check character says that it is mistyped.
    pub fn parse(text: &str) -> Result<Self, MalformedValue> {
        let (before, after) = text
            .split_once([BYPASS_CODE_PREFIX, BYPASS_CODE_PREFIX.to_ascii_lowercase()])
            .ok_or(MalformedValue::NotACode)?;
        if typed(before).next().is_some() {
            return Err(MalformedValue::NotACode);
        }
        CrockfordSymbols::parse(after).map(Self)
    }

    /// The code as it is shown, in three groups of six.
    #[must_use]
    pub fn expose(&self) -> String {
        let shown: Vec<char> = [BYPASS_CODE_PREFIX]
            .into_iter()
            .chain(self.0.expose(usize::MAX).chars())
            .collect();
        let groups: Vec<String> = shown
            .chunks(GROUP)
            .map(|group| group.iter().collect())
            .collect();
        groups.join("-")
    }

    /// The slow hash to keep.
    #[must_use]
    pub fn hash(&self, salt: &[u8; 16], cost: HashCost) -> SecretHash {
        SecretHash::of(self.0.as_slice(), salt, cost, &mut HashMemory::new())
    }

    /// Whether this code was hashed to that. As slow as the hash says.
    #[must_use]
    pub fn matches(&self, hash: &SecretHash) -> bool {
        hash.is_of(self.0.as_slice())
    }
}

impl fmt::Debug for BypassCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BypassCode([redacted])")
    }
}

#[cfg(test)]
mod tests;
