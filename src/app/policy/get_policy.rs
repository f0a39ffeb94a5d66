//! `GetPolicy`: the policy that a tenant's administrator set, and the effective policy.

use crate::app::{Error, dependencies::PolicyDependencies, policy::explain_policy::warnings};
use countersign_domain::{
    policy::{Policy, StoredPolicy},
    value::id::TenantId,
};

/// A policy as the tenant's administrator sees it.
pub struct PolicyView {
    /// The tenant of the policy.
    pub tenant: TenantId,
    /// The override that the administrator set.
    pub decided: StoredPolicy,
    /// The effective policy, merged from all layers.
    pub effective: Policy,
    /// Values that are weaker than the built-in policy or have no effect; one sentence each.
    pub warnings: Vec<String>,
}

/// Reads the policy of a tenant. A tenant that has set none has an empty override.
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
