//! Saving a change; and what an operator should find in the log without asking for the audit records.

use crate::{
    app::{Error, workers::wakeup::WorkerWakeup},
    ports::{AccountStore, CommitResult},
};
use countersign_domain::{
    account::change::AccountChange,
    audit_event::{AuditEvent, AuditEventKind},
    refusal::Refusal,
};
use data_encoding::HEXLOWER;
use std::sync::Arc;

/// Saves changes, and wakes the workers that tell people of them.
#[derive(Clone)]
pub(super) struct ChangeCommitter {
    accounts: Arc<dyn AccountStore>,
    wakeup: Arc<WorkerWakeup>,
}

impl ChangeCommitter {
    pub(super) fn new(accounts: Arc<dyn AccountStore>, wakeup: Arc<WorkerWakeup>) -> Self {
        Self { accounts, wakeup }
    }

    /// Saves a change, all of it or nothing. Answers nothing where another change was first: the call has to be decided
    /// again.
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
                self.wakeup.ring();
            }
        }
        Ok(outcome)
    }
}

/// What a commit came to; nothing where another change was first.
///
/// # Errors
/// What refuses the change for good.
pub(super) fn unless_conflict(outcome: CommitResult) -> Result<Option<()>, Error> {
    match outcome {
        CommitResult::Done => Ok(Some(())),
        // What ran before is found by the next load, as the repeat that it is.
        CommitResult::ChangedConcurrently | CommitResult::RanBefore => Ok(None),
        CommitResult::ProofSpent => Err(Refusal::AuthorizationNotAccepted.into()),
        CommitResult::DiffersInCase => Err(Refusal::UserIdDiffersInCase.into()),
    }
}

/// Logs changes that operators watch for. It names no user: the subject is the pseudonym of the audit records.
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
                "the token of a trusted device was used twice; the device is forgotten"
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
            tracing::info!(kind, tenant, caller, subject, "done");
        }
        _ => {}
    }
}
