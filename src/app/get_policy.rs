//! `GetPolicy`: what a tenant's administrator decided, and what that comes to.

use crate::app::{App, Error, explain_policy::warnings};
use countersign_domain::{
    id::TenantId,
    policy::{Decided, Policy},
};

/// A policy as an entitled caller may see it.
pub struct PolicyView {
    /// Whose.
    pub tenant: TenantId,
    /// What the administrator decided.
    pub decided: Decided,
    /// What holds.
    pub effective: Policy,
    /// What of it is weaker than usual, or does less than it seems to, a sentence each.
    pub warnings: Vec<String>,
}

impl App {
    /// What a tenant's administrator decided. It needs no policy to be asked about.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn get_policy(&self, tenant: TenantId) -> Result<PolicyView, Error> {
        self.gate.pass()?;
        let (decided, _) = self.accounts().policy(&tenant, None).await?;
        Ok(self.policy_view(tenant, decided))
    }

    pub(super) fn policy_view(&self, tenant: TenantId, decided: Decided) -> PolicyView {
        let effective = self.policy_under(&decided.layer);
        PolicyView {
            warnings: warnings(&effective, self.parts.notifier.served()),
            effective,
            tenant,
            decided,
        }
    }
}
