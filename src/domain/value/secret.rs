//! Bytes that nobody may read by accident.

use crate::value::id::{ChallengeId, MethodId, NoticeId, Subject, SubjectTag, TenantId};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Secret bytes: they zero themselves and print nothing.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    /// Takes the bytes.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes, for the one who needs them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Something encrypted and authenticated under the key ring. The key's id is inside.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedBytes(Vec<u8>);

impl SealedBytes {
    /// From a cipher or a store.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The authentication tag at the end of the ciphertext: no two that are sealed under one key share it by accident.
    #[must_use]
    pub fn tag(&self) -> &[u8] {
        const TAG: usize = 16;
        let from = self.0.len().saturating_sub(TAG);
        self.0.get(from..).unwrap_or_default()
    }

    /// The ciphertext with its header.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SealedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// What a ciphertext is bound to: put in another place, it does not open (A44).
#[derive(Debug, Clone, Copy)]
pub enum SealingContext<'a> {
    /// What is on file of a user.
    Profile(&'a Subject),
    /// The user's own key.
    UserKey(&'a Subject),
    /// All that is durable about a user, as of one version of the row, in one form.
    AccountRecord(&'a Subject, i64, i32),
    /// All else that is durable about a user.
    AccountProfile(&'a Subject),
    /// How a challenge ended.
    ChallengeEnding(&'a Subject, ChallengeId),
    /// A method's secret or destination, at one version.
    Method(&'a Subject, MethodId, u32),
    /// All that judging a challenge needs, by the user's pseudonym: a repeat of a call may have to show it again.
    Challenge(SubjectTag, ChallengeId),
    /// A message in the outbox.
    Notice(SubjectTag, NoticeId),
    /// An answer that a repeat must give again.
    Receipt(SubjectTag, [u8; 16]),
    /// The key of a tenant's own, under which the authors of its policy are sealed.
    TenantKey(&'a TenantId),
    /// Where a page of a tenant's list ends: which list it is, with all that was asked for.
    ListPage(&'a TenantId, &'a [u8]),
    /// Where a page of what is recorded of a user ends.
    ExportPage(&'a Subject),
    /// What tells whether a key ring is the one of a database.
    Canary,
}

impl SealingContext<'_> {
    /// The associated data, unambiguous.
    #[must_use]
    pub fn associated_data(&self) -> Vec<u8> {
        match self {
            Self::Profile(subject) => bind("profile", subject, &[]),
            Self::UserKey(subject) => bind("user key", subject, &[]),
            Self::AccountRecord(subject, version, form) => bind(
                "account record",
                subject,
                &[&version.to_be_bytes(), &form.to_be_bytes()],
            ),
            Self::AccountProfile(subject) => bind("account profile", subject, &[]),
            Self::ChallengeEnding(subject, id) => bind("challenge ending", subject, &[id.as_bytes()]),
            Self::Method(subject, id, version) => {
                bind("method", subject, &[id.as_bytes(), &version.to_be_bytes()])
            }
            Self::Challenge(SubjectTag(tag), id) => {
                length_prefixed([b"challenge".as_slice(), tag, id.as_bytes()])
            }
            Self::Notice(SubjectTag(tag), id) => {
                length_prefixed([b"notice".as_slice(), tag, id.as_bytes()])
            }
            Self::Receipt(SubjectTag(tag), key) => {
                length_prefixed([b"receipt".as_slice(), tag, key])
            }
            Self::TenantKey(tenant) => {
                length_prefixed([b"tenant key".as_slice(), tenant.as_str().as_bytes()])
            }
            Self::ListPage(tenant, list) => {
                length_prefixed([b"list page".as_slice(), tenant.as_str().as_bytes(), list])
            }
            Self::ExportPage(subject) => bind("export page", subject, &[]),
            Self::Canary => length_prefixed([b"canary".as_slice()]),
        }
    }
}

fn bind(label: &str, subject: &Subject, rest: &[&[u8]]) -> Vec<u8> {
    let (tenant, user) = (subject.tenant.as_str().as_bytes(), subject.user.as_str().as_bytes());
    let fields = [label.as_bytes(), tenant, user];
    length_prefixed(fields.into_iter().chain(rest.iter().copied()))
}

/// Joins fields so that no two different lists give the same bytes.
#[must_use]
pub fn length_prefixed<'a>(fields: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut joined = Vec::new();
    for field in fields {
        let length = u32::try_from(field.len()).unwrap_or(u32::MAX);
        joined.extend_from_slice(&length.to_be_bytes());
        joined.extend_from_slice(field);
    }
    joined
}

/// A key for HMAC-SHA-256 (RFC 2104), 256 bits.
pub struct MacKey(Zeroizing<[u8; 32]>);

impl MacKey {
    /// From 256 secret bits.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The MAC of a list of fields.
    ///
    /// # Panics
    /// Never: HMAC takes a key of any length.
    #[must_use]
    pub fn mac<'a>(&self, fields: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice())
            .expect("HMAC takes a key of any length");
        mac.update(&length_prefixed(fields));
        mac.finalize().into_bytes().into()
    }

    /// The first 128 bits of the MAC of a list of fields.
    #[must_use]
    pub fn tag<'a>(&self, fields: impl IntoIterator<Item = &'a [u8]>) -> [u8; 16] {
        first_half(self.mac(fields))
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey([redacted])")
    }
}

/// The first 128 bits of a digest.
#[must_use]
pub fn first_half(digest: [u8; 32]) -> [u8; 16] {
    digest.first_chunk().copied().unwrap_or_default()
}

/// Which key of the ring: a short public name, such as `k-7f3a9c21`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeyId(String);

impl KeyId {
    /// From the key ring or from what it made.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests;
