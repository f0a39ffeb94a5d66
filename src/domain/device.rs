//! Devices: clients that completed a second factor and hold a device token.

mod name;
mod trust;

pub use name::DeviceName;
pub use trust::{DeviceRecognition, DeviceTrust, DeviceTrustTerms, recognize_device};

use crate::{
    method::MethodKind,
    value::{id::DeviceId, secret::first_half, time::Timestamp},
};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::Zeroizing;

/// The largest number of pending tokens of a device; the latest are kept. A pending token was issued for the accepted
/// one and not presented yet. A browser that restores its tabs starts many sign-ins with one token, and keeps any of
/// the new ones.
pub const MAX_GIVEN_TOKENS: usize = 16;

/// The largest number of pending tokens of all devices of a user. Beyond it, the devices not seen for longest lose
/// theirs, oldest first. Each keeps its latest.
pub const MAX_PENDING_TOKENS: usize = 64;

/// 256 secret bits that a client keeps. The first half is the same in all tokens of a series, so that an old token is
/// recognized. The second half is random for each token. Only hashes are stored.
pub struct DeviceToken(Zeroizing<[u8; 32]>);

/// The first 128 bits of the SHA-256 of a device token. A fast hash suffices for 256 random bits. No second token with
/// the same hash can be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DeviceTokenHash([u8; 16]);

/// The first 128 bits of the SHA-256 of the first half of a token. Only holders of a token of the series know that
/// half.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SeriesHash([u8; 16]);

/// A recognized client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// The id.
    pub id: DeviceId,
    /// The name, which the user can change.
    pub name: DeviceName,
    /// The app, if the caller named it.
    pub app: Option<ClientApp>,
    /// Where it last completed a second factor, as the caller described it.
    pub place: Option<String>,
    /// The series of its tokens.
    pub series: SeriesHash,
    /// The hash of the token that it presented last.
    pub accepted: Option<DeviceTokenHash>,
    /// The hashes of the tokens issued for that one, oldest first. None was presented yet: the responses may be lost,
    /// or belong to other tabs of one browser.
    pub given: Vec<DeviceTokenHash>,
    /// The kind of method that last completed a second factor on it.
    pub proved_by: MethodKind,
    /// Whether it may skip the second factor.
    pub trust: DeviceTrust,
    /// When it was first seen.
    pub created_at: Timestamp,
    /// When it last signed in.
    pub seen_at: Timestamp,
}

/// The kind of client that signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientApp {
    /// A web browser.
    Browser,
    /// The tenant's mobile app.
    Mobile,
}

impl DeviceToken {
    /// Wraps 256 secret bits.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Makes a token of a series.
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

    /// Reads a device token; `None` if it is malformed. A client can lose or damage its cookie, and is then unknown.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let decoded = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        decoded.try_into().ok().map(Self::new)
    }

    /// The token as clients keep it: 43 characters of base64url.
    #[must_use]
    pub fn expose(&self) -> String {
        BASE64URL_NOPAD.encode(self.0.as_slice())
    }

    /// The hash to store.
    #[must_use]
    pub fn hash(&self) -> DeviceTokenHash {
        DeviceTokenHash(first_half(Sha256::digest(self.0.as_slice()).into()))
    }

    /// The hash of the token's series.
    #[must_use]
    pub fn series(&self) -> SeriesHash {
        let (series, _own) = self.0.split_at(16);
        SeriesHash(first_half(Sha256::digest(series).into()))
    }
}

impl DeviceTokenHash {
    /// The bytes to store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Restores a hash from a store.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl SeriesHash {
    /// The bytes to store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Restores a hash from a store.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl Device {
    /// Whether this token belongs to the device and is valid.
    #[must_use]
    pub fn holds(&self, token: DeviceTokenHash) -> bool {
        self.accepted == Some(token) || self.given.contains(&token)
    }

    /// Issues the token `new` for the presented one. Other tokens issued for the same one stay valid. The first of them
    /// that is presented invalidates the others, and the token that they were issued for.
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
    /// The name in stores and events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Browser => "BROWSER",
            Self::Mobile => "MOBILE",
        }
    }

    /// Finds an app by its name.
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
