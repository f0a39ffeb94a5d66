//! `GetSignInOptions`: what a sign-in page shows before it knows the user.

use crate::app::{Error, dependencies::ChallengeDependencies};
use countersign_domain::{decisions::reset_offer::ResetOffer, value::id::TenantId};

/// Returns whether users of the tenant who can't sign in are offered a reset. No user is read.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn get_sign_in_options(
    deps: &ChallengeDependencies,
    tenant: TenantId,
) -> Result<Option<ResetOffer>, Error> {
    deps.requests.readiness.pass()?;
    let (stored, _) = deps.accounts.policy(&tenant, None).await?;
    let policy = deps.policies.policy(&tenant, &stored.layer);
    Ok(ResetOffer::of(&policy.rules, deps.views.served()))
}
