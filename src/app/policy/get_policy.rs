//! `GetPolicy`: what a tenant's administrator decided, and what that comes to.

use crate::app::{Error, dependencies::PolicyDependencies, policy::explain_policy::warnings};
use countersign_domain::{
    policy::{Policy, StoredPolicy},
    value::id::TenantId,
};

/// A policy as an entitled caller may see it.
pub struct PolicyView {
    /// Whose.
    pub tenant: TenantId,
    /// What the administrator decided.
    pub decided: StoredPolicy,
    /// What holds.
    pub effective: Policy,
    /// What of it is weaker than usual, or does less than it seems to, a sentence each.
    pub warnings: Vec<String>,
}

/// What a tenant's administrator decided. It needs no policy to be asked about.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn get_policy(
    deps: &PolicyDependencies,
    tenant: TenantId,
) -> Result<PolicyView, Error> {
    deps.requests.readiness.pass()?;
    let (decided, _) = deps.accounts.policy(&tenant, None).await?;
    Ok(policy_view(deps, tenant, decided))
}

pub(crate) fn policy_view(
    deps: &PolicyDependencies,
    tenant: TenantId,
    decided: StoredPolicy,
) -> PolicyView {
    let effective = deps.policies.merge(&decided.layer);
    PolicyView {
        warnings: warnings(&effective, deps.notifier.served()),
        effective,
        tenant,
        decided,
    }
}
