//! The epoch: everything issued to a user carries it, and dies when it grows.

use serde::{Deserialize, Serialize};

/// A number of the user's. It grows with the first method, and with every change after which old proofs must not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Epoch(i64);

impl Epoch {
    /// The first epoch of a user, from a random seed: large, so that a user who was deleted and made again never
    /// meets proofs from before, and with room to grow for ever.
    #[must_use]
    pub const fn first(seed: u64) -> Self {
        const LOWEST: i64 = 1 << 40;
        Self(LOWEST + (seed >> 2).cast_signed())
    }

    /// The epoch after this one.
    #[must_use]
    pub const fn grown(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// As kept by a store.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }

    /// From a store.
    #[must_use]
    pub const fn from_number(number: i64) -> Self {
        Self(number)
    }
}

#[cfg(test)]
mod tests;
