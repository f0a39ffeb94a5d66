//! Audit events: what happened, without a name in it.

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

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// Its id.
    pub id: EventId,
    /// In which tenant.
    pub tenant: TenantId,
    /// To which user, as a pseudonym.
    pub subject: SubjectTag,
    /// What.
    pub kind: AuditEventKind,
    /// Who asked.
    pub caller: CallerName,
    /// When.
    pub at: Timestamp,
    /// Ids and reasons, as `name=value` pairs.
    pub details: AuditDetails,
    /// Names and addresses, sealed under the user's own key. `DeleteUser` destroys that key.
    pub personal: SealedBytes,
}

/// What of an event tells who the person is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PersonalDetails {
    /// The login.
    pub user_id: String,
    /// The client's address.
    pub client_address: Option<String>,
    /// The client's description of itself.
    pub user_agent: Option<String>,
    /// Whether it is a browser or the company's app, where the caller said so.
    pub app: Option<String>,
    /// Who acted on the user's account, where it was not the user.
    pub acting_user_id: Option<String>,
    /// Why they did.
    pub reason: Option<String>,
}

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuditEventKind {
    /// A user was made or changed.
    UserUpserted,
    /// A user was erased.
    UserDeleted,
    /// A sign-in went on without a second factor.
    SignInAllowed,
    /// A challenge was passed.
    ChallengeApproved,
    /// An answer was refused.
    ChallengeRejected,
    /// A challenge was canceled.
    ChallengeCanceled,
    /// An enrollment began.
    EnrollmentStarted,
    /// A method was added.
    MethodAdded,
    /// A method took another's place.
    MethodReplaced,
    /// A method was renamed.
    MethodRenamed,
    /// Another method is the default.
    DefaultChanged,
    /// A method was removed.
    MethodRemoved,
    /// New recovery codes were made.
    RecoveryCodesGenerated,
    /// The policy of the tenant was changed.
    PolicyUpdated,
    /// The user said that they had saved their recovery codes.
    RecoveryCodesConfirmed,
    /// A user who can't sign in asked for a reset.
    ResetStarted,
    /// The hold of a reset is over, and the code that confirms it was mailed.
    ResetCodeMailed,
    /// A reset was canceled.
    ResetCanceled,
    /// A reset was confirmed: all methods are gone.
    ResetConfirmed,
    /// An administrator took all methods of a user.
    UserReset,
    /// An administrator lifted the windows of wrong codes.
    UserUnlocked,
    /// An administrator made a bypass code.
    BypassCodeIssued,
    /// A change was reverted by somebody who was told of it.
    ChangeReverted,
    /// Two-factor was turned off.
    TwoFactorDisabled,
    /// All that is recorded of a user was handed out.
    UserExported,
    /// Devices may skip the second factor.
    DeviceTrusted,
    /// A device was renamed.
    DeviceRenamed,
    /// A device may not skip the second factor any more.
    DeviceRevoked,
    /// No device may.
    AllDevicesRevoked,
    /// A device was reported as somebody else's, and forgotten.
    DeviceDisowned,
    /// The token of a trusted device was used by two; the device is forgotten.
    DeviceTokenReused,
}

impl AuditEventKind {
    /// Its name.
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

/// Ids and reasons, as `name=value` pairs with a space between. Nothing personal, nothing secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditDetails(String);

impl AuditDetails {
    /// No facts.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// One fact more. A space in the value becomes `_`, so that pairs stay apart.
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

    /// From a store.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }
}

/// The head of a tenant's chain of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainHead {
    /// The number of the last event; the first has 1.
    pub sequence: i64,
    /// The hash of the last event and all before it.
    pub hash: [u8; 32],
}

impl ChainHead {
    /// Before the first event.
    pub const EMPTY: Self = Self {
        sequence: 0,
        hash: [0; 32],
    };

    /// The head after a further event, as the store keeps it: each hash covers the one before.
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

/// An event as a store gives it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAuditEvent {
    /// The order in which the store wrote it.
    pub row: i64,
    /// Its id.
    pub id: Vec<u8>,
    /// In which tenant.
    pub tenant: String,
    /// To which user, as a pseudonym.
    pub subject: Vec<u8>,
    /// What.
    pub kind: String,
    /// Who asked.
    pub caller: String,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// Ids and reasons.
    pub details: String,
    /// Names and addresses, sealed.
    pub personal: Vec<u8>,
}

#[cfg(test)]
mod tests;
