//! What the administrators of tenants decided.

use super::{Committed, Stored};
use async_trait::async_trait;
use countersign_domain::{
    change::Receipt,
    id::TenantId,
    policy::{Decided, PolicyChange},
    request::RequestMark,
};

/// Durable memory of policies: part of [`super::Accounts`]. What holds for one user is loaded with them.
#[async_trait]
pub trait Policies: Send + Sync {
    /// What the administrator of a tenant decided, and the receipt of this very call if it ran before: one statement.
    async fn policy(
        &self,
        tenant: &TenantId,
        mark: Option<RequestMark>,
    ) -> Stored<(Decided, Option<Receipt>)>;

    /// Carries out a change, all of it or nothing.
    async fn commit_policy(&self, change: &PolicyChange) -> Stored<Committed>;
}
