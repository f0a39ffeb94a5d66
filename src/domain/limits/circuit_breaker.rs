//! A circuit breaker: who fails time after time is left alone for a while, so that nobody waits for them in vain.
//!
//! Time is an argument: what has passed since an instant of the caller's choosing, by a clock that is never set.

use std::{num::NonZeroU32, time::Duration};

/// When a breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerConfig {
    /// How many failures, one after the other, it bears.
    pub failures: NonZeroU32,
    /// How long nobody is let through then; and how long one who is sent to look may take.
    pub wait: Duration,
}

/// Lets calls through, or does not.
#[derive(Debug, Clone)]
pub struct CircuitBreaker {
    breaker_config: BreakerConfig,
    /// Grows with every change of the state: what was let through before one says nothing about the time after it.
    round: u64,
    state: BreakerState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BreakerState {
    /// Everybody is let through.
    Closed { failures: u32 },
    /// Nobody is, until then.
    Open { until: Duration },
    /// One has been, to look. If nothing is heard of it by then, another one is.
    Probing { until: Duration },
}

/// A call that was let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerPermit {
    round: u64,
}

/// What a call that was let through came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallReport {
    /// There was an answer.
    Answered,
    /// There was none, or one that shows that nothing works there.
    Failed,
}

/// A change that an operator wants to hear of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerTransition {
    /// Nobody is let through from now on.
    Opened,
    /// Everybody is again.
    Closed,
}

impl CircuitBreaker {
    /// A closed one.
    #[must_use]
    pub const fn new(breaker_config: BreakerConfig) -> Self {
        Self {
            breaker_config,
            round: 0,
            state: BreakerState::Closed { failures: 0 },
        }
    }

    /// Whether a call would be let through.
    #[must_use]
    pub fn admits(&self, now: Duration) -> bool {
        match self.state {
            BreakerState::Closed { .. } => true,
            BreakerState::Open { until } | BreakerState::Probing { until } => now >= until,
        }
    }

    /// Lets a call through, or does not.
    pub fn admit(&mut self, now: Duration) -> Option<BreakerPermit> {
        if !self.admits(now) {
            return None;
        }
        if !matches!(self.state, BreakerState::Closed { .. }) {
            let until = now.saturating_add(self.breaker_config.wait);
            self.enter(BreakerState::Probing { until });
        }
        Some(BreakerPermit { round: self.round })
    }

    /// Hears what a call came to that was let through.
    pub fn report(
        &mut self,
        permit: BreakerPermit,
        report: CallReport,
        now: Duration,
    ) -> Option<BreakerTransition> {
        if permit.round != self.round {
            return None;
        }
        match (self.state, report) {
            (BreakerState::Closed { .. }, CallReport::Answered) => {
                self.state = BreakerState::Closed { failures: 0 };
                None
            }
            (BreakerState::Closed { failures }, CallReport::Failed) => self.count(failures, now),
            (BreakerState::Probing { .. }, CallReport::Answered) => {
                self.enter(BreakerState::Closed { failures: 0 });
                Some(BreakerTransition::Closed)
            }
            (BreakerState::Probing { .. }, CallReport::Failed) => {
                self.open(now);
                None
            }
            (BreakerState::Open { .. }, _) => None,
        }
    }

    fn count(&mut self, failures: u32, now: Duration) -> Option<BreakerTransition> {
        let failures = failures.saturating_add(1);
        if failures < self.breaker_config.failures.get() {
            self.state = BreakerState::Closed { failures };
            return None;
        }
        self.open(now);
        Some(BreakerTransition::Opened)
    }

    fn open(&mut self, now: Duration) {
        let until = now.saturating_add(self.breaker_config.wait);
        self.enter(BreakerState::Open { until });
    }

    const fn enter(&mut self, state: BreakerState) {
        self.round = self.round.wrapping_add(1);
        self.state = state;
    }
}

#[cfg(test)]
mod tests;
