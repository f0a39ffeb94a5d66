//! Codes that users submit, and codes that Countersign sends.

use crate::{
    recovery::{RecoveryCode, RecoveryKey, bypass_code::BypassCode},
    value::{
        id::{ChallengeId, MethodId, Subject},
        malformed::MalformedValue,
        secret::{KeyId, MacKey},
        text,
    },
};
use serde::{Deserialize, Serialize};
use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A submitted code: one canonical value for all its spellings (A03).
pub enum CanonicalAnswer {
    /// The code of an authenticator app or a message.
    Digits(Digits),
    /// A recovery code.
    Recovery(RecoveryCode),
    /// A bypass code.
    Bypass(BypassCode),
    /// A recovery key.
    Key(RecoveryKey),
}

/// 6 to 10 ASCII digits.
pub struct Digits(Zeroizing<String>);

/// The longest submitted code, in bytes.
const MAX_SUBMITTED_LENGTH: usize = 64;

/// The number of digits of a code: 6 to 10 (NIST SP 800-63B-4 §3.1.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct DigitCount(u8);

impl CanonicalAnswer {
    /// Reads a submitted code as people and clients spell it. White space around it is ignored, and so are spaces and
    /// hyphens between digits. Recovery and bypass codes are read in any case, with or without dashes, and after the
    /// number of a list, such as `3. `. Their check symbol detects a mistyped one, before anything is charged.
    ///
    /// # Errors
    /// [`MalformedValue::NotACode`] for any other text: digits of another script, invisible characters, or more than
    /// 64 bytes.
    pub fn parse(text: &str) -> Result<Self, MalformedValue> {
        if text.len() > MAX_SUBMITTED_LENGTH {
            return Err(MalformedValue::NotACode);
        }
        let text = text.trim();
        if let Some(digits) = Digits::read(text) {
            return Ok(Self::Digits(digits));
        }
        let text = without_list_number(text);
        if BypassCode::is_meant_by(text) {
            return BypassCode::parse(text).map(Self::Bypass);
        }
        if RecoveryKey::is_meant_by(text) {
            return RecoveryKey::parse(text).map(Self::Key);
        }
        RecoveryCode::parse(text).map(Self::Recovery)
    }

    /// The canonical spelling, equal for all spellings of one code.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        match self {
            Self::Digits(digits) => digits.0.clone(),
            Self::Recovery(code) => code.expose().into(),
            Self::Bypass(code) => code.expose().into(),
            Self::Key(key) => key.expose().into(),
        }
    }
}

/// Removes a leading list number, such as `3. ` or `10. `.
fn without_list_number(text: &str) -> &str {
    let after_number = text.split_once('.').and_then(|(number, after)| {
        let is_number = matches!(number.len(), 1 | 2) && number.bytes().all(|b| b.is_ascii_digit());
        (is_number && after.starts_with(text::is_blank)).then_some(after)
    });
    after_number.map_or(text, |code| code.trim_start_matches(text::is_blank))
}

impl Digits {
    /// Reads 6 to 10 digits with spaces and hyphens between them.
    fn read(text: &str) -> Option<Self> {
        let outermost = [text.chars().next(), text.chars().next_back()];
        let is_digit = |character: Option<char>| character.is_some_and(|c| c.is_ascii_digit());
        if !outermost.into_iter().all(is_digit) {
            return None;
        }
        let mut digits = Zeroizing::new(String::with_capacity(text.len()));
        for character in text.chars() {
            if character.is_ascii_digit() {
                digits.push(character);
            } else if !text::is_blank(character) && character != '-' {
                return None;
            }
        }
        (6..=10).contains(&digits.len()).then_some(Self(digits))
    }

    /// The digits, for comparison or delivery.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether two codes are equal. The time depends only on their lengths.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.expose()
            .as_bytes()
            .ct_eq(other.expose().as_bytes())
            .into()
    }
}

impl DigitCount {
    /// The default.
    pub const SIX: Self = Self(6);

    /// The maximum.
    pub const TEN: Self = Self(10);

    /// Accepts 6 to 10.
    #[must_use]
    pub const fn new(count: u8) -> Option<Self> {
        match count {
            6..=10 => Some(Self(count)),
            _ => None,
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for DigitCount {
    type Error = MalformedValue;

    fn try_from(count: u8) -> Result<Self, MalformedValue> {
        Self::new(count).ok_or(MalformedValue::OutOfRange("6 and 10"))
    }
}

impl From<DigitCount> for u8 {
    fn from(count: DigitCount) -> Self {
        count.get()
    }
}

impl fmt::Debug for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digits([redacted])")
    }
}

impl fmt::Debug for CanonicalAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer([redacted])")
    }
}

/// What a delivered code is made from. The code itself is not stored: it is computed for delivery, and computed again
/// for comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveredCode {
    /// The id of the key that makes the code.
    pub key: KeyId,
    /// The number of digits.
    pub digits: DigitCount,
    /// The method that it answers for, and its version; `None` when an e-mail address is verified.
    pub method: Option<(MethodId, u32)>,
}

impl DeliveredCode {
    /// Computes the code of a challenge: 128 bits of a MAC over all that it is bound to, modulo a power of ten.
    #[must_use]
    pub fn make(
        &self,
        key: &MacKey,
        subject: &Subject,
        challenge: ChallengeId,
        purpose: &str,
    ) -> Digits {
        let (method, version) = match &self.method {
            Some((id, version)) => (id.as_bytes().as_slice(), version.to_be_bytes()),
            None => ([].as_slice(), 0_u32.to_be_bytes()),
        };
        let tag = key.tag([
            b"delivered code".as_slice(),
            subject.tenant.as_str().as_bytes(),
            subject.user.as_str().as_bytes(),
            challenge.as_bytes(),
            method,
            &version,
            purpose.as_bytes(),
        ]);
        let width = usize::from(self.digits.get());
        let code = u128::from_be_bytes(tag) % 10_u128.pow(u32::from(self.digits.get()));
        Digits(format!("{code:0width$}").into())
    }
}

#[cfg(test)]
mod tests;
