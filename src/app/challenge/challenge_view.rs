//! A challenge as its caller may see it.

use countersign_domain::{
    account::change::UnapprovedEnding, challenge::Challenge,
    limits::user_throttle::ChallengeSnapshot, value::id::ChallengeId,
};

/// A challenge as its caller may see it.
pub enum ChallengeView {
    /// It can be answered, or could until it bore too many wrong codes.
    Open {
        /// The challenge.
        challenge: Box<Challenge>,
        /// What is left of it.
        snapshot: ChallengeSnapshot,
    },
    /// It was answered rightly.
    Approved(ChallengeId),
    /// It ended otherwise.
    Ended(ChallengeId, UnapprovedEnding),
}

impl ChallengeView {
    pub(crate) fn open(challenge: Challenge, snapshot: ChallengeSnapshot) -> Self {
        Self::Open {
            challenge: Box::new(challenge),
            snapshot,
        }
    }
}
