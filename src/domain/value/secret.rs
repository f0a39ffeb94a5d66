//! Secret and sealed bytes, keys, and the contexts that sealed values are bound to.

use crate::value::id::{ChallengeId, MethodId, NoticeId, Subject, SubjectTag, TenantId};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Secret bytes. They are zeroed on drop and redacted in debug output.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    /// Wraps secret bytes.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Returns the secret bytes.
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

/// Bytes encrypted and authenticated under a key of the key ring. Their header has the key's id.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedBytes(Vec<u8>);

impl SealedBytes {
    /// Wraps bytes from a cipher or a store.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The 16-byte authentication tag at the end of the ciphertext. It is unique for each value sealed under one key.
    #[must_use]
    pub fn tag(&self) -> &[u8] {
        const TAG: usize = 16;
        let from = self.0.len().saturating_sub(TAG);
        self.0.get(from..).unwrap_or_default()
    }

    /// The header and the ciphertext.
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

/// What a sealed value is bound to. Moved to another place, it does not open (A44).
#[derive(Debug, Clone, Copy)]
pub enum SealingContext<'a> {
    /// The contact data in the profile of a user.
    Profile(&'a Subject),
    /// The user's own key.
    UserKey(&'a Subject),
    /// The account record of a user: subject, revision of the row, form of the record.
    AccountRecord(&'a Subject, i64, i32),
    /// The rest of a user's durable state, beside the account record.
    AccountProfile(&'a Subject),
    /// The outcome of a challenge.
    ChallengeEnding(&'a Subject, ChallengeId),
    /// The secret or destination of a method, at one version of the method.
    Method(&'a Subject, MethodId, u32),
    /// A challenge, by the user's pseudonym. A repeated call may have to return it again.
    Challenge(SubjectTag, ChallengeId),
    /// A notice in the outbox.
    Notice(SubjectTag, NoticeId),
    /// The answer in an idempotency record.
    IdempotencyRecord(SubjectTag, [u8; 16]),
    /// A tenant's own key, which seals the authors of its policy.
    TenantKey(&'a TenantId),
    /// The end of a page of a tenant's list. The bytes identify the list and its filters.
    ListPage(&'a TenantId, &'a [u8]),
    /// The end of a page of a user's export.
    ExportPage(&'a Subject),
    /// The canary by which a start checks that its key ring can open the database.
    Canary,
}

impl SealingContext<'_> {
    /// The associated data of the seal. No two contexts give the same bytes.
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
            Self::ChallengeEnding(subject, id) => {
                bind("challenge ending", subject, &[id.as_bytes()])
            }
            Self::Method(subject, id, version) => {
                bind("method", subject, &[id.as_bytes(), &version.to_be_bytes()])
            }
            Self::Challenge(SubjectTag(tag), id) => {
                length_prefixed([b"challenge".as_slice(), tag, id.as_bytes()])
            }
            Self::Notice(SubjectTag(tag), id) => {
                length_prefixed([b"notice".as_slice(), tag, id.as_bytes()])
            }
            Self::IdempotencyRecord(SubjectTag(tag), key) => {
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
    let (tenant, user) = (
        subject.tenant.as_str().as_bytes(),
        subject.user.as_str().as_bytes(),
    );
    let fields = [label.as_bytes(), tenant, user];
    length_prefixed(fields.into_iter().chain(rest.iter().copied()))
}

/// Joins length-prefixed fields, so that no two different lists give the same bytes.
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

/// A 256-bit key for HMAC-SHA-256 (RFC 2104).
pub struct MacKey(Zeroizing<[u8; 32]>);

impl MacKey {
    /// Wraps a key of 256 secret bits.
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

/// The public id of a key in the key ring, such as `k-7f3a9c21`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeyId(String);

impl KeyId {
    /// Wraps an id from the key ring or from a sealed or signed value.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests;
