//! Sets of method kinds.

use crate::method::MethodKind;
use serde::{Deserialize, Serialize};

/// A set of method kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<MethodKind>", into = "Vec<MethodKind>")]
pub struct MethodKinds(u8);

impl MethodKinds {
    /// No kind.
    pub const NONE: Self = Self(0);
    /// All kinds.
    pub const ALL: Self = Self(0b111);

    const fn bit(kind: MethodKind) -> u8 {
        match kind {
            MethodKind::Totp => 1,
            MethodKind::Sms => 2,
            MethodKind::Email => 4,
        }
    }

    /// Whether the set contains a kind.
    #[must_use]
    pub const fn contain(self, kind: MethodKind) -> bool {
        self.0 & Self::bit(kind) != 0
    }

    /// The intersection of two sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The union of two sets.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The kinds, strongest first.
    pub fn iter(self) -> impl Iterator<Item = MethodKind> {
        MethodKind::ALL
            .into_iter()
            .filter(move |kind| self.contain(*kind))
    }
}

impl FromIterator<MethodKind> for MethodKinds {
    fn from_iter<T: IntoIterator<Item = MethodKind>>(kinds: T) -> Self {
        Self(
            kinds
                .into_iter()
                .fold(0, |bits, kind| bits | Self::bit(kind)),
        )
    }
}

impl From<Vec<MethodKind>> for MethodKinds {
    fn from(kinds: Vec<MethodKind>) -> Self {
        kinds.into_iter().collect()
    }
}

impl From<MethodKinds> for Vec<MethodKind> {
    fn from(kinds: MethodKinds) -> Self {
        kinds.iter().collect()
    }
}
