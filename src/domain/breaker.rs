//! A circuit breaker: who fails time after time is left alone for a while, so that nobody waits for them in vain.
//!
//! Time is an argument: what has passed since an instant of the caller's choosing, by a clock that is never set.

use std::{num::NonZeroU32, time::Duration};

/// When a breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How many failures, one after the other, it bears.
    pub failures: NonZeroU32,
    /// How long nobody is let through then; and how long one who is sent to look may take.
    pub wait: Duration,
}

/// Lets calls through, or does not.
#[derive(Debug, Clone)]
pub struct Breaker {
    patience: Patience,
    /// Grows with every change of the state: what was let through before one says nothing about the time after it.
    round: u64,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Everybody is let through.
    Closed { failures: u32 },
    /// Nobody is, until then.
    Open { until: Duration },
    /// One has been, to look. If nothing is heard of it by then, another one is.
    Probing { until: Duration },
}

/// A call that was let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permit {
    round: u64,
}

/// What a call that was let through came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// There was an answer.
    Answered,
    /// There was none, or one that shows that nothing works there.
    Failed,
}

/// A change that an operator wants to hear of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Nobody is let through from now on.
    Opened,
    /// Everybody is again.
    Closed,
}

impl Breaker {
    /// A closed one.
    #[must_use]
    pub const fn new(patience: Patience) -> Self {
        Self {
            patience,
            round: 0,
            state: State::Closed { failures: 0 },
        }
    }

    /// Whether a call would be let through.
    #[must_use]
    pub fn admits(&self, now: Duration) -> bool {
        match self.state {
            State::Closed { .. } => true,
            State::Open { until } | State::Probing { until } => now >= until,
        }
    }

    /// Lets a call through, or does not.
    pub fn admit(&mut self, now: Duration) -> Option<Permit> {
        if !self.admits(now) {
            return None;
        }
        if !matches!(self.state, State::Closed { .. }) {
            let until = now.saturating_add(self.patience.wait);
            self.enter(State::Probing { until });
        }
        Some(Permit { round: self.round })
    }

    /// Hears what a call came to that was let through.
    pub fn report(&mut self, permit: Permit, report: Report, now: Duration) -> Option<Turn> {
        if permit.round != self.round {
            return None;
        }
        match (self.state, report) {
            (State::Closed { .. }, Report::Answered) => {
                self.state = State::Closed { failures: 0 };
                None
            }
            (State::Closed { failures }, Report::Failed) => self.count(failures, now),
            (State::Probing { .. }, Report::Answered) => {
                self.enter(State::Closed { failures: 0 });
                Some(Turn::Closed)
            }
            (State::Probing { .. }, Report::Failed) => {
                self.open(now);
                None
            }
            (State::Open { .. }, _) => None,
        }
    }

    fn count(&mut self, failures: u32, now: Duration) -> Option<Turn> {
        let failures = failures.saturating_add(1);
        if failures < self.patience.failures.get() {
            self.state = State::Closed { failures };
            return None;
        }
        self.open(now);
        Some(Turn::Opened)
    }

    fn open(&mut self, now: Duration) {
        let until = now.saturating_add(self.patience.wait);
        self.enter(State::Open { until });
    }

    const fn enter(&mut self, state: State) {
        self.round = self.round.wrapping_add(1);
        self.state = state;
    }
}

#[cfg(test)]
mod tests;
