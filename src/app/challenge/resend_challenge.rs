//! `ResendChallenge`: sends the same code again, after a wait.

use crate::app::{CallerRequest, ChallengeView, Error, dependencies::ChallengeDependencies};
use countersign_domain::value::id::ChallengeId;
use std::sync::Arc;

/// Sends the code of an open challenge again. Attempts left and expiry do not change.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn resend_challenge(
    deps: &Arc<ChallengeDependencies>,
    call: CallerRequest,
    id: ChallengeId,
) -> Result<ChallengeView, Error> {
    deps.requests
        .run(deps, call, |deps, call| async move {
            deps.issuer.resend(&call, id, call.now).await
        })
        .await
}
