//! Account passwords. A password service verifies them. Only the reference verifier hashes and compares them here.

use crate::{
    recovery::{HashCost, HashMemory, SecretHash},
    value::malformed::MalformedValue,
};
use std::fmt;
use zeroize::Zeroizing;

/// The longest accepted password, in bytes: longer than people type, and short enough to limit the cost of hashing.
pub const MAX_PASSWORD_BYTES: usize = 1024;

/// A submitted account password: 1 to 1024 bytes of UTF-8, neither trimmed nor normalized.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Reads a submitted password.
    ///
    /// # Errors
    /// [`MalformedValue`] says what is wrong.
    pub fn parse(text: Zeroizing<String>) -> Result<Self, MalformedValue> {
        match text.len() {
            0 => Err(MalformedValue::Empty),
            1..=MAX_PASSWORD_BYTES => Ok(Self(text)),
            _ => Err(MalformedValue::TooLong(MAX_PASSWORD_BYTES)),
        }
    }

    /// The password, for the password service.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The argon2 hash to store. Each password needs its own salt.
    #[must_use]
    pub fn hash(&self, salt: &[u8; 16], cost: HashCost) -> SecretHash {
        SecretHash::of(self.0.as_bytes(), salt, cost, &mut HashMemory::new())
    }

    /// Whether the password matches a hash. Costs one argon2 computation.
    #[must_use]
    pub fn matches(&self, hash: &SecretHash) -> bool {
        hash.is_of(self.0.as_bytes())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password([redacted])")
    }
}

#[cfg(test)]
mod tests;
