//! Resets: how users are found by an address, how one is cancelled, and what a reset takes.

use crate::{
    app::{
        Confirmation, Error, RequestContext,
        audit_events::AuditEvents,
        call::Shown,
        idempotency::IdempotencyRecords,
        notices::{News, Notices},
    },
    ports::Keys,
};
use countersign_domain::{
    change::{Change, Made, Write},
    destination::{Destination, Email},
    event::{EventKind, Facts},
    id::{Subject, TenantId},
    message::{Notice, NoticeKind},
    reset::{CancelToken, Reset},
};
use std::sync::Arc;

/// What resets share.
#[derive(Clone)]
pub(super) struct Resets {
    pub(super) keys: Arc<dyn Keys>,
    pub(super) events: AuditEvents,
    pub(super) idempotency: IdempotencyRecords,
    pub(super) notices: Notices,
}

impl Resets {
    /// The digest by which users of a tenant are found who have this address.
    pub(super) fn email_tag(&self, tenant: &TenantId, email: &Email) -> [u8; 16] {
        let address = Destination::Email(email.clone()).bucket();
        let fields: [&[u8]; 3] = [b"email", tenant.as_str().as_bytes(), address.as_bytes()];
        self.keys.request_tag(&fields)
    }

    /// What cancels a reset: the same whenever it is made.
    pub(super) fn cancel_token(&self, who: &Subject, reset: &Reset) -> CancelToken {
        reset.cancel_token(who, |fields| self.keys.request_tag(fields))
    }

    /// The change that takes all that a user could answer with, and who hears of it.
    pub(super) fn resetting(
        &self,
        context: &RequestContext,
        kind: EventKind,
    ) -> Result<(Change, Vec<Confirmation>), Error> {
        let user = &context.user;
        let notice = Notice::of(NoticeKind::ResetDone, context.now);
        let News {
            notices,
            confirmations,
        } = self.notices.news(user, [], &notice)?;
        let shown = Shown::of_confirmations(confirmations);
        let facts = Facts::none().with("methods", user.account.methods.len());
        let change = Change {
            epoch: user.account.epoch.grown(),
            writes: vec![
                Write::RemoveAllMethods,
                Write::NoRecoveryCodes,
                Write::NoBypassCode,
                Write::NoRevertible,
            ],
            notices,
            receipt: self.idempotency.record(context, Made::Nothing, &shown),
            ..context.change(self.events.event(context, kind, facts))
        };
        Ok((change, shown.confirmations))
    }
}
