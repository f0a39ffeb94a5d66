//! `GetChallenge`: a challenge as it stands.

use crate::app::{CallerRequest, Error, dependencies::ChallengeDependencies};
use countersign_domain::{
    account::change::UnapprovedEnding,
    challenge::{Challenge, verdict::ChallengeOutcome},
    limits::user_throttle::ChallengeSnapshot,
    value::id::ChallengeId,
};

/// A challenge as its caller may see it.
pub enum ChallengeView {
    /// It can be answered, or could until it bore too many wrong codes.
    Open {
        /// The challenge.
        challenge: Box<Challenge>,
        /// What is left of it.
        standing: ChallengeSnapshot,
    },
    /// It was answered rightly.
    Approved(ChallengeId),
    /// It ended otherwise.
    Ended(ChallengeId, UnapprovedEnding),
}

impl ChallengeView {
    pub(crate) fn open(challenge: Challenge, standing: ChallengeSnapshot) -> Self {
        Self::Open {
            challenge: Box::new(challenge),
            standing,
        }
    }
}

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
    if let Some((challenge, standing)) = deps.issuer.find(&call, id, call.now).await? {
        return Ok(ChallengeView::open(challenge, standing));
    }
    match deps.requests.ended(&call, id).await? {
        Some(ChallengeOutcome::Approved(_)) => Ok(ChallengeView::Approved(id)),
        Some(ChallengeOutcome::Without(how)) => Ok(ChallengeView::Ended(id, how)),
        None => Err(Error::ChallengeNotFound),
    }
}
