//! Time-based one-time passwords (RFC 6238 over RFC 4226).

use crate::{
    challenge::code::Digits,
    value::{secret::SecretBytes, time::Timestamp},
};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use std::ops::RangeInclusive;
use subtle::ConstantTimeEq;
use totp_rs::{Algorithm, Builder};

/// The shared secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TotpSecret(SecretBytes);

/// How an authenticator app computes its codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TotpParameters {
    /// The hash function.
    pub hash: TotpAlgorithm,
    /// The number of digits: 6 to 8.
    pub digits: u8,
    /// The length of a time step, in seconds.
    pub period: u64,
}

/// The hash functions of RFC 6238 §1.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TotpAlgorithm {
    /// SHA-1, which every app supports.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// The number of time steps since 1970: the moving factor. Accepted steps strictly increase (RFC 6238 §5.2, A02).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TimeStep(pub u64);

/// How many steps before and after the current one are accepted (RFC 6238 §5.2 recommends one of delay).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepTolerance {
    /// Steps before the current one.
    pub past: u64,
    /// Steps after the current one.
    pub future: u64,
}

/// A rejected code that would have been right at another time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockSkew {
    /// How many steps the user's clock is ahead of the server's.
    pub offset: i64,
    /// The step of the code.
    pub step: TimeStep,
}

impl ClockSkew {
    /// Whether two different codes come from one skewed clock. Their offsets may differ by one step, because each code
    /// is submitted at another moment of its step.
    #[must_use]
    pub fn is_of_same_clock(self, other: Self) -> bool {
        self.step != other.step && self.offset.abs_diff(other.offset) <= 1
    }
}

/// The result of comparing a code at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeMatch {
    /// The code of this accepted step; of the newest one if two steps have it.
    Accepted(TimeStep),
    /// Not the code of an accepted step.
    Refused {
        /// The skew, if it is the code of a step nearby: up to ten minutes away with steps of 30 seconds.
        skew: Option<ClockSkew>,
    },
}

/// How many steps around the current one are searched for a rejected code.
const SKEW_SEARCH_STEPS: u64 = 20;

/// NIST SP 800-63B-4 §3.1.4.1 requires 112 bits, RFC 4226 R6 requires 128.
const MIN_SECRET_BYTES: usize = 16;

impl TotpParameters {
    /// SHA-1, six digits, 30 seconds: supported by every authenticator app.
    pub const UNIVERSAL: Self = Self {
        hash: TotpAlgorithm::Sha1,
        digits: 6,
        period: 30,
    };

    /// When a step starts.
    #[must_use]
    pub fn begin_of(self, step: TimeStep) -> Timestamp {
        let seconds = step.0.saturating_mul(self.period);
        Timestamp::from_seconds(i64::try_from(seconds).unwrap_or(i64::MAX))
    }

    /// When the code of a step is accepted for the first time. `tolerance` permits it before the step starts.
    #[must_use]
    pub fn acceptable_from(self, step: TimeStep, tolerance: StepTolerance) -> Timestamp {
        self.begin_of(TimeStep(step.0.saturating_sub(tolerance.future)))
    }

    /// The step of an instant.
    #[must_use]
    pub fn step_at(self, now: Timestamp) -> TimeStep {
        TimeStep(now.seconds().checked_div(self.period).unwrap_or(0))
    }
}

impl TotpSecret {
    /// Wraps the secret bytes.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(SecretBytes::new(bytes))
    }

    /// The secret bytes, to be sealed.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    /// The key for manual entry: base32 without padding (RFC 4648 §6).
    #[must_use]
    pub fn base32(&self) -> String {
        data_encoding::BASE32_NOPAD.encode(self.expose())
    }

    /// Compares a code with those of the steps around `now`. One pass computes the code of each step once. The time is
    /// the same for a right code, a wrong one, and one of a skewed clock.
    #[must_use]
    pub fn match_code(
        &self,
        parameters: TotpParameters,
        code: &Digits,
        now: Timestamp,
        tolerance: StepTolerance,
    ) -> CodeMatch {
        let TimeStep(current) = parameters.step_at(now);
        let around = |past, future| current.saturating_sub(past)..=current.saturating_add(future);
        let accepted = around(tolerance.past, tolerance.future);
        let nearby = around(SKEW_SEARCH_STEPS, SKEW_SEARCH_STEPS);
        let newest = self.newest_steps(parameters, code, [&accepted, &nearby]);
        if let [Some(step), _] = newest {
            return CodeMatch::Accepted(TimeStep(step));
        }
        let [_, nearby] = newest;
        let skew = nearby.map(|step| ClockSkew {
            offset: step.cast_signed().saturating_sub(current.cast_signed()),
            step: TimeStep(step),
        });
        CodeMatch::Refused { skew }
    }

    /// The `otpauth` URI that apps read from a QR code.
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

    /// The newest step with this code in each range. None for parameters or a secret that RFC 6238 does not allow.
    fn newest_steps(
        &self,
        parameters: TotpParameters,
        code: &Digits,
        within: [&RangeInclusive<u64>; 2],
    ) -> [Option<u64>; 2] {
        if !(6..=8).contains(&parameters.digits) || self.expose().len() < MIN_SECRET_BYTES {
            return [None, None];
        }
        let expected = TypedCode::new(code, parameters.digits);
        match parameters.hash {
            TotpAlgorithm::Sha1 => expected.newest_steps::<Hmac<Sha1>>(self.expose(), within),
            TotpAlgorithm::Sha256 => expected.newest_steps::<Hmac<Sha256>>(self.expose(), within),
            TotpAlgorithm::Sha512 => expected.newest_steps::<Hmac<Sha512>>(self.expose(), within),
        }
    }

    fn builder(&self, parameters: TotpParameters) -> Builder {
        let algorithm = match parameters.hash {
            TotpAlgorithm::Sha1 => Algorithm::SHA1,
            TotpAlgorithm::Sha256 => Algorithm::SHA256,
            TotpAlgorithm::Sha512 => Algorithm::SHA512,
        };
        Builder::new()
            .with_algorithm(algorithm)
            .with_digits(parameters.digits)
            .with_step_duration(parameters.period)
            .with_secret(self.expose().to_vec())
    }
}

/// A submitted code as a number.
struct TypedCode {
    /// `u64::MAX`, which equals no code, if the submitted one has another length.
    value: u64,
    modulus: u32,
}

impl TypedCode {
    fn new(code: &Digits, digits: u8) -> Self {
        let typed = code.expose();
        let value = typed.parse().ok();
        Self {
            value: value
                .filter(|_| typed.len() == usize::from(digits))
                .unwrap_or(u64::MAX),
            modulus: 10_u32.pow(u32::from(digits)),
        }
    }

    /// The newest step with this code in each range. The HMAC key schedule, half of the work here, is computed once. No
    /// step is skipped.
    fn newest_steps<M: Mac + KeyInit + Clone>(
        &self,
        key: &[u8],
        within: [&RangeInclusive<u64>; 2],
    ) -> [Option<u64>; 2] {
        let keyed = M::new_from_slice(key).expect("HMAC takes a key of any length");
        let [one, other] = within;
        let first = *one.start().min(other.start());
        let last = *one.end().max(other.end());
        (first..=last).fold([None, None], |newest, step| {
            let mut mac = keyed.clone();
            mac.update(&step.to_be_bytes());
            let code = truncate(&mac.finalize().into_bytes()) % self.modulus;
            let matches = bool::from(u64::from(code).ct_eq(&self.value));
            let newer = within.map(|range| matches & range.contains(&step));
            let [one, other] = newest;
            let [newer_one, newer_other] = newer;
            [
                newer_one.then_some(step).or(one),
                newer_other.then_some(step).or(other),
            ]
        })
    }
}

/// Dynamic truncation: 31 bits of a MAC (RFC 4226 §5.3).
fn truncate(tag: &[u8]) -> u32 {
    let offset = tag.last().map_or(0, |last| usize::from(last & 0xf));
    let truncated = tag.iter().skip(offset).take(4);
    truncated.fold(0_u32, |bits, &byte| bits << 8 | u32::from(byte)) & 0x7fff_ffff
}

#[cfg(test)]
mod tests;
