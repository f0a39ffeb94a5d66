//! Devices: clients that completed a second factor and hold a token that says so.

use crate::{id::DeviceId, malformed::Malformed, time::Timestamp};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::Zeroizing;

/// 256 bits that a recognised client keeps. Only its hash is stored.
pub struct DeviceToken(Zeroizing<[u8; 32]>);

/// SHA-256 of a device token: with 256 random bits, a fast hash is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TokenHash([u8; 32]);

/// A recognised client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its id.
    pub id: DeviceId,
    /// Of the token that was given last.
    pub token: TokenHash,
    /// Of the token it was given for. It stays good, because the answer with the new one may have been lost.
    pub predecessor: Option<TokenHash>,
    /// When it last completed a second factor.
    pub seen_at: Timestamp,
}

impl DeviceToken {
    /// From 256 secret bits.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// From what a client sent back; nothing if it sent none.
    ///
    /// # Errors
    /// [`Malformed::NotADeviceToken`].
    pub fn parse(text: &str) -> Result<Option<Self>, Malformed> {
        if text.is_empty() {
            return Ok(None);
        }
        let decoded = BASE64URL_NOPAD
            .decode(text.as_bytes())
            .map_err(|_| Malformed::NotADeviceToken)?;
        let bytes = decoded.try_into().map_err(|_| Malformed::NotADeviceToken)?;
        Ok(Some(Self::new(bytes)))
    }

    /// The token as clients keep it: 43 characters of base64url.
    #[must_use]
    pub fn expose(&self) -> String {
        BASE64URL_NOPAD.encode(self.0.as_slice())
    }

    /// What is kept of it.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0.as_slice()).into())
    }
}

impl TokenHash {
    /// For a store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// From a store.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl Device {
    /// Whether a client with this token is this device.
    #[must_use]
    pub fn holds(&self, token: TokenHash) -> bool {
        self.token == token || self.predecessor == Some(token)
    }
}

impl fmt::Debug for DeviceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceToken([redacted])")
    }
}

#[cfg(test)]
mod tests;
