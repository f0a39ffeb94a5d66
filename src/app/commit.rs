//! Saving a change; and what an operator should find in the log without asking for the audit records.

use crate::{
    app::{Error, outbox::Bells},
    ports::{Accounts, Committed},
};
use countersign_domain::{
    change::Change,
    event::{Event, EventKind},
    refusal::Refusal,
};
use data_encoding::HEXLOWER;
use std::sync::Arc;

/// Saves changes, and wakes the workers that tell people of them.
#[derive(Clone)]
pub(super) struct Changes {
    accounts: Arc<dyn Accounts>,
    wakeup: Arc<Bells>,
}

impl Changes {
    pub(super) fn new(accounts: Arc<dyn Accounts>, wakeup: Arc<Bells>) -> Self {
        Self { accounts, wakeup }
    }

    /// Saves a change, all of it or nothing. Answers nothing where another change was first: the call has to be decided
    /// again.
    pub(super) async fn save_or_conflict(&self, change: &Change) -> Result<Option<()>, Error> {
        unless_conflict(self.commit(change).await?)
    }

    pub(super) async fn commit(&self, change: &Change) -> Result<Committed, Error> {
        let outcome = self.accounts.commit(change).await?;
        if outcome == Committed::Done {
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
pub(super) fn unless_conflict(outcome: Committed) -> Result<Option<()>, Error> {
    match outcome {
        Committed::Done => Ok(Some(())),
        // What ran before is found by the next load, as the repeat that it is.
        Committed::ChangedConcurrently | Committed::RanBefore => Ok(None),
        Committed::ProofSpent => Err(Refusal::AuthorizationNotAccepted.into()),
        Committed::DiffersInCase => Err(Refusal::UserIdDiffersInCase.into()),
    }
}

/// A line for what whoever watches over accounts wants to see at once. It names nobody: the subject is the pseudonym
/// that stands in audit records.
pub(super) fn log(event: &Event) {
    let (kind, tenant, caller) = (
        event.kind.as_str(),
        event.tenant.as_str(),
        event.caller.as_str(),
    );
    let subject = HEXLOWER.encode(&event.subject.0);
    match event.kind {
        EventKind::DeviceTokenReused => {
            tracing::warn!(
                tenant,
                caller,
                subject,
                "the token of a trusted device was used twice; the device is forgotten"
            );
        }
        EventKind::PolicyUpdated
        | EventKind::UserDeleted
        | EventKind::UserExported
        | EventKind::UserReset
        | EventKind::UserUnlocked
        | EventKind::BypassCodeIssued
        | EventKind::ChangeReverted
        | EventKind::TwoFactorDisabled
        | EventKind::ResetBegun
        | EventKind::ResetCodeMailed
        | EventKind::ResetCancelled
        | EventKind::ResetConfirmed => {
            tracing::info!(kind, tenant, caller, subject, "done");
        }
        _ => {}
    }
}
