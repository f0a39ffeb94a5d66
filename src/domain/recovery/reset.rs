//! Resets that users ask for who can't sign in: begun, held, confirmed by a fresh code to the address on file. The hold
//! gives the owner time to cancel; any second factor that is passed does, and so does whatever lets the epoch grow.

use crate::{
    policy::PolicyRules,
    value::{
        epoch::Epoch,
        id::{ChallengeId, ResetId, Subject, UserId},
        time::Timestamp,
    },
};
use data_encoding::BASE32_NOPAD;
use std::time::Duration;
use subtle::ConstantTimeEq;

/// How long a reset can be confirmed once its hold has ended.
pub(crate) const RESET_LIFETIME: Duration = Duration::from_hours(72);

/// How long none can be begun after one was canceled.
pub const CANCELED_RESET_COOLDOWN: Duration = Duration::from_hours(7 * 24);

/// A reset as it is kept; a user has one at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reset {
    /// Its id.
    pub id: ResetId,
    /// The user's epoch when it was begun; it is canceled when that grows.
    pub epoch: Epoch,
    /// When the hold ends.
    pub due_at: Timestamp,
    /// When it can't be confirmed any more.
    pub ends_at: Timestamp,
    /// When it was canceled, if it was.
    pub canceled_at: Option<Timestamp>,
    /// The challenge whose code was mailed last.
    pub challenge: Option<ChallengeId>,
    /// When it was begun: a hold that was made longer since counts from then.
    pub started_at: Timestamp,
}

/// Whose reset somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginIdentifier {
    /// This user's.
    User(UserId),
    /// Of everyone with this address on file, by the digest of it.
    Email([u8; 16]),
}

/// What asking for a reset comes to. Whoever asks is told nothing of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResetDecision {
    /// Nothing happens.
    Nothing,
    /// It is begun; the hold ends then.
    Begin(Timestamp),
    /// The hold of this one is over: its code is mailed.
    Confirm(Reset),
}

/// What cancels a reset, in its notices: 128 bits of a keyed digest, nowhere stored.
#[derive(Clone)]
pub struct CancelToken([u8; 16]);

impl Reset {
    /// A reset that is begun, and whose hold ends, at these instants.
    #[must_use]
    pub fn started(id: ResetId, epoch: Epoch, started_at: Timestamp, due_at: Timestamp) -> Self {
        Self {
            id,
            epoch,
            due_at,
            ends_at: due_at.plus(RESET_LIFETIME),
            canceled_at: None,
            challenge: None,
            started_at,
        }
    }

    /// Whether it waits for its end, or to be confirmed.
    #[must_use]
    pub fn is_pending(&self, epoch: Epoch, now: Timestamp) -> bool {
        self.is_open(now) && self.epoch == epoch
    }

    /// Whether its hold is over, the present one and the one that it was begun with, and it can be confirmed.
    #[must_use]
    pub fn is_due(&self, epoch: Epoch, rules: &PolicyRules, now: Timestamp) -> bool {
        let held_until = self.due_at.max(self.started_at.plus(rules.reset_hold));
        self.is_pending(epoch, now) && now >= held_until
    }

    /// Whether it was not canceled and can still be confirmed, now or after its hold.
    pub(crate) fn is_open(&self, now: Timestamp) -> bool {
        self.canceled_at.is_none() && now < self.ends_at
    }

    /// What cancels it, by the keyed digest of these fields.
    #[must_use]
    pub fn cancel_token(
        &self,
        subject: &Subject,
        digest: impl FnOnce(&[&[u8]]) -> [u8; 16],
    ) -> CancelToken {
        CancelToken(digest(&[
            b"cancel reset",
            subject.tenant.as_str().as_bytes(),
            subject.user.as_str().as_bytes(),
            self.id.as_bytes(),
        ]))
    }
}

impl CancelToken {
    /// From what a caller sent back; nothing if it has another form, which no token of ours has.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let typed: String = text
            .chars()
            .filter(|character| !matches!(character, '-' | ' '))
            .map(|character| character.to_ascii_uppercase())
            .collect();
        let bytes = BASE32_NOPAD.decode(typed.as_bytes()).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// The token, for a notice: 26 letters and digits.
    #[must_use]
    pub fn expose(&self) -> String {
        BASE32_NOPAD.encode(&self.0)
    }

    /// Whether two are the same, in a time that tells nothing.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl std::fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CancelToken([redacted])")
    }
}

#[cfg(test)]
mod tests;
