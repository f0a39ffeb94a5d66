//! What the administrators of tenants decided.

use super::{CommitResult, StoreResult};
use async_trait::async_trait;
use countersign_domain::{
    account::change::IdempotencyRecord,
    policy::{PolicyChange, StoredPolicy},
    value::{id::TenantId, idempotency_key::IdempotencyKey},
};

/// Durable memory of policies: part of [`super::AccountStore`]. What holds for one user is loaded with them.
#[async_trait]
pub trait PolicyStore: Send + Sync {
    /// What the administrator of a tenant decided, and the receipt of this very call if it ran before: one statement.
    async fn policy(
        &self,
        tenant: &TenantId,
        idempotency_key: Option<IdempotencyKey>,
    ) -> StoreResult<(StoredPolicy, Option<IdempotencyRecord>)>;

    /// Carries out a change, all of it or nothing.
    async fn commit_policy(&self, change: &PolicyChange) -> StoreResult<CommitResult>;
}
