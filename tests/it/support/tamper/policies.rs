//! The policies of stores with a flaw: they hang with the rest, or have none.

use super::{HangingAccounts, TamperedAccounts};
use async_trait::async_trait;
use countersign::ports::{Committed, Policies, Stored};
use countersign_domain::{
    change::Receipt,
    id::TenantId,
    policy::{Decided, PolicyChange},
    request::RequestMark,
};

#[async_trait]
impl Policies for HangingAccounts {
    async fn policy(
        &self,
        _: &TenantId,
        _: Option<RequestMark>,
    ) -> Stored<(Decided, Option<Receipt>)> {
        std::future::pending().await
    }
    async fn commit_policy(&self, _: &PolicyChange) -> Stored<Committed> {
        std::future::pending().await
    }
}

#[async_trait]
impl Policies for TamperedAccounts {
    async fn policy(
        &self,
        tenant: &TenantId,
        mark: Option<RequestMark>,
    ) -> Stored<(Decided, Option<Receipt>)> {
        self.inner.policy(tenant, mark).await
    }
    async fn commit_policy(&self, change: &PolicyChange) -> Stored<Committed> {
        if let Some(rival) = &self.rival {
            rival.save_policy(&*self.inner, change).await;
        }
        let fault = self.next_write_fault();
        super::broken(fault, self.inner.commit_policy(change)).await
    }
}
