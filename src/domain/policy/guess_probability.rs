//! The probability that an attacker guesses a code under a policy.

use super::{MethodKinds, Policy, TwoFactorMode};
use crate::{
    limits::budget::{AttemptClass, RateLimit, RateLimitWindows},
    method::MethodKind,
};
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

/// Days of one year of attempts.
const DAYS_PER_YEAR: f64 = 365.0;

/// The highest probability of a guessed code, over all methods, challenges and addresses together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GuessProbability {
    /// The kind whose code is guessed most easily.
    pub kind: MethodKind,
    /// How many codes of it are right at a time.
    pub right_codes: u32,
    /// The number of digits of its codes.
    pub digits: u8,
    /// The largest number of wrong codes judged in one day.
    pub attempts_per_day: u32,
    /// An upper bound of the probability that one attempt of a day is right.
    pub per_day: f64,
    /// The probability for a year of such days.
    pub per_year: f64,
}

impl Policy {
    /// The highest probability of guessing a code of one of these kinds at sign-in, with the budgets of these classes
    /// together; `None` if no code of them signs in.
    ///
    /// Attempts at one code exclude each other, so the probability of a day is at most the sum over its attempts. The
    /// codes of different days are independent, which gives the probability of a year.
    #[must_use]
    pub fn guess_probability(
        &self,
        kinds: MethodKinds,
        classes: &[AttemptClass],
    ) -> Option<GuessProbability> {
        if self.rules.two_factor == TwoFactorMode::Off {
            return None;
        }
        let answers = |kind: &MethodKind| {
            self.rules.allowed_kinds.contain(*kind)
                && kind.strength() >= self.rules.sign_in_strength
        };
        let asked = kinds.iter().filter(answers);
        let (kind, right_codes, digits) = asked.map(|kind| self.codes_of(kind)).max_by(
            |(_, codes, digits), (_, other_codes, other_digits)| {
                let other = chance_of_one(*other_codes, *other_digits);
                chance_of_one(*codes, *digits).total_cmp(&other)
            },
        )?;
        let budgets = classes.iter().map(|class| self.wrong_codes.of(*class));
        let attempts_per_day = budgets
            .map(|windows| attempts_within(windows, DAY))
            .fold(0, u32::saturating_add);
        let one = chance_of_one(right_codes, digits);
        let per_day = (f64::from(attempts_per_day) * one).min(1.0);
        Some(GuessProbability {
            kind,
            right_codes,
            digits,
            attempts_per_day,
            per_day,
            // 1 - (1 - per_day)^365, exact for small probabilities, too.
            per_year: -(DAYS_PER_YEAR * (-per_day).ln_1p()).exp_m1(),
        })
    }

    /// The kind, how many of its codes are right at a time, and their number of digits.
    fn codes_of(&self, kind: MethodKind) -> (MethodKind, u32, u8) {
        match kind {
            MethodKind::Totp => {
                let steps = self.totp_tolerance.past + 1 + self.totp_tolerance.future;
                let steps = u32::try_from(steps).unwrap_or(u32::MAX);
                (kind, steps, self.totp.digits)
            }
            MethodKind::Sms | MethodKind::Email => (kind, 1, self.code_digits.get()),
        }
    }
}

fn chance_of_one(right_codes: u32, digits: u8) -> f64 {
    f64::from(right_codes) / 10_f64.powi(i32::from(digits))
}

/// The largest number of attempts that two windows admit in a span: each admits a burst for every window that starts in
/// it.
fn attempts_within(windows: RateLimitWindows, span: Duration) -> u32 {
    let through = |limit: RateLimit| {
        let bursts = span.as_millis().div_ceil(limit.within.as_millis().max(1));
        let bursts = u32::try_from(bursts).unwrap_or(u32::MAX);
        limit.count.saturating_mul(bursts)
    };
    through(windows.short).min(through(windows.long))
}

#[cfg(test)]
mod tests;
