//! Account passwords. Somebody else keeps them: here they are only carried there, and compared where the reference verifier
//! stands in for whoever keeps them.

use crate::{
    recovery::{HashCost, HashMemory, SecretHash},
    value::malformed::MalformedValue,
};
use std::fmt;
use zeroize::Zeroizing;

/// The longest password that is carried, in bytes: far longer than people type, and short enough to be hashed in vain.
pub const MAX_PASSWORD_BYTES: usize = 1024;

/// What a person typed as the password of their account: 1 to 1024 bytes of UTF-8, neither trimmed nor folded.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// From what was typed.
    ///
    /// # Errors
    /// Tells what is malformed.
    pub fn parse(text: Zeroizing<String>) -> Result<Self, MalformedValue> {
        match text.len() {
            0 => Err(MalformedValue::Empty),
            1..=MAX_PASSWORD_BYTES => Ok(Self(text)),
            _ => Err(MalformedValue::TooLong(MAX_PASSWORD_BYTES)),
        }
    }

    /// The password, for whoever keeps it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The slow hash to keep. One salt a password.
    #[must_use]
    pub fn hash(&self, salt: &[u8; 16], cost: HashCost) -> SecretHash {
        SecretHash::of(self.0.as_bytes(), salt, cost, &mut HashMemory::new())
    }

    /// Whether this password was hashed to that. As slow as the hash says.
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
