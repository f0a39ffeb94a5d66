//! The stored policy of a tenant, and changes of it.

use super::PolicyOverride;
use crate::{
    account::change::IdempotencyRecord,
    audit_event::AuditEvent,
    value::{
        id::{PolicyEtag, TenantId},
        secret::SealedBytes,
        time::Timestamp,
    },
};
use serde::{Deserialize, Serialize};

/// The policy override of a tenant's administrator, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPolicy {
    /// The override.
    pub layer: PolicyOverride,
    /// The version of this state.
    pub etag: PolicyEtag,
    /// When it last changed; `None` before the first change.
    pub updated_at: Option<Timestamp>,
    /// The tenant's own sealed key, which seals authors. The first change creates it, and later ones keep it.
    pub author_key: Option<SealedBytes>,
}

/// A change of a stored policy. A store saves all of it or nothing.
#[derive(Debug, Clone)]
pub struct PolicyChange {
    /// The tenant.
    pub tenant: TenantId,
    /// The state that it was decided from. If the stored one differs, the change is rejected.
    pub base: PolicyEtag,
    /// The state after the change.
    pub after: StoredPolicy,
    /// The audit event.
    pub event: AuditEvent,
    /// The record from which a repeated call is answered.
    pub idempotency_record: Option<IdempotencyRecord>,
}

/// Who changed a policy, and why: the personal details of the audit event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyAuthor {
    /// The id of the administrator, given by the caller.
    pub acting_user_id: String,
    /// The reason that they gave.
    pub reason: String,
}

impl StoredPolicy {
    /// The state before the first change. It has a version, too, so that the first change is checked like any other.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            layer: PolicyOverride::default(),
            etag: PolicyEtag::from_bytes([0; 16]),
            updated_at: None,
            author_key: None,
        }
    }
}
