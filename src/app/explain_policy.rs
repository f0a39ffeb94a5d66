//! `ExplainPolicy`: where each value that holds comes from, and what it comes to.

use crate::app::{Call, Error, OpenedAccount, dependencies::PolicyDependencies};
use countersign_domain::{
    account::{Availability, Served, Terms},
    budget::GuessClass,
    id::TenantId,
    policy::{Kinds, Layer, Odds, Policy, Provenance, provenance},
};

/// What is explained.
pub struct Explanation {
    /// What holds.
    pub effective: Policy,
    /// Where each value comes from.
    pub values: Vec<Provenance>,
    /// What is weaker than usual, does less than it seems to, or contradicts itself, a sentence each.
    pub warnings: Vec<String>,
    /// The best chance of somebody without a device of the user's.
    pub odds: Option<Odds>,
    /// The best chance of somebody with one.
    pub odds_with_known_device: Option<Odds>,
}

/// Explains the policy of a tenant: to a guesser, all kinds that it allows are there.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn explain_policy(
    deps: &PolicyDependencies,
    tenant: TenantId,
) -> Result<Explanation, Error> {
    deps.requests.gate.pass()?;
    let (decided, _) = deps.accounts.policy(&tenant, None).await?;
    Ok(explanation(deps, &decided.layer, Kinds::ALL))
}

/// Explains the policy as it holds for one user: to a guesser, their methods are there.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn explain_policy_for_user(
    deps: &PolicyDependencies,
    call: Call,
) -> Result<Explanation, Error> {
    let user = deps.requests.read(call).await?.user;
    let kinds = answering(deps, &user);
    Ok(explanation(deps, &user.account.tenant_layer, kinds))
}

/// The kinds of a user's methods that can answer.
fn answering(deps: &PolicyDependencies, user: &OpenedAccount) -> Kinds {
    let terms = Terms::of_sign_in(&user.policy.rules, deps.notifier.served());
    let methods = user.account.methods.iter();
    let usable = methods.filter(|method| terms.availability(method) == Availability::Active);
    usable.map(|method| method.kind).collect()
}

fn explanation(deps: &PolicyDependencies, tenant_layer: &Layer, kinds: Kinds) -> Explanation {
    let effective = deps.policies.merge(tenant_layer);
    Explanation {
        values: provenance(deps.policies.service_layer(), tenant_layer),
        warnings: warnings(&effective, deps.notifier.served()),
        odds: effective.odds(kinds, &[GuessClass::Unknown]),
        odds_with_known_device: effective.odds(kinds, &[GuessClass::Unknown, GuessClass::Known]),
        effective,
    }
}

/// What an administrator should know of a policy, a sentence each.
pub(super) fn warnings(policy: &Policy, served: Served) -> Vec<String> {
    let conflicts = policy.rules.conflicts();
    let conflicts = conflicts.iter().map(ToString::to_string);
    let weaknesses = policy.weaknesses(served);
    let weaknesses = weaknesses.iter().map(ToString::to_string);
    conflicts.chain(weaknesses).collect()
}
