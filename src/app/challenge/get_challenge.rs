//! `GetChallenge`: reads the state of a challenge.

use crate::app::{
    CallerRequest, Error, challenge::challenge_view::ChallengeView,
    dependencies::ChallengeDependencies,
};
use countersign_domain::{challenge::verdict::ChallengeOutcome, value::id::ChallengeId};

/// Returns a challenge of this caller, or how it ended.
///
/// # Errors
/// [`Error::ChallengeNotFound`] if this caller has no such challenge, or it expired.
pub(crate) async fn get_challenge(
    deps: &ChallengeDependencies,
    call: CallerRequest,
    id: ChallengeId,
) -> Result<ChallengeView, Error> {
    let call = deps.requests.begin_read(call)?;
    if let Some((challenge, snapshot)) = deps.issuer.find(&call, id, call.now).await? {
        return Ok(ChallengeView::open(challenge, snapshot));
    }
    match deps.requests.ended(&call, id).await? {
        Some(ChallengeOutcome::Approved(_)) => Ok(ChallengeView::Approved(id)),
        Some(ChallengeOutcome::Without(how)) => Ok(ChallengeView::Ended(id, how)),
        None => Err(Error::ChallengeNotFound),
    }
}
