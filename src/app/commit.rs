//! Commits changes, and logs those that operators watch for.

use crate::{
    app::{Error, workers::wakeup::WorkerWakeup},
    ports::{AccountStore, CommitResult},
};
use countersign_domain::{
    account::change::AccountChange,
    audit_event::{AuditEvent, AuditEventKind},
    authorization::rejection::AuthorizationRejection,
    refusal::Refusal,
};
use data_encoding::HEXLOWER;
use std::sync::Arc;

/// Commits changes, and wakes the workers that deliver their notices.
#[derive(Clone)]
pub(super) struct ChangeCommitter {
    accounts: Arc<dyn AccountStore>,
    wakeup: Arc<WorkerWakeup>,
}

impl ChangeCommitter {
    pub(super) fn new(accounts: Arc<dyn AccountStore>, wakeup: Arc<WorkerWakeup>) -> Self {
        Self { accounts, wakeup }
    }

    /// Commits a change, all of it or nothing. Returns `None` on a conflict with another change: decide the call again.
    pub(super) async fn save_or_conflict(
        &self,
        change: &AccountChange,
    ) -> Result<Option<()>, Error> {
        unless_conflict(self.commit(change).await?)
    }

    pub(super) async fn commit(&self, change: &AccountChange) -> Result<CommitResult, Error> {
        let outcome = self.accounts.commit(change).await?;
        if outcome == CommitResult::Done {
            log(&change.event);
            if !change.notices.is_empty() {
                self.wakeup.wake_outbox();
            }
        }
        Ok(outcome)
    }
}

/// Maps the result of a commit: `None` means a conflict with another change.
///
/// # Errors
/// A [`Refusal`] if a retry can't succeed.
pub(super) fn unless_conflict(outcome: CommitResult) -> Result<Option<()>, Error> {
    match outcome {
        CommitResult::Done => Ok(Some(())),
        // `RanBefore`: the next load finds the idempotency record, and the call is answered as a repeat.
        CommitResult::ChangedConcurrently | CommitResult::RanBefore => Ok(None),
        // The approval was this caller's when it was loaded. An attestation's id is the caller's own choice.
        CommitResult::ProofSpent => {
            Err(Refusal::AuthorizationNotAccepted(AuthorizationRejection::Used).into())
        }
        CommitResult::DiffersInCase => Err(Refusal::UserIdDiffersInCase.into()),
    }
}

/// Logs changes that operators watch for. The log names no user: `subject` is the pseudonym of the audit events.
pub(super) fn log(event: &AuditEvent) {
    let (kind, tenant, caller) = (
        event.kind.as_str(),
        event.tenant.as_str(),
        event.caller.as_str(),
    );
    let subject = HEXLOWER.encode(&event.subject.0);
    match event.kind {
        AuditEventKind::DeviceTokenReused => {
            tracing::warn!(
                tenant,
                caller,
                subject,
                "device token reused; device removed"
            );
        }
        AuditEventKind::PolicyUpdated
        | AuditEventKind::UserDeleted
        | AuditEventKind::UserExported
        | AuditEventKind::UserReset
        | AuditEventKind::UserUnlocked
        | AuditEventKind::BypassCodeIssued
        | AuditEventKind::ChangeReverted
        | AuditEventKind::TwoFactorDisabled
        | AuditEventKind::ResetStarted
        | AuditEventKind::ResetCodeMailed
        | AuditEventKind::ResetCanceled
        | AuditEventKind::ResetConfirmed => {
            tracing::info!(
                kind,
                tenant,
                caller,
                subject,
                "sensitive operation completed"
            );
        }
        _ => {}
    }
}
