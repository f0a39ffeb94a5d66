//! What the administrator of a tenant decided, and how that changes.

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

/// What the administrator of a tenant decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPolicy {
    /// It.
    pub layer: PolicyOverride,
    /// Names this state of it.
    pub etag: PolicyEtag,
    /// When it last changed; never, where nothing was ever decided.
    pub updated_at: Option<Timestamp>,
    /// The sealed key of the tenant's own, under which authors are sealed. The first change makes it; later ones keep it.
    pub author_key: Option<SealedBytes>,
}

/// A change of what was decided. A store carries all of it out, or nothing.
#[derive(Debug, Clone)]
pub struct PolicyChange {
    /// Whose policy.
    pub tenant: TenantId,
    /// The state it was decided from; if that has moved, the change is refused.
    pub base: PolicyEtag,
    /// The state after it.
    pub after: StoredPolicy,
    /// What the audit record says of it.
    pub event: AuditEvent,
    /// What a repeat of the call will meet.
    pub idempotency_record: Option<IdempotencyRecord>,
}

/// Who changed a policy, and why: the personal part of the audit record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyAuthor {
    /// The administrator, as the caller names them.
    pub acting_user_id: String,
    /// Why, in their words.
    pub reason: String,
}

impl StoredPolicy {
    /// Nothing was ever decided. This state too has a name, so that the first change is guarded like any other.
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
