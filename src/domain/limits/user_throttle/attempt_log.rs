//! The attempts charged to a user, by class.

use crate::{
    account::change::FailedAttempt,
    limits::budget::{AttemptClass, RateLimitWindows},
    value::{
        id::{AttemptId, ChallengeId},
        time::Timestamp,
    },
};
use std::{collections::HashMap, time::Duration};

/// How long attempts are kept at least, so that a repeated call is recognized.
const MIN_RETENTION: Duration = Duration::from_hours(1);

/// The attempts of one user.
#[derive(Debug, Default)]
pub(super) struct AttemptLog(HashMap<AttemptClass, Vec<LoggedAttempt>>);

/// Identified by challenge and attempt id: without a request id, one attempt id can occur with two challenges.
#[derive(Debug, Clone, Copy)]
struct LoggedAttempt {
    challenge: ChallengeId,
    id: AttemptId,
    at: Timestamp,
}

impl LoggedAttempt {
    fn is(&self, challenge: ChallengeId, attempt_id: AttemptId) -> bool {
        (self.challenge, self.id) == (challenge, attempt_id)
    }
}

impl AttemptLog {
    /// When one more attempt of a class fits; `None` means now.
    pub(super) fn full_until(
        &self,
        class: AttemptClass,
        windows: &RateLimitWindows,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let past = self.0.get(&class).map_or(&[][..], Vec::as_slice);
        windows.full_until(past.iter().map(|known| known.at), now)
    }

    /// How many more of a class fit now.
    pub(super) fn room(
        &self,
        class: AttemptClass,
        windows: &RateLimitWindows,
        now: Timestamp,
    ) -> u32 {
        let past = self.0.get(&class).map_or(&[][..], Vec::as_slice);
        windows.room(past.iter().map(|known| known.at), now)
    }

    /// Charges an attempt. Deletes charges that neither windows nor repeated calls need.
    pub(super) fn charge(
        &mut self,
        class: AttemptClass,
        challenge: ChallengeId,
        attempt: AttemptId,
        windows: &RateLimitWindows,
        at: Timestamp,
    ) {
        let horizon = at.minus(windows.longest().max(MIN_RETENTION));
        let charged = self.0.entry(class).or_default();
        charged.retain(|known| known.at > horizon && !known.is(challenge, attempt));
        charged.push(LoggedAttempt {
            challenge,
            id: attempt,
            at,
        });
    }

    /// When an attempt was charged; `None` if it was not.
    pub(super) fn charged_at(
        &self,
        challenge: ChallengeId,
        attempt_id: AttemptId,
    ) -> Option<Timestamp> {
        let of_class = AttemptClass::ALL
            .iter()
            .filter_map(|class| self.0.get(class));
        let mut all = of_class.flatten();
        let known = all.find(|known| known.is(challenge, attempt_id));
        known.map(|known| known.at)
    }

    /// Charges the failures of the durable record that are not charged yet.
    pub(super) fn raise(&mut self, failures: &[FailedAttempt]) {
        for failure in failures {
            let charged = self.0.entry(failure.class).or_default();
            let known = charged
                .iter()
                .any(|known| known.is(failure.challenge, failure.attempt_id));
            if !known {
                charged.push(LoggedAttempt {
                    challenge: failure.challenge,
                    id: failure.attempt_id,
                    at: failure.at,
                });
            }
        }
    }

    /// Refunds an attempt.
    pub(super) fn refund(&mut self, challenge: ChallengeId, attempt_id: AttemptId) {
        for charged in self.0.values_mut() {
            charged.retain(|known| !known.is(challenge, attempt_id));
        }
    }

    /// Deletes charges older than every window.
    pub(super) fn forget(&mut self, horizon: Timestamp) {
        for charged in self.0.values_mut() {
            charged.retain(|known| known.at > horizon);
        }
        self.0.retain(|_, charged| !charged.is_empty());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
