//! What a submitted recovery or bypass code is compared with.

use crate::{
    account::Account,
    recovery::{CodeSlot, SecretHash},
    value::id::{AttemptId, BypassCodeId, ChallengeId, RecoverySetId},
};

/// What a submitted recovery or bypass code is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredHashLookup<Of = RecoverySetId> {
    /// The slow hash of an unused code: of this set, or with this id.
    Unused(Of, SecretHash),
    /// There is no unused code in that place.
    Empty,
    /// Nothing: the record ruled on this attempt, or on its challenge, already. To hash again would let one charge pay for
    /// any number of hashes.
    AlreadyDecided,
}

/// An attempt that is about to be judged.
#[derive(Debug, Clone, Copy)]
pub struct PendingAttempt {
    /// The challenge that it answers.
    pub challenge: ChallengeId,
    /// Its id.
    pub attempt: AttemptId,
    /// Whether the record says that the challenge ended.
    pub challenge_ended: bool,
}

impl Account {
    /// What an attempt at a recovery code or at the recovery key is compared with, by its slot.
    #[must_use]
    pub fn recovery_hash(&self, slot: CodeSlot, pending: PendingAttempt) -> StoredHashLookup {
        let set = self.recovery.as_ref();
        self.to_compare(pending, || {
            set.and_then(|set| Some((set.id, set.unused_in(slot)?)))
        })
    }

    /// What an attempt at the bypass code is compared with.
    #[must_use]
    pub fn bypass_hash(&self, pending: PendingAttempt) -> StoredHashLookup<BypassCodeId> {
        let live = self.bypass.as_ref();
        self.to_compare(pending, || {
            live.map(|live| (live.issued.id, &live.issued.hash))
        })
    }

    fn to_compare<'a, Of>(
        &self,
        pending: PendingAttempt,
        unused: impl FnOnce() -> Option<(Of, &'a SecretHash)>,
    ) -> StoredHashLookup<Of> {
        if pending.challenge_ended || self.is_recorded_failure(pending) {
            return StoredHashLookup::AlreadyDecided;
        }
        unused().map_or(StoredHashLookup::Empty, |(of, hash)| {
            StoredHashLookup::Unused(of, hash.clone())
        })
    }

    fn is_recorded_failure(&self, pending: PendingAttempt) -> bool {
        self.wrong_attempts
            .iter()
            .any(|past| (past.challenge, past.attempt) == (pending.challenge, pending.attempt))
    }
}

#[cfg(test)]
mod tests;
