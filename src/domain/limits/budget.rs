//! Budgets: how often something may happen. Each is a log of instants, judged by sliding windows.

use crate::value::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a budget that spans users is of, as stores know it: 128 bits of a MAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BudgetTag(pub [u8; 16]);

/// What a budget belongs to, a tenant or a destination, as stores know it: 128 bits of a MAC. Budgets of one owner are
/// charged together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BudgetOwner(pub [u8; 16]);

/// At most `count` within any span of length `within`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateLimit {
    /// How many.
    pub count: u32,
    /// In how long.
    pub within: Duration,
}

/// Two limits that hold together: one against haste, one against patience.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateLimitWindows {
    /// The shorter span.
    pub short: RateLimit,
    /// The longer span; nothing older than it has to be remembered.
    pub long: RateLimit,
}

/// Which budget a guess is charged to. They are apart so that a stranger who guesses can close neither the way of
/// a device that its owner proved, nor the way back by recovery code (A57).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AttemptClass {
    /// From a client that proved nothing.
    Unknown,
    /// From a device that itself completed a second factor and holds its token.
    Known,
    /// At a recovery code, from anywhere.
    Recovery,
}

impl AttemptClass {
    /// All classes.
    pub const ALL: [Self; 3] = [Self::Unknown, Self::Known, Self::Recovery];

    /// Its number in stores.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::Known => 1,
            Self::Recovery => 2,
        }
    }

    /// The class with that number.
    #[must_use]
    pub fn numbered(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.number() == number)
    }
}

impl RateLimit {
    /// So many in so long.
    #[must_use]
    pub const fn new(count: u32, within: Duration) -> Self {
        Self { count, within }
    }

    /// When the next one fits; `None` means now.
    fn full_until(self, newest_first: &[Timestamp], now: Timestamp) -> Option<Timestamp> {
        let index = usize::try_from(self.count)
            .unwrap_or(usize::MAX)
            .checked_sub(1);
        let frees_a_place = match index {
            Some(index) => newest_first.get(index)?.plus(self.within),
            None => now.plus(self.within),
        };
        (frees_a_place > now).then_some(frees_a_place)
    }
}

impl RateLimitWindows {
    /// A single limit.
    #[must_use]
    pub const fn only(limit: RateLimit) -> Self {
        Self {
            short: limit,
            long: limit,
        }
    }

    /// How long a charge matters.
    #[must_use]
    pub fn longest(&self) -> Duration {
        self.short.within.max(self.long.within)
    }

    /// How many more fit now beside those charged already.
    #[must_use]
    pub fn room(&self, charged: impl IntoIterator<Item = Timestamp>, now: Timestamp) -> u32 {
        let charged: Vec<Timestamp> = charged.into_iter().collect();
        let room = |limit: RateLimit| {
            let counts = |at: &&Timestamp| at.plus(limit.within) > now;
            let used = u32::try_from(charged.iter().filter(counts).count());
            limit.count.saturating_sub(used.unwrap_or(u32::MAX))
        };
        room(self.short).min(room(self.long))
    }

    /// When one more fits beside those charged already; `None` means now. An instant after `now` (a clock that was
    /// set back) counts like any other.
    #[must_use]
    pub fn full_until(
        &self,
        charged: impl IntoIterator<Item = Timestamp>,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let mut newest_first: Vec<Timestamp> = charged.into_iter().collect();
        newest_first.sort_unstable_by(|a, b| b.cmp(a));
        let short = self.short.full_until(&newest_first, now);
        let long = self.long.full_until(&newest_first, now);
        short.max(long)
    }
}

#[cfg(test)]
mod tests;
