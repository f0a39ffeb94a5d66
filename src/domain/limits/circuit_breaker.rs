//! A circuit breaker: stops calls to a service after consecutive failures and probes it after a wait.
//!
//! Time is an argument: the duration since an instant of the caller's choice, by a monotonic clock.

use std::{num::NonZeroU32, time::Duration};

/// When a circuit opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerConfig {
    /// Consecutive failures after which the circuit opens.
    pub failures: NonZeroU32,
    /// How long the circuit stays open. Also how long a probe may take before another one is admitted.
    pub wait: Duration,
}

/// A circuit breaker for one service.
#[derive(Debug, Clone)]
pub struct CircuitBreaker {
    breaker_config: BreakerConfig,
    /// Grows with every change of state. Reports on calls from an earlier round are ignored.
    round: u64,
    state: BreakerState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BreakerState {
    /// Admits all calls.
    Closed { failures: u32 },
    /// Admits no call until then.
    Open { until: Duration },
    /// One call was admitted as a probe. If it is not reported until then, another one is admitted.
    Probing { until: Duration },
}

/// Permission for one call. It is returned with the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerPermit {
    round: u64,
}

/// The outcome of a permitted call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallReport {
    /// The service answered.
    Answered,
    /// The service did not answer, or its answer shows that it does not work.
    Failed,
}

/// A state change that operators are notified of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerTransition {
    /// The circuit opened: calls are rejected.
    Opened,
    /// The circuit closed: calls are admitted again.
    Closed,
}

impl CircuitBreaker {
    /// Makes a closed circuit.
    #[must_use]
    pub const fn new(breaker_config: BreakerConfig) -> Self {
        Self {
            breaker_config,
            round: 0,
            state: BreakerState::Closed { failures: 0 },
        }
    }

    /// Whether a call would be admitted.
    #[must_use]
    pub fn admits(&self, now: Duration) -> bool {
        match self.state {
            BreakerState::Closed { .. } => true,
            BreakerState::Open { until } | BreakerState::Probing { until } => now >= until,
        }
    }

    /// Admits a call, or returns `None`. After the wait of an open circuit, it admits one call as a probe.
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

    /// Records the outcome of a permitted call.
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
