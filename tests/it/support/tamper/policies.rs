//! The policies of stores with a flaw: they hang with the rest, or have none.

use super::{HangingAccounts, TamperedAccounts};
use async_trait::async_trait;
use countersign::ports::{CommitResult, PolicyStore, StoreResult};
use countersign_domain::{
    account::change::IdempotencyRecord,
    policy::{PolicyChange, StoredPolicy},
    value::{id::TenantId, idempotency_key::IdempotencyKey},
};

#[async_trait]
impl PolicyStore for HangingAccounts {
    async fn policy(
        &self,
        _: &TenantId,
        _: Option<IdempotencyKey>,
    ) -> StoreResult<(StoredPolicy, Option<IdempotencyRecord>)> {
        std::future::pending().await
    }
    async fn commit_policy(&self, _: &PolicyChange) -> StoreResult<CommitResult> {
        std::future::pending().await
    }
}

#[async_trait]
impl PolicyStore for TamperedAccounts {
    async fn policy(
        &self,
        tenant: &TenantId,
        idempotency_key: Option<IdempotencyKey>,
    ) -> StoreResult<(StoredPolicy, Option<IdempotencyRecord>)> {
        self.inner.policy(tenant, idempotency_key).await
    }
    async fn commit_policy(&self, change: &PolicyChange) -> StoreResult<CommitResult> {
        if let Some(rival) = &self.rival {
            rival.save_policy(&*self.inner, change).await;
        }
        let fault = self.next_write_fault();
        super::broken(fault, self.inner.commit_policy(change)).await
    }
}
