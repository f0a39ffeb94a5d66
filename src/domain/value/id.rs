//! Names that callers give, and ids that we make.

use crate::value::{malformed::MalformedValue, text};
use data_encoding::HEXLOWER_PERMISSIVE;
use serde::{Deserialize, Serialize};
use std::{fmt, marker::PhantomData};

/// A company, named by the caller.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TenantId(String);

/// One login in one tenant, named by the caller. Compared byte for byte.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UserId(String);

/// A user in a tenant: what every rule and every store is keyed by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Subject {
    /// The company.
    pub tenant: TenantId,
    /// The login.
    pub user: UserId,
}

impl TenantId {
    /// 1 to 128 characters of `A–Z a–z 0–9 . _ ~ @ + : -`.
    ///
    /// # Errors
    /// Tells what is malformed.
    pub fn parse(text: &str) -> Result<Self, MalformedValue> {
        caller_given(text).map(Self)
    }

    /// The name as the caller gave it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl UserId {
    /// 1 to 128 characters of `A–Z a–z 0–9 . _ ~ @ + : -`.
    ///
    /// # Errors
    /// Tells what is malformed.
    pub fn parse(text: &str) -> Result<Self, MalformedValue> {
        caller_given(text).map(Self)
    }

    /// The name as the caller gave it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What two ids share that differ only in case.
    #[must_use]
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl fmt::Debug for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TenantId({})", self.0)
    }
}

/// User names stay out of logs.
impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserId([redacted])")
    }
}

fn caller_given(text: &str) -> Result<String, MalformedValue> {
    fn allowed(byte: u8) -> bool {
        byte.is_ascii_alphanumeric() || b"._~@+:-".contains(&byte)
    }
    text::restricted(text, 128, allowed, "A–Z a–z 0–9 . _ ~ @ + : -").map(str::to_owned)
}

/// 128 random bits that name one thing of the kind `Of`; 32 hexadecimal characters outside.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Id<Of> {
    bytes: [u8; 16],
    of: PhantomData<Of>,
}

/// Names a challenge.
pub type ChallengeId = Id<of::ChallengeMarker>;
/// Names an approval.
pub type ApprovalId = Id<of::ApprovalMarker>;
/// Names a method.
pub type MethodId = Id<of::MethodMarker>;
/// Names a device.
pub type DeviceId = Id<of::DeviceMarker>;
/// Names a set of recovery codes.
pub type RecoverySetId = Id<of::RecoverySetMarker>;
/// Names a bypass code.
pub type BypassCodeId = Id<of::BypassCodeMarker>;
/// Names a reset.
pub type ResetId = Id<of::ResetMarker>;
/// Names an audit event.
pub type EventId = Id<of::EventMarker>;
/// Names a message in the outbox; notifiers see it as the idempotency key.
pub type NoticeId = Id<of::NoticeMarker>;
/// Names a state of a tenant's policy.
pub type PolicyEtag = Id<of::PolicyEtagMarker>;
/// Names a verification at a provider that owns its code. Nobody but that provider is told.
pub type VerificationId = Id<of::VerificationMarker>;
/// Names one guess at a code: drawn from the request id where the caller gave one, else at random.
pub type AttemptId = Id<of::AttemptMarker>;

/// A pseudonym of a user: 128 bits of a MAC. It names the user in Redis keys and audit records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SubjectTag(pub [u8; 16]);

/// What an [`Id`] can name.
pub mod of {
    /// See [`crate::value::id::ChallengeId`].
    #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum ChallengeMarker {}
    /// See [`crate::value::id::ApprovalId`].
    #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum ApprovalMarker {}
    /// See [`crate::value::id::MethodId`].
    #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum MethodMarker {}
    /// See [`crate::value::id::DeviceId`].
    #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum DeviceMarker {}
    /// See [`crate::value::id::RecoverySetId`].
    #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum RecoverySetMarker {}
    /// See [`crate::value::id::BypassCodeId`].
    #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum BypassCodeMarker {}
    /// See [`crate::value::id::ResetId`].
    #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum ResetMarker {}
    /// See [`crate::value::id::EventId`].
    #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum EventMarker {}
    /// See [`crate::value::id::NoticeId`].
    #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum NoticeMarker {}
    /// See [`crate::value::id::PolicyEtag`].
    #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum PolicyEtagMarker {}
    /// See [`crate::value::id::VerificationId`].
    #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum VerificationMarker {}
    /// See [`crate::value::id::AttemptId`].
    #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum AttemptMarker {}
}

impl<Of> Id<Of> {
    /// From 128 random bits.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self {
            bytes,
            of: PhantomData,
        }
    }

    /// The bits.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.bytes
    }

    /// From what a caller sent back.
    ///
    /// # Errors
    /// [`MalformedValue::NotAnId`] unless it is 32 hexadecimal characters.
    pub fn parse(text: &str) -> Result<Self, MalformedValue> {
        let decoded = HEXLOWER_PERMISSIVE
            .decode(text.as_bytes())
            .map_err(|_| MalformedValue::NotAnId)?;
        let bytes = decoded.try_into().map_err(|_| MalformedValue::NotAnId)?;
        Ok(Self::from_bytes(bytes))
    }
}

impl<Of> fmt::Display for Id<Of> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER_PERMISSIVE.encode(&self.bytes))
    }
}

impl<Of> fmt::Debug for Id<Of> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A request id, as in AIP-155: 8 to 64 characters of `A–Z a–z 0–9 . _ ~ -`.
#[derive(Clone, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// From what the caller sent; nothing if it sent none.
    ///
    /// # Errors
    /// Tells what is malformed.
    pub fn parse(text: &str) -> Result<Option<Self>, MalformedValue> {
        if text.is_empty() {
            return Ok(None);
        }
        unreserved(text, 8).map(|text| Some(Self(text)))
    }

    /// The id as the caller gave it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An attestation's id: 16 to 64 characters of `A–Z a–z 0–9 . _ ~ -`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttestationId(String);

impl AttestationId {
    /// From what the caller sent.
    ///
    /// # Errors
    /// Tells what is malformed.
    pub fn parse(text: &str) -> Result<Self, MalformedValue> {
        unreserved(text, 16).map(Self)
    }

    /// The id as the caller gave it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn unreserved(text: &str, shortest: usize) -> Result<String, MalformedValue> {
    fn allowed(byte: u8) -> bool {
        byte.is_ascii_alphanumeric() || b"._~-".contains(&byte)
    }
    let text = text::restricted(text, 64, allowed, "A–Z a–z 0–9 . _ ~ -")?;
    if text.len() < shortest {
        return Err(MalformedValue::TooShort(shortest));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests;
