//! What the administrator of a tenant decided, and how that changes.

use super::Layer;
use crate::{
    change::Receipt,
    event::Event,
    id::{PolicyEtag, TenantId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// What the administrator of a tenant decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// It.
    pub layer: Layer,
    /// Names this state of it.
    pub etag: PolicyEtag,
    /// When it last changed; never, where nothing was ever decided.
    pub updated_at: Option<Timestamp>,
}

/// A change of what was decided. A store carries all of it out, or nothing.
#[derive(Debug, Clone)]
pub struct PolicyChange {
    /// Whose policy.
    pub tenant: TenantId,
    /// The state it was decided from; if that has moved, the change is refused.
    pub base: PolicyEtag,
    /// The state after it.
    pub after: Decided,
    /// What the audit record says of it.
    pub event: Event,
    /// What a repeat of the call will meet.
    pub receipt: Option<Receipt>,
}

/// Who changed a policy, and why: the personal part of the audit record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// The administrator, as the caller names them.
    pub acting_user_id: String,
    /// Why, in their words.
    pub reason: String,
}

impl Decided {
    /// Nothing was ever decided. This state too has a name, so that the first change is guarded like any other.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            layer: Layer::default(),
            etag: PolicyEtag::from_bytes([0; 16]),
            updated_at: None,
        }
    }
}
