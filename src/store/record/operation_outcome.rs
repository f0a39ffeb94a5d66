//! What an operation comes to, and what it writes.

use super::rows::OperationWrites;
use crate::ports::CommitResult;
use countersign_domain::challenge::verdict::VerdictResult;

/// What an operation comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) enum OperationOutcome {
    Verdict(VerdictResult),
    Change(CommitResult),
    /// Whether anything was sealed under another key.
    Resealed(bool),
}

/// What comes of an operation.
#[derive(Debug, Clone)]
pub(in crate::store) struct OperationDecision {
    pub(in crate::store) outcome: OperationOutcome,
    /// What to write; nothing at all where this is the default.
    pub(in crate::store) writes: OperationWrites,
}

/// Which row was there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum DuplicateRow {
    Account,
    Skeleton,
    Attestation,
    Idempotency,
}

impl OperationDecision {
    pub(super) fn only(outcome: OperationOutcome) -> Self {
        Self {
            outcome,
            writes: OperationWrites::default(),
        }
    }

    pub(super) fn change(committed: CommitResult) -> Self {
        Self::only(OperationOutcome::Change(committed))
    }

    /// Whether there is anything to write.
    pub(in crate::store) fn writes_nothing(&self) -> bool {
        self.writes == OperationWrites::default()
    }
}
