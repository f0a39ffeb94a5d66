//! Devices: clients that completed a second factor and hold a token that says so.

mod name;
mod trust;

pub use name::DeviceName;
pub use trust::{DeviceRecognition, DeviceTrust, DeviceTrustTerms, recognize_device};

use crate::{
    method::MethodKind,
    value::{id::DeviceId, malformed::MalformedValue, secret::first_half, time::Timestamp},
};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::Zeroizing;

/// How many pending tokens of a device are remembered, those that were given for one token and not shown yet; of more, the
/// latest. A browser that restores its tabs begins as many sign-ins with one token, and keeps any of the answers.
pub const MAX_GIVEN_TOKENS: usize = 16;

/// How many pending tokens are remembered of all devices of a user together. Beyond that, the devices not seen for longest
/// give theirs up, oldest first; each keeps its latest.
pub const MAX_PENDING_TOKENS: usize = 64;

/// 256 bits that a recognized client keeps: the first half is the same in all tokens of a series, so that an old one is
/// known as such; the second is each token's own. Only hashes are stored.
pub struct DeviceToken(Zeroizing<[u8; 32]>);

/// The first 128 bits of the SHA-256 of a device token: with 256 random bits, a fast hash is enough, and nobody finds a
/// second token with the same half.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DeviceTokenHash([u8; 16]);

/// The first 128 bits of the SHA-256 of what all tokens of a series share: 128 bits that nobody has who holds none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SeriesHash([u8; 16]);

/// A recognized client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its id.
    pub id: DeviceId,
    /// What its user calls it.
    pub name: DeviceName,
    /// What the person uses on it, where the caller said so.
    pub app: Option<ClientApp>,
    /// Of its tokens.
    pub series: SeriesHash,
    /// Of the token that it showed last.
    pub accepted: Option<DeviceTokenHash>,
    /// Of the tokens that were given for that one, oldest first. None of them was shown yet: their answers may have been
    /// lost, or belong to other tabs of one browser.
    pub given: Vec<DeviceTokenHash>,
    /// What it last completed a second factor with.
    pub proved_by: MethodKind,
    /// Whether it may skip the second factor.
    pub trust: DeviceTrust,
    /// When it was first seen.
    pub created_at: Timestamp,
    /// When it last signed in.
    pub seen_at: Timestamp,
}

/// What a person uses to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientApp {
    /// A web browser.
    Browser,
    /// The company's app.
    Mobile,
}

impl DeviceToken {
    /// From 256 secret bits.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A token of a series.
    #[must_use]
    pub fn of(series: [u8; 16], own: [u8; 16]) -> Self {
        let mut bytes = [0; 32];
        let halves = series.into_iter().chain(own);
        bytes
            .iter_mut()
            .zip(halves)
            .for_each(|(byte, half)| *byte = half);
        Self::new(bytes)
    }

    /// From what a client sent back; nothing if it sent none.
    ///
    /// # Errors
    /// [`MalformedValue::NotADeviceToken`].
    pub fn parse(text: &str) -> Result<Option<Self>, MalformedValue> {
        if text.is_empty() {
            return Ok(None);
        }
        let decoded = BASE64URL_NOPAD
            .decode(text.as_bytes())
            .map_err(|_| MalformedValue::NotADeviceToken)?;
        let bytes = decoded
            .try_into()
            .map_err(|_| MalformedValue::NotADeviceToken)?;
        Ok(Some(Self::new(bytes)))
    }

    /// The token as clients keep it: 43 characters of base64url.
    #[must_use]
    pub fn expose(&self) -> String {
        BASE64URL_NOPAD.encode(self.0.as_slice())
    }

    /// What is kept of it.
    #[must_use]
    pub fn hash(&self) -> DeviceTokenHash {
        DeviceTokenHash(first_half(Sha256::digest(self.0.as_slice()).into()))
    }

    /// What is kept of its series.
    #[must_use]
    pub fn series(&self) -> SeriesHash {
        let (series, _own) = self.0.split_at(16);
        SeriesHash(first_half(Sha256::digest(series).into()))
    }
}

impl DeviceTokenHash {
    /// For a store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// From a store.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl SeriesHash {
    /// For a store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// From a store.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl Device {
    /// Whether a client with this token is this device.
    #[must_use]
    pub fn holds(&self, token: DeviceTokenHash) -> bool {
        self.accepted == Some(token) || self.given.contains(&token)
    }

    /// The device once it was given a token for the one that it showed. What was given for the same one before stays
    /// good; the first of them that is shown ends the others, and the one that they were given for.
    #[must_use]
    pub fn given_for(self, shown: DeviceTokenHash, new: DeviceTokenHash) -> Self {
        let mut given = if self.accepted == Some(shown) {
            self.given
        } else {
            Vec::new()
        };
        given.push(new);
        let too_many = given.len().saturating_sub(MAX_GIVEN_TOKENS);
        given.drain(..too_many);
        Self {
            accepted: Some(shown),
            given,
            ..self
        }
    }
}

/// Keeps the pending tokens of all devices of a user within [`MAX_PENDING_TOKENS`].
pub(crate) fn forget_surplus_tokens(devices: &mut [Device]) {
    let pending: usize = devices.iter().map(|device| device.given.len()).sum();
    let mut surplus = pending.saturating_sub(MAX_PENDING_TOKENS);
    let mut oldest_first: Vec<&mut Device> = devices.iter_mut().collect();
    oldest_first.sort_by_key(|device| (device.seen_at, device.id));
    for device in oldest_first {
        let goes = surplus.min(device.given.len().saturating_sub(1));
        device.given.drain(..goes);
        surplus -= goes;
    }
}

impl ClientApp {
    /// Its name in stores and events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Browser => "BROWSER",
            Self::Mobile => "MOBILE",
        }
    }

    /// The one with that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Browser, Self::Mobile]
            .into_iter()
            .find(|app| app.as_str() == name)
    }
}

impl fmt::Debug for DeviceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceToken([redacted])")
    }
}

#[cfg(test)]
mod tests;
