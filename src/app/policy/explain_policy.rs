//! `ExplainPolicy`: where each value that holds comes from, and what it comes to.

use crate::app::{CallerRequest, Error, context::OpenedAccount, dependencies::PolicyDependencies};
use countersign_domain::{
    account::{AvailableChannels, MethodRequirements},
    limits::budget::AttemptClass,
    policy::{GuessProbability, MethodKinds, Policy, PolicyOverride, Provenance, provenance},
    value::id::TenantId,
};

/// What is explained.
pub struct PolicyExplanation {
    /// What holds.
    pub effective: Policy,
    /// Where each value comes from.
    pub values: Vec<Provenance>,
    /// What is weaker than usual, does less than it seems to, or contradicts itself, a sentence each.
    pub warnings: Vec<String>,
    /// The best chance of somebody without a device of the user's.
    pub guess_probability: Option<GuessProbability>,
    /// The best chance of somebody with one.
    pub guess_probability_with_known_device: Option<GuessProbability>,
}

/// Explains the policy of a tenant: to a guesser, all kinds that it allows are there.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn explain_policy(
    deps: &PolicyDependencies,
    tenant: TenantId,
) -> Result<PolicyExplanation, Error> {
    deps.requests.readiness.pass()?;
    let (decided, _) = deps.accounts.policy(&tenant, None).await?;
    Ok(explanation(deps, &decided.layer, MethodKinds::ALL))
}

/// Explains the policy as it holds for one user: to a guesser, their methods are there.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn explain_policy_for_user(
    deps: &PolicyDependencies,
    call: CallerRequest,
) -> Result<PolicyExplanation, Error> {
    let user = deps.requests.read(call).await?.user;
    let kinds = answering(deps, &user);
    Ok(explanation(deps, &user.account.tenant_layer, kinds))
}

/// The kinds of a user's methods that can answer.
fn answering(deps: &PolicyDependencies, user: &OpenedAccount) -> MethodKinds {
    let terms = MethodRequirements::of_sign_in(&user.policy.rules, deps.notifier.served());
    let methods = user.account.methods.iter();
    let usable = methods.filter(|method| terms.ineligibility(method).is_none());
    usable.map(|method| method.kind).collect()
}

fn explanation(
    deps: &PolicyDependencies,
    tenant_layer: &PolicyOverride,
    kinds: MethodKinds,
) -> PolicyExplanation {
    let effective = deps.policies.merge(tenant_layer);
    PolicyExplanation {
        values: provenance(deps.policies.service_layer(), tenant_layer),
        warnings: warnings(&effective, deps.notifier.served()),
        guess_probability: effective.guess_probability(kinds, &[AttemptClass::Unknown]),
        guess_probability_with_known_device: effective
            .guess_probability(kinds, &[AttemptClass::Unknown, AttemptClass::Known]),
        effective,
    }
}

/// What an administrator should know of a policy, a sentence each.
pub(crate) fn warnings(policy: &Policy, served: AvailableChannels) -> Vec<String> {
    let conflicts = policy.rules.conflicts();
    let conflicts = conflicts.iter().map(ToString::to_string);
    let weaknesses = policy.weaknesses(served);
    let weaknesses = weaknesses.iter().map(ToString::to_string);
    conflicts.chain(weaknesses).collect()
}
