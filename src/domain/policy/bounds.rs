//! The hard bounds of what a layer may decide: nobody goes beyond them, neither operator nor administrator.

use super::{Field, Layer};
use crate::malformed::{InvalidField, Malformed};
use std::time::Duration;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// How many groups or countries may be named.
const MOST_NAMES: usize = 300;

impl Layer {
    /// Whether everything that it decides is within its bounds.
    ///
    /// # Errors
    /// The first field that is not, and its bounds.
    pub fn check(&self) -> Result<(), InvalidField> {
        let within = |field: Field, fits: bool, bounds: &'static str| {
            let bad = Malformed::OutOfRange(bounds).at(field.path());
            if fits { Ok(()) } else { Err(bad) }
        };
        let span = |span: Option<Duration>, least: Duration, most: Duration| {
            span.is_none_or(|span| (least..=most).contains(&span))
        };
        let number = |number: Option<u8>, least: u8, most: u8| {
            number.is_none_or(|number| (least..=most).contains(&number))
        };
        let grace = span(self.grace_period, Duration::ZERO, 90 * DAY);
        within(Field::GracePeriod, grace, "0 and 90 days")?;
        let trust = span(self.trust_life, HOUR, 90 * DAY);
        within(Field::TrustLife, trust, "1 hour and 90 days")?;
        let hold = span(self.reset_hold, DAY, 30 * DAY);
        within(Field::ResetHold, hold, "24 hours and 30 days")?;
        // NIST SP 800-63B-4 §3.1.3.2.
        let life = span(self.challenge_life, MINUTE, 10 * MINUTE);
        within(Field::ChallengeLife, life, "1 and 10 minutes")?;
        let attempts = number(self.attempts_per_challenge, 1, 10);
        within(Field::AttemptsPerChallenge, attempts, "1 and 10")?;
        let codes = number(self.recovery_codes, 4, 32);
        within(Field::RecoveryCodes, codes, "4 and 32")?;
        self.check_names()
    }

    fn check_names(&self) -> Result<(), InvalidField> {
        let groups = self.required_groups.as_ref().map_or(0, Vec::len);
        let countries = self.sms_countries.as_ref().map_or(0, Vec::len);
        let counts = [
            (Field::RequiredGroups, groups),
            (Field::SmsCountries, countries),
        ];
        for (field, count) in counts {
            if count > MOST_NAMES {
                return Err(Malformed::TooMany(MOST_NAMES).at(field.path()));
            }
        }
        if self.sms_countries.as_ref().is_some_and(Vec::is_empty) {
            return Err(Malformed::Empty.at(Field::SmsCountries.path()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
