//! `GetChallenge`: a challenge as it stands.

use crate::app::{
    CallerRequest, Error, challenge::challenge_view::ChallengeView,
    dependencies::ChallengeDependencies,
};
use countersign_domain::{challenge::verdict::ChallengeOutcome, value::id::ChallengeId};

/// A challenge of this caller, as it stands; of one that ended, how.
///
/// # Errors
/// [`Error::ChallengeNotFound`] if there is none, or its time is over.
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
