//! Policies.

use crate::{
    ports::{Committed, Policies, Stored},
    store::{
        sql::{policies, queries, rows},
        sqlite::{NAME, SqliteAccounts, texts},
    },
};
use async_trait::async_trait;
use countersign_domain::{
    change::Receipt,
    id::TenantId,
    policy::{Decided, PolicyChange},
    request::RequestMark,
};

#[async_trait]
impl Policies for SqliteAccounts {
    async fn policy(
        &self,
        tenant: &TenantId,
        mark: Option<RequestMark>,
    ) -> Stored<(Decided, Option<Receipt>)> {
        let values = queries::policy(tenant, mark);
        let texts = texts(&self.readers, include_str!("policy.sql"), &values).await?;
        rows::policy(NAME, mark, &texts)
    }

    async fn commit_policy(&self, change: &PolicyChange) -> Stored<Committed> {
        self.run(&policies::of_change(NAME, change)?).await
    }
}
