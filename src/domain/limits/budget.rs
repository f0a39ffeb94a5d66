//! Budgets: rate limits over sliding windows. Each budget is a log of charges with their instants.

use crate::value::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The pseudonym of a budget that spans users: 128 bits of a MAC. Stores identify the budget by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BudgetTag(pub [u8; 16]);

/// The pseudonym of the tenant or destination that a budget belongs to: 128 bits of a MAC. Budgets of one owner are
/// charged together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BudgetOwner(pub [u8; 16]);

/// A limit of `count` events within any span of length `within`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateLimit {
    /// The largest number of events in the span.
    pub count: u32,
    /// The length of the span.
    pub within: Duration,
}

/// A short and a long sliding window; both apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateLimitWindows {
    /// The short window.
    pub short: RateLimit,
    /// The long window. Charges older than it can be forgotten.
    pub long: RateLimit,
}

/// The budget that an attempt is charged to. The classes are separate, so that wrong codes from an unknown client block
/// neither a known device nor recovery codes (A57).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AttemptClass {
    /// From a client without a device token.
    Unknown,
    /// From the known device that opened the challenge, by the token from its own second factor.
    Known,
    /// With a recovery code, from any client.
    Recovery,
}

impl AttemptClass {
    /// All classes.
    pub const ALL: [Self; 3] = [Self::Unknown, Self::Known, Self::Recovery];

    /// The number of the class in stores.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::Known => 1,
            Self::Recovery => 2,
        }
    }

    /// Finds a class by its number.
    #[must_use]
    pub fn numbered(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.number() == number)
    }
}

impl RateLimit {
    /// Makes a limit of `count` events within a span.
    #[must_use]
    pub const fn new(count: u32, within: Duration) -> Self {
        Self { count, within }
    }

    /// When one more event fits; `None` means now.
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
    /// Makes windows with a single limit.
    #[must_use]
    pub const fn only(limit: RateLimit) -> Self {
        Self {
            short: limit,
            long: limit,
        }
    }

    /// How long a charge counts.
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

    /// When one more event fits beside those charged; `None` means now. A charge later than `now`, after a clock was
    /// set back, counts like any other.
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
