//! The guesses that were charged to a user, by class, and when the next one fits.

use crate::{
    book::Book,
    budget::{GuessClass, Windows},
    change::Failure,
    id::{ChallengeId, GuessId},
    time::Timestamp,
};
use std::collections::HashMap;

/// The guesses of one user.
#[derive(Debug, Default)]
pub(super) struct Guesses(HashMap<GuessClass, Vec<Guess>>);

/// A guess's id alone would not do: without request ids the same one may come with two challenges.
#[derive(Debug, Clone, Copy)]
struct Guess {
    challenge: ChallengeId,
    id: GuessId,
    at: Timestamp,
}

impl Guess {
    fn is(&self, challenge: ChallengeId, guess: GuessId) -> bool {
        (self.challenge, self.id) == (challenge, guess)
    }
}

impl Guesses {
    /// When one more of a class fits; `None` means now.
    pub(super) fn full_until(
        &self,
        class: GuessClass,
        windows: &Windows,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let past = self.0.get(&class).map_or(&[][..], Vec::as_slice);
        windows.full_until(past.iter().map(|guess| guess.at), now)
    }

    /// Charges a guess.
    pub(super) fn charge(
        &mut self,
        class: GuessClass,
        (challenge, guess): (ChallengeId, GuessId),
        at: Timestamp,
    ) {
        let charged = self.0.entry(class).or_default();
        charged.retain(|known| !known.is(challenge, guess));
        charged.push(Guess {
            challenge,
            id: guess,
            at,
        });
    }

    /// When a guess was charged, if it was.
    pub(super) fn charged_at(&self, challenge: ChallengeId, guess: GuessId) -> Option<Timestamp> {
        let of_class = GuessClass::ALL.iter().filter_map(|class| self.0.get(class));
        let mut all = of_class.flatten();
        let known = all.find(|known| known.is(challenge, guess));
        known.map(|known| known.at)
    }

    /// Charges what the durable record knows, and is not charged yet.
    pub(super) fn raise(&mut self, failures: &[Failure]) {
        for failure in failures {
            let charged = self.0.entry(failure.class).or_default();
            let known = charged
                .iter()
                .any(|known| known.is(failure.challenge, failure.guess));
            if !known {
                charged.push(Guess {
                    challenge: failure.challenge,
                    id: failure.guess,
                    at: failure.at,
                });
            }
        }
    }

    /// Gives a guess back.
    pub(super) fn refund(&mut self, challenge: ChallengeId, guess: GuessId) {
        for charged in self.0.values_mut() {
            charged.retain(|known| !known.is(challenge, guess));
        }
    }

    /// Forgets what is older than every window.
    pub(super) fn forget(&mut self, horizon: Timestamp) {
        for charged in self.0.values_mut() {
            charged.retain(|guess| guess.at > horizon);
        }
        self.0.retain(|_, charged| !charged.is_empty());
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Book {
    /// Forgets the guesses that were charged. Open challenges keep count of theirs.
    pub fn lift_windows(&mut self) {
        self.guesses = Guesses::default();
    }
}
