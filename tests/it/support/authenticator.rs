//! An authenticator app of the tests' own, written from RFC 6238 and not from the code under test.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// An app that holds one secret.
#[derive(Clone)]
pub(crate) struct Authenticator(Vec<u8>);

impl Authenticator {
    /// Types the key in.
    pub(crate) fn from_base32(secret: &str) -> Self {
        Self(
            data_encoding::BASE32_NOPAD
                .decode(secret.as_bytes())
                .expect("a secret is base32"),
        )
    }

    /// The code shown at an instant, in seconds since 1970.
    pub(crate) fn code_at(&self, seconds: i64) -> String {
        let counter = u64::try_from(seconds / 30).unwrap();
        let mut mac = Hmac::<Sha1>::new_from_slice(&self.0).unwrap();
        mac.update(&counter.to_be_bytes());
        let digest = mac.finalize().into_bytes();
        let offset = usize::from(digest[19] & 0xf);
        let word = u32::from_be_bytes(digest[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
        format!("{:06}", word % 1_000_000)
    }
}
