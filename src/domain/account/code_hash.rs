//! The stored hashes that recovery and bypass codes are compared with.

use crate::{
    account::Account,
    recovery::{CodeSlot, SecretHash},
    value::id::{AttemptId, BypassCodeId, ChallengeId, RecoverySetId},
};

/// The stored hash that a submitted recovery or bypass code is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredHashLookup<Of = RecoverySetId> {
    /// The argon2 hash of an unused code, with the id of its set or bypass code.
    Unused(Of, SecretHash),
    /// No unused code has this slot.
    Empty,
    /// The attempt or its challenge is decided already, so nothing is hashed. Otherwise one charge would pay for any
    /// number of hashes.
    AlreadyDecided,
}

/// A charged attempt, before it is judged.
#[derive(Debug, Clone, Copy)]
pub struct PendingAttempt {
    /// The challenge that it answers.
    pub challenge: ChallengeId,
    /// The attempt.
    pub attempt: AttemptId,
    /// Whether the challenge has ended according to the record.
    pub challenge_ended: bool,
}

impl Account {
    /// Finds the hash for an attempt with a recovery code or key, by its slot.
    #[must_use]
    pub fn recovery_hash(&self, slot: CodeSlot, pending: PendingAttempt) -> StoredHashLookup {
        let set = self.recovery.as_ref();
        self.to_compare(pending, || {
            set.and_then(|set| Some((set.id, set.unused_in(slot)?)))
        })
    }

    /// Finds the hash for an attempt with a bypass code.
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
