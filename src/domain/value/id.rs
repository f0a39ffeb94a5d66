//! Ids: those that callers give to tenants, requests and attestations, and those that Countersign makes.

pub use crate::value::user_id::{UserId, UserIdConflict, UserIdRules};

use crate::value::{malformed::MalformedValue, text};
use data_encoding::HEXLOWER_PERMISSIVE;
use serde::{Deserialize, Serialize};
use std::{fmt, marker::PhantomData};

/// The id of a tenant, given by the caller.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TenantId(String);

/// A user of a tenant. Rules and stores identify users by it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Subject {
    /// The tenant.
    pub tenant: TenantId,
    /// The user's id in the tenant.
    pub user: UserId,
}

impl TenantId {
    /// Reads 1 to 128 characters of `A–Z a–z 0–9 . _ ~ @ + : -`.
    ///
    /// # Errors
    /// [`MalformedValue`] says what is wrong.
    pub fn parse(text: &str) -> Result<Self, MalformedValue> {
        caller_given(text).map(Self)
    }

    /// The id as the caller gave it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TenantId({})", self.0)
    }
}

fn caller_given(text: &str) -> Result<String, MalformedValue> {
    fn allowed(byte: u8) -> bool {
        byte.is_ascii_alphanumeric() || b"._~@+:-".contains(&byte)
    }
    text::restricted(text, 128, allowed, "A–Z a–z 0–9 . _ ~ @ + : -").map(str::to_owned)
}

/// 128 random bits that identify one thing of the kind `Of`. The text form is 32 hexadecimal characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Id<Of> {
    bytes: [u8; 16],
    of: PhantomData<Of>,
}

/// Identifies a challenge.
pub type ChallengeId = Id<of::ChallengeMarker>;
/// Identifies an approval.
pub type ApprovalId = Id<of::ApprovalMarker>;
/// Identifies a method.
pub type MethodId = Id<of::MethodMarker>;
/// Identifies a device.
pub type DeviceId = Id<of::DeviceMarker>;
/// Identifies a set of recovery codes.
pub type RecoverySetId = Id<of::RecoverySetMarker>;
/// Identifies a bypass code.
pub type BypassCodeId = Id<of::BypassCodeMarker>;
/// Identifies a reset.
pub type ResetId = Id<of::ResetMarker>;
/// Identifies an audit event.
pub type EventId = Id<of::EventMarker>;
/// Identifies a notice in the outbox. Notifiers receive it as the idempotency key.
pub type NoticeId = Id<of::NoticeMarker>;
/// Identifies a version of a tenant's policy.
pub type PolicyEtag = Id<of::PolicyEtagMarker>;
/// Identifies a verification of a provider code. Only the provider and its notifier receive it.
pub type VerificationId = Id<of::VerificationMarker>;
/// Identifies one attempt: derived from the request id if the caller sent one, otherwise random.
pub type AttemptId = Id<of::AttemptMarker>;

/// The pseudonym of a user: 128 bits of a MAC. It identifies the user in Redis keys and audit events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SubjectTag(pub [u8; 16]);

/// Marker types for [`Id`].
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
    /// Makes an id from 128 random bits.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self {
            bytes,
            of: PhantomData,
        }
    }

    /// The 128 bits.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.bytes
    }

    /// Reads an id that a caller sends back.
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

/// The `request_id` of a call (AIP-155): 1 to 128 printable ASCII characters.
#[derive(Clone, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// Reads the `request_id` field; `None` if it is empty.
    ///
    /// # Errors
    /// [`MalformedValue`] says what is wrong.
    pub fn parse(text: &str) -> Result<Option<Self>, MalformedValue> {
        fn allowed(byte: u8) -> bool {
            byte.is_ascii_graphic() || byte == b' '
        }
        if text.is_empty() {
            return Ok(None);
        }
        text::restricted(text, 128, allowed, "of printable ASCII")
            .map(|text| Some(Self(text.to_owned())))
    }

    /// The id as the caller gave it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The id of an attestation: 16 to 64 characters of `A–Z a–z 0–9 . _ ~ -`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttestationId(String);

impl AttestationId {
    /// Reads an attestation id.
    ///
    /// # Errors
    /// [`MalformedValue`] says what is wrong.
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
