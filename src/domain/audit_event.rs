//! Audit events: what happened, with personal details sealed apart.

use crate::{
    authorization::caller::CallerName,
    value::{
        id::{EventId, SubjectTag, TenantId},
        secret::{SealedBytes, length_prefixed},
        time::Timestamp,
    },
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// One recorded change or verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// The id.
    pub id: EventId,
    /// The tenant.
    pub tenant: TenantId,
    /// The user's pseudonym.
    pub subject: SubjectTag,
    /// What happened.
    pub kind: AuditEventKind,
    /// The caller.
    pub caller: CallerName,
    /// When it happened.
    pub at: Timestamp,
    /// Ids and reasons, as `name=value` pairs.
    pub details: AuditDetails,
    /// Names and addresses, sealed under the user's own key. `DeleteUser` deletes that key.
    pub personal: SealedBytes,
}

/// The personal details of an event, which identify people.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PersonalDetails {
    /// The user's id.
    pub user_id: String,
    /// The client's IP address.
    pub client_address: Option<String>,
    /// The client's `User-Agent`.
    pub user_agent: Option<String>,
    /// The kind of client, browser or mobile app, if the caller named it.
    pub app: Option<String>,
    /// The user who acted on another user's account.
    pub acting_user_id: Option<String>,
    /// The reason that they gave.
    pub reason: Option<String>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuditEventKind {
    /// A user was created or changed.
    UserUpserted,
    /// A user was deleted.
    UserDeleted,
    /// A sign-in needed no second factor.
    SignInAllowed,
    /// A challenge was passed.
    ChallengeApproved,
    /// An attempt was rejected.
    ChallengeRejected,
    /// A challenge was canceled.
    ChallengeCanceled,
    /// An enrollment was started.
    EnrollmentStarted,
    /// A method was added.
    MethodAdded,
    /// A method was replaced.
    MethodReplaced,
    /// A method was renamed.
    MethodRenamed,
    /// The default method was changed.
    DefaultChanged,
    /// A method was removed.
    MethodRemoved,
    /// New recovery codes were generated.
    RecoveryCodesGenerated,
    /// The policy of the tenant was changed.
    PolicyUpdated,
    /// The user confirmed that they saved their recovery codes.
    RecoveryCodesConfirmed,
    /// A reset was requested without a sign-in.
    ResetStarted,
    /// The waiting period of a reset ended, and its code was mailed.
    ResetCodeMailed,
    /// A reset was canceled.
    ResetCanceled,
    /// A reset was confirmed, which removed all methods.
    ResetConfirmed,
    /// An administrator removed all methods of a user.
    UserReset,
    /// An administrator lifted the windows of wrong codes.
    UserUnlocked,
    /// An administrator issued a bypass code.
    BypassCodeIssued,
    /// A change was reverted with the token of its notice.
    ChangeReverted,
    /// Two-factor was turned off.
    TwoFactorDisabled,
    /// The records of a user were exported.
    UserExported,
    /// Devices were trusted.
    DeviceTrusted,
    /// A device was renamed.
    DeviceRenamed,
    /// Trust in a device was withdrawn.
    DeviceRevoked,
    /// Trust in all devices was withdrawn.
    AllDevicesRevoked,
    /// A device was reported as somebody else's and removed.
    DeviceDisowned,
    /// A used token of a trusted device was presented again, and the device was removed.
    DeviceTokenReused,
}

impl AuditEventKind {
    /// The name in stores and exports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UserUpserted => "USER_UPSERTED",
            Self::UserDeleted => "USER_DELETED",
            Self::SignInAllowed => "SIGN_IN_ALLOWED",
            Self::ChallengeApproved => "CHALLENGE_APPROVED",
            Self::ChallengeRejected => "CHALLENGE_REJECTED",
            Self::ChallengeCanceled => "CHALLENGE_CANCELED",
            Self::EnrollmentStarted => "ENROLLMENT_STARTED",
            Self::MethodAdded => "METHOD_ADDED",
            Self::MethodReplaced => "METHOD_REPLACED",
            Self::MethodRenamed => "METHOD_RENAMED",
            Self::DefaultChanged => "DEFAULT_CHANGED",
            Self::MethodRemoved => "METHOD_REMOVED",
            Self::RecoveryCodesGenerated => "RECOVERY_CODES_GENERATED",
            Self::PolicyUpdated => "POLICY_UPDATED",
            Self::RecoveryCodesConfirmed => "RECOVERY_CODES_CONFIRMED",
            Self::ResetStarted => "RESET_STARTED",
            Self::ResetCodeMailed => "RESET_CODE_MAILED",
            Self::ResetCanceled => "RESET_CANCELED",
            Self::ResetConfirmed => "RESET_CONFIRMED",
            Self::UserReset => "USER_RESET",
            Self::UserUnlocked => "USER_UNLOCKED",
            Self::BypassCodeIssued => "BYPASS_CODE_ISSUED",
            Self::ChangeReverted => "CHANGE_REVERTED",
            Self::TwoFactorDisabled => "TWO_FACTOR_DISABLED",
            Self::UserExported => "USER_EXPORTED",
            Self::DeviceTrusted => "DEVICE_TRUSTED",
            Self::DeviceRenamed => "DEVICE_RENAMED",
            Self::DeviceRevoked => "DEVICE_REVOKED",
            Self::AllDevicesRevoked => "ALL_DEVICES_REVOKED",
            Self::DeviceDisowned => "DEVICE_DISOWNED",
            Self::DeviceTokenReused => "DEVICE_TOKEN_REUSED",
        }
    }
}

/// Ids and reasons, as `name=value` pairs separated by spaces. They contain nothing personal and nothing secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditDetails(String);

impl AuditDetails {
    /// No details.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds a pair. Spaces in the value become `_`, so that pairs stay separate.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        let value = value.to_string().replace(' ', "_");
        let space = if self.0.is_empty() { "" } else { " " };
        self.0.extend([space, name, "=", &value]);
        self
    }

    /// The pairs.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Restores details from a store.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }
}

/// The head of a tenant's audit chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainHead {
    /// The number of the last event; the first event has number 1.
    pub sequence: i64,
    /// The hash of the last event and all events before it.
    pub hash: [u8; 32],
}

impl ChainHead {
    /// The head before the first event.
    pub const EMPTY: Self = Self {
        sequence: 0,
        hash: [0; 32],
    };

    /// The head after another event. Each hash covers the previous one.
    #[must_use]
    pub fn after(self, event: &StoredAuditEvent) -> Self {
        let sequence = self.sequence.saturating_add(1);
        let fields = length_prefixed([
            self.hash.as_slice(),
            &sequence.to_be_bytes(),
            &event.id,
            event.tenant.as_bytes(),
            &event.subject,
            event.kind.as_bytes(),
            event.caller.as_bytes(),
            &event.at.to_be_bytes(),
            event.details.as_bytes(),
            &event.personal,
        ]);
        Self {
            sequence,
            hash: Sha256::digest(fields).into(),
        }
    }
}

/// An audit event as a store returns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAuditEvent {
    /// The row number, in the order in which the store wrote events.
    pub row: i64,
    /// The id.
    pub id: Vec<u8>,
    /// The tenant.
    pub tenant: String,
    /// The user's pseudonym.
    pub subject: Vec<u8>,
    /// What happened.
    pub kind: String,
    /// The caller.
    pub caller: String,
    /// When it happened, in milliseconds since 1970.
    pub at: i64,
    /// Ids and reasons.
    pub details: String,
    /// Names and addresses, sealed.
    pub personal: Vec<u8>,
}

#[cfg(test)]
mod tests;
