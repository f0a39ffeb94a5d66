//! `GetChallenge`: a challenge as it stands.

use crate::{
    app::{App, Call, Error},
    ports::FindChallenge,
};
use countersign_domain::{
    book::Standing, challenge::Challenge, change::Ending, id::ChallengeId, settlement::Ended,
};

/// A challenge as its caller may see it.
pub enum ChallengeView {
    /// It can be answered, or could until it bore too many wrong codes.
    Open {
        /// The challenge.
        challenge: Box<Challenge>,
        /// What is left of it.
        standing: Standing,
    },
    /// It was answered rightly.
    Approved(ChallengeId),
    /// It ended otherwise.
    Ended(ChallengeId, Ending),
}

impl ChallengeView {
    pub(super) fn open(challenge: Challenge, standing: Standing) -> Self {
        Self::Open {
            challenge: Box::new(challenge),
            standing,
        }
    }
}

impl App {
    /// A challenge of this caller's, as it stands; of one that ended, how.
    ///
    /// # Errors
    /// [`Error::ChallengeNotFound`] if there is none, or its time is over.
    pub async fn get_challenge(&self, call: Call, id: ChallengeId) -> Result<ChallengeView, Error> {
        self.gate.pass()?;
        let find = FindChallenge {
            id,
            caller: call.caller.name.clone(),
            now: self.now(),
        };
        if let Some(standing) = self.parts.challenges.find(self.tag(&call), &find).await? {
            let challenge = self.open_challenge(&call.who, id, &standing.sealed)?;
            return Ok(ChallengeView::open(challenge, standing));
        }
        match self.ended(&call, id).await? {
            Some(Ended::Approved(_)) => Ok(ChallengeView::Approved(id)),
            Some(Ended::Without(how)) => Ok(ChallengeView::Ended(id, how)),
            None => Err(Error::ChallengeNotFound),
        }
    }
}
