//! A challenge as its caller sees it.

use countersign_domain::{
    account::change::UnapprovedEnding, challenge::Challenge,
    limits::user_throttle::ChallengeSnapshot, value::id::ChallengeId,
};

/// A challenge as its caller sees it.
pub enum ChallengeView {
    /// It accepts answers, or has used up its attempts and not expired.
    Open {
        /// The challenge, opened.
        challenge: Box<Challenge>,
        /// Its use so far: attempts, messages and delivery status.
        snapshot: ChallengeSnapshot,
    },
    /// A correct answer was approved.
    Approved(ChallengeId),
    /// It ended without an approval.
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
