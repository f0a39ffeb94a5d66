//! `ExplainPolicy`: the source of each effective value, and the resulting guess probability.

use crate::app::{CallerRequest, Error, context::OpenedAccount, dependencies::PolicyDependencies};
use countersign_domain::{
    account::{AvailableChannels, MethodRequirements},
    limits::budget::AttemptClass,
    policy::{GuessProbability, MethodKinds, Policy, PolicyOverride, Provenance, provenance},
    value::id::TenantId,
};

/// An explained policy.
pub struct PolicyExplanation {
    /// The effective policy, merged from all layers.
    pub effective: Policy,
    /// The source of each value.
    pub values: Vec<Provenance>,
    /// Values that are weaker than the built-in policy, have no effect, or contradict others; one sentence each.
    pub warnings: Vec<String>,
    /// The best guess probability without a device of the user.
    pub guess_probability: Option<GuessProbability>,
    /// The best guess probability with a device of the user.
    pub guess_probability_with_known_device: Option<GuessProbability>,
}

/// Explains the policy of a tenant. The guess probability assumes methods of every allowed kind.
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

/// Explains the policy of one user. The guess probability assumes the user's own methods.
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

/// The kinds of the user's methods that can answer a sign-in.
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

/// What an administrator should know about a policy, one sentence each.
pub(crate) fn warnings(policy: &Policy, served: AvailableChannels) -> Vec<String> {
    let conflicts = policy.rules.conflicts();
    let conflicts = conflicts.iter().map(ToString::to_string);
    let weaknesses = policy.weaknesses(served);
    let weaknesses = weaknesses.iter().map(ToString::to_string);
    conflicts.chain(weaknesses).collect()
}
