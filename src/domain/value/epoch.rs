//! The credential epoch: a proof is valid only in the epoch in which it was issued.

use serde::{Deserialize, Serialize};

/// The credential epoch of a user. It grows with the first method, and with each change that invalidates older proofs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Epoch(i64);

impl Epoch {
    /// Makes the first epoch of a user from a random seed. It is random and at least 2^40, so proofs of a deleted user
    /// don't match a new user with the same id. It can't overflow in practice.
    #[must_use]
    pub const fn first(seed: u64) -> Self {
        const LOWEST: i64 = 1 << 40;
        Self(LOWEST + (seed >> 2).cast_signed())
    }

    /// The next epoch.
    #[must_use]
    pub const fn grown(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The epochs before this one, latest first, at most `count`.
    pub fn earlier(self, count: i64) -> impl Iterator<Item = Self> {
        (1..=count).map(move |back| Self(self.0.saturating_sub(back)))
    }

    /// The number to store.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }

    /// Restores an epoch from a stored number.
    #[must_use]
    pub const fn from_number(number: i64) -> Self {
        Self(number)
    }
}

#[cfg(test)]
mod tests;
