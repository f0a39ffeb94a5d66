//! The port of the policy overrides of tenants.

use super::{CommitResult, StoreResult};
use async_trait::async_trait;
use countersign_domain::{
    account::change::IdempotencyRecord,
    policy::{PolicyChange, StoredPolicy},
    value::{id::TenantId, idempotency_key::IdempotencyKey},
};

/// The part of [`super::AccountStore`] that holds tenant policies. The policy of one user is loaded with the account.
#[async_trait]
pub trait PolicyStore: Send + Sync {
    /// Loads the stored policy of a tenant, and the idempotency record of this call if it ran before, in one statement.
    async fn policy(
        &self,
        tenant: &TenantId,
        idempotency_key: Option<IdempotencyKey>,
    ) -> StoreResult<(StoredPolicy, Option<IdempotencyRecord>)>;

    /// Commits a change, all of it or nothing.
    async fn commit_policy(&self, change: &PolicyChange) -> StoreResult<CommitResult>;
}
