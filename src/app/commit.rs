//! Saving a change; and what an operator should find in the log without asking for the audit records.

use crate::{
    app::{Error, error::committed, outbox::Bells},
    ports::{Accounts, Committed},
};
use countersign_domain::{
    change::Change,
    event::{Event, EventKind},
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

    /// Saves a change, all of it or nothing.
    ///
    /// # Errors
    /// [`Error::ChangedConcurrently`] if another change was first, and whatever else refuses this one.
    pub(super) async fn save(&self, change: &Change) -> Result<(), Error> {
        committed(self.commit(change).await?)
    }

    /// Saves a change that can be decided again; answers nothing where another change was first, so that it has to be.
    pub(super) async fn save_or_conflict(&self, change: &Change) -> Result<Option<()>, Error> {
        match self.commit(change).await? {
            Committed::ChangedConcurrently | Committed::RanBefore => Ok(None),
            outcome => committed(outcome).map(Some),
        }
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
