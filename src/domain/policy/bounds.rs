//! The bounds of policy overrides, for operators and administrators.

use super::{PolicyField, PolicyOverride};
use crate::value::malformed::{InvalidField, MalformedValue};
use std::time::Duration;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// The largest number of groups or countries in a list.
const MAX_NAMES: usize = 300;

impl PolicyOverride {
    /// Checks that all values are within their bounds.
    ///
    /// # Errors
    /// [`InvalidField`] names the first field that is out of bounds, and the bounds.
    pub fn check(&self) -> Result<(), InvalidField> {
        let within = |field: PolicyField, fits: bool, bounds: &'static str| {
            let bad = MalformedValue::OutOfRange(bounds).at(field.path());
            if fits { Ok(()) } else { Err(bad) }
        };
        let span = |span: Option<Duration>, least: Duration, most: Duration| {
            span.is_none_or(|span| (least..=most).contains(&span))
        };
        let number = |number: Option<u8>, least: u8, most: u8| {
            number.is_none_or(|number| (least..=most).contains(&number))
        };
        let grace = span(self.grace_period, Duration::ZERO, 90 * DAY);
        within(PolicyField::GracePeriod, grace, "0 and 90 days")?;
        let trust = span(self.trust_lifetime, HOUR, 90 * DAY);
        within(PolicyField::TrustLifetime, trust, "1 hour and 90 days")?;
        let hold = span(self.reset_hold, DAY, 30 * DAY);
        within(PolicyField::ResetHold, hold, "24 hours and 30 days")?;
        // NIST SP 800-63B-4 §3.1.3.2.
        let lifetime = span(self.challenge_lifetime, MINUTE, 10 * MINUTE);
        within(PolicyField::ChallengeLifetime, lifetime, "1 and 10 minutes")?;
        let attempts = number(self.attempts_per_challenge, 1, 10);
        within(PolicyField::AttemptsPerChallenge, attempts, "1 and 10")?;
        let codes = number(self.recovery_codes, 4, 32);
        within(PolicyField::RecoveryCodes, codes, "4 and 32")?;
        self.check_names()
    }

    fn check_names(&self) -> Result<(), InvalidField> {
        let groups = self.required_groups.as_ref().map_or(0, Vec::len);
        let countries = self.sms_countries.as_ref().map_or(0, Vec::len);
        let counts = [
            (PolicyField::RequiredGroups, groups),
            (PolicyField::SmsCountries, countries),
        ];
        for (field, count) in counts {
            if count > MAX_NAMES {
                return Err(MalformedValue::TooMany(MAX_NAMES).at(field.path()));
            }
        }
        if self.sms_countries.as_ref().is_some_and(Vec::is_empty) {
            return Err(MalformedValue::Empty.at(PolicyField::SmsCountries.path()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
