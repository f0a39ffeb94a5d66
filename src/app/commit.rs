//! Committing a change; and what an operator should find in the log without asking for the audit records.

use crate::{
    app::{App, Error},
    ports::Committed,
};
use countersign_domain::{
    change::Change,
    event::{Event, EventKind},
};
use data_encoding::HEXLOWER;

/// How often a commit that met another change is decided anew.
pub(super) const TRIES: usize = 5;

impl App {
    /// Writes a change, all of it or nothing.
    pub(super) async fn commit(&self, change: &Change) -> Result<Committed, Error> {
        let outcome = self.accounts().commit(change).await?;
        if outcome == Committed::Done {
            log(&change.event);
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
