//! Time-based one-time passwords (RFC 6238 over RFC 4226).

use crate::{code::Digits, secret::SecretBytes, time::Timestamp};
use serde::{Deserialize, Serialize};
use totp_rs::{Algorithm, Builder, Totp};

/// The shared secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TotpSecret(SecretBytes);

/// How an app makes its codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TotpParameters {
    /// The hash function.
    pub hash: Hash,
    /// 6 to 8.
    pub digits: u8,
    /// How long a code is shown, in seconds.
    pub period: u64,
}

/// The hash functions of RFC 6238 §1.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hash {
    /// What every app can do.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// The number of a period since 1970: the moving factor. Accepted ones strictly increase (RFC 6238 §5.2, A02).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Step(pub u64);

/// How many steps before and after the current one are accepted (RFC 6238 §5.2 recommends one of delay).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tolerance {
    /// Steps before.
    pub past: u64,
    /// Steps after.
    pub future: u64,
}

/// A refused code that would have been right at another time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skew {
    /// How many steps the phone is ahead of us.
    pub offset: i64,
    /// The step that the code is of.
    pub step: Step,
}

/// A clock is suspected up to this many steps away.
const REACH: u64 = 20;

impl TotpParameters {
    /// SHA-1, six digits, 30 seconds: what every authenticator app supports.
    pub const UNIVERSAL: Self = Self {
        hash: Hash::Sha1,
        digits: 6,
        period: 30,
    };

    /// When a step begins.
    #[must_use]
    pub fn begin_of(self, step: Step) -> Timestamp {
        let seconds = step.0.saturating_mul(self.period);
        Timestamp::from_seconds(i64::try_from(seconds).unwrap_or(i64::MAX))
    }

    /// When the code of a step is accepted for the first time: `tolerance` takes it before it begins.
    #[must_use]
    pub fn acceptable_from(self, step: Step, tolerance: Tolerance) -> Timestamp {
        self.begin_of(Step(step.0.saturating_sub(tolerance.future)))
    }

    /// The step that an instant lies in.
    #[must_use]
    pub fn step_at(self, now: Timestamp) -> Step {
        Step(now.seconds().checked_div(self.period).unwrap_or(0))
    }
}

impl TotpSecret {
    /// Takes the secret bytes.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(SecretBytes::new(bytes))
    }

    /// The secret bytes, to be sealed.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    /// The key to type in: base32 without padding (RFC 4648 §6).
    #[must_use]
    pub fn base32(&self) -> String {
        data_encoding::BASE32_NOPAD.encode(self.expose())
    }

    /// The newest step within `tolerance` of `now` whose code this is. Looks at every step, whichever matches, so
    /// that the time it takes tells nothing.
    #[must_use]
    pub fn matching_step(
        &self,
        parameters: TotpParameters,
        code: &Digits,
        now: Timestamp,
        tolerance: Tolerance,
    ) -> Option<Step> {
        let Step(current) = parameters.step_at(now);
        let first = current.saturating_sub(tolerance.past);
        let last = current.saturating_add(tolerance.future);
        self.newest_match(parameters, code, first..=last)
    }

    /// Where a code belongs that was refused: the step, up to ten minutes away at 30 seconds, that it is of.
    #[must_use]
    pub fn skew(&self, parameters: TotpParameters, code: &Digits, now: Timestamp) -> Option<Skew> {
        let Step(current) = parameters.step_at(now);
        let reach = current.saturating_sub(REACH)..=current.saturating_add(REACH);
        let step = self.newest_match(parameters, code, reach)?;
        let offset = step.0.cast_signed().saturating_sub(current.cast_signed());
        Some(Skew { offset, step })
    }

    /// The URI that apps read from a QR code.
    #[must_use]
    pub fn uri(&self, parameters: TotpParameters, issuer: &str, account: &str) -> Option<String> {
        let without_colon = |text: &str| text.replace(':', " ");
        self.builder(parameters)
            .with_issuer(Some(without_colon(issuer)))
            .with_account_name(without_colon(account))
            .build()
            .and_then(|totp| totp.to_url())
            .ok()
    }

    fn newest_match(
        &self,
        parameters: TotpParameters,
        code: &Digits,
        steps: std::ops::RangeInclusive<u64>,
    ) -> Option<Step> {
        let totp = self.builder(parameters).with_skew(0).build().ok()?;
        steps.fold(None, |found, step| {
            let accepted = at_step(&totp, code, parameters.period.saturating_mul(step));
            accepted.then_some(Step(step)).or(found)
        })
    }

    fn builder(&self, parameters: TotpParameters) -> Builder {
        let algorithm = match parameters.hash {
            Hash::Sha1 => Algorithm::SHA1,
            Hash::Sha256 => Algorithm::SHA256,
            Hash::Sha512 => Algorithm::SHA512,
        };
        Builder::new()
            .with_algorithm(algorithm)
            .with_digits(parameters.digits)
            .with_step_duration(parameters.period)
            .with_secret(self.expose().to_vec())
    }
}

fn at_step(totp: &Totp, code: &Digits, time: u64) -> bool {
    totp.check(code.expose(), time).is_some()
}

#[cfg(test)]
mod tests;
