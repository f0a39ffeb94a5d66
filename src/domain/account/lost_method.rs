//! Lost methods: removed by a sign-in by recovery code. They keep their strength for 72 hours, so that the weaker
//! methods that are left can't take two-factor over meanwhile.

use crate::{method::MethodKind, value::time::Timestamp};
use std::time::Duration;

/// How long a lost method keeps its strength.
pub const LOST_METHOD_RETENTION: Duration = Duration::from_hours(72);

/// A method that was removed by a sign-in by recovery code or key. An account has at most one of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LostMethod {
    /// The kind of the method.
    pub kind: MethodKind,
    /// When it was removed.
    pub removed_at: Timestamp,
}

impl LostMethod {
    /// Whether it still has its strength.
    #[must_use]
    pub fn weighs(&self, now: Timestamp) -> bool {
        now.since(self.removed_at) < LOST_METHOD_RETENTION
    }
}
