//! Bypass codes, which administrators issue to users without a usable method. A user has at most one, valid for at most
//! a day. It signs in once, and the approval authorizes one enrollment.
//!
//! A code has the letter `U`, which no recovery code has, and 17 characters of Crockford's base32. Sixteen are for 80
//! random bits, and one is a check symbol.

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

/// A letter that Crockford's base32 leaves out. It distinguishes bypass codes from recovery codes.
const BYPASS_CODE_PREFIX: char = 'U';

const SYMBOLS: usize = 16 + 1;
const GROUP: usize = 6;

/// The longest lifetime of a bypass code (NIST SP 800-63B-4 §4.2.1.2).
pub const MAX_LIFETIME: Duration = Duration::from_hours(24);

/// The default lifetime: long enough to dictate the code by telephone and enter it.
pub const DEFAULT_LIFETIME: Duration = Duration::from_hours(1);

/// A bypass code with a valid check symbol.
pub struct BypassCode(CrockfordSymbols<SYMBOLS>);

/// A stored bypass code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBypassCode {
    /// The id.
    pub id: BypassCodeId,
    /// The argon2 hash. A secret of 80 bits needs a slow hash (NIST SP 800-63B-4 §3.1.2.2).
    pub hash: SecretHash,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// The bypass code of a user. It can sign in while its epoch is the user's epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveBypassCode {
    /// The code as it was issued.
    pub issued: NewBypassCode,
    /// The user's credential epoch after it was issued.
    pub epoch: Epoch,
}

impl BypassCode {
    /// Makes a code from 80 random bits.
    #[must_use]
    pub fn new(seed: &[u8; 10]) -> Self {
        Self(CrockfordSymbols::of(fives(seed)))
    }

    /// Whether a text starts with the letter of bypass codes.
    #[must_use]
    pub fn is_meant_by(text: &str) -> bool {
        let first = typed(text).next();
        first.is_some_and(|letter| letter.eq_ignore_ascii_case(&BYPASS_CODE_PREFIX))
    }

    /// Reads a code in any case. Spaces and dashes are ignored; O is read as 0, and I and L as 1.
    ///
    /// # Errors
    /// [`MalformedValue::NotACode`] for another length or character, or if the check symbol does not match.
    pub fn parse(text: &str) -> Result<Self, MalformedValue> {
        let (before, after) = text
            .split_once([BYPASS_CODE_PREFIX, BYPASS_CODE_PREFIX.to_ascii_lowercase()])
            .ok_or(MalformedValue::NotACode)?;
        if typed(before).next().is_some() {
            return Err(MalformedValue::NotACode);
        }
        CrockfordSymbols::parse(after).map(Self)
    }

    /// The code as users see it, in three groups of six.
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

    /// The argon2 hash to store.
    #[must_use]
    pub fn hash(&self, salt: &[u8; 16], cost: HashCost) -> SecretHash {
        SecretHash::of(self.0.as_slice(), salt, cost, &mut HashMemory::new())
    }

    /// Whether the code matches a hash. Costs one argon2 computation.
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
