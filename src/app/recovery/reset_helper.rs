//! Resets: finds users by address, derives cancel tokens, and builds the change.

use crate::{
    app::{
        Error, QueuedNoticeSummary,
        audit_events::AuditEvents,
        context::RequestContext,
        idempotency::IdempotencyRecorder,
        notices::{ChangeNotice, NoticeComposer},
        replayed_response::ReplayedResponse,
    },
    ports::KeyService,
};
use countersign_domain::{
    account::change::{AccountChange, AccountWriteOp, CreatedResource},
    audit_event::{AuditDetails, AuditEventKind},
    notice::message::{Notice, NoticeKind},
    recovery::reset::{CancelToken, Reset},
    value::{
        destination::Email,
        id::{Subject, TenantId},
    },
};
use std::sync::Arc;

/// Shared by the use cases of resets.
#[derive(Clone)]
pub(crate) struct ResetHelper {
    pub(crate) keys: Arc<dyn KeyService>,
    pub(crate) events: AuditEvents,
    pub(crate) idempotency: IdempotencyRecorder,
    pub(crate) notices: NoticeComposer,
}

impl ResetHelper {
    /// Derives the digest that identifies users of a tenant by their e-mail address.
    pub(crate) fn email_tag(&self, tenant: &TenantId, email: &Email) -> [u8; 16] {
        let address = email.mailbox();
        let fields: [&[u8]; 3] = [b"email", tenant.as_str().as_bytes(), address.as_bytes()];
        self.keys.request_tag(&fields)
    }

    /// Derives the token that cancels a reset. The same reset always gives the same token.
    pub(crate) fn cancel_token(&self, subject: &Subject, reset: &Reset) -> CancelToken {
        reset.cancel_token(subject, |fields| self.keys.request_tag(fields))
    }

    /// Builds the change that removes everything a user could answer with. Returns it and where notices are queued.
    pub(crate) fn resetting(
        &self,
        context: &RequestContext,
        kind: AuditEventKind,
    ) -> Result<(AccountChange, Vec<QueuedNoticeSummary>), Error> {
        let user = &context.user;
        let notice = Notice::of(NoticeKind::ResetDone, context.now);
        let ChangeNotice {
            notices,
            queued_notices,
        } = self.notices.change_notice(user, [], &notice)?;
        let response = ReplayedResponse::with_queued_notices(queued_notices);
        let details = AuditDetails::none().with("methods", user.account.methods.len());
        let change = AccountChange {
            epoch: user.account.epoch.grown(),
            writes: vec![
                AccountWriteOp::RemoveAllMethods,
                AccountWriteOp::NoRecoveryCodes,
                AccountWriteOp::NoBypassCode,
                AccountWriteOp::NoRevertible,
            ],
            notices,
            idempotency_record: self.idempotency.record(
                context,
                CreatedResource::Nothing,
                &response,
            ),
            ..context.change(self.events.event(context, kind, details))
        };
        Ok((change, response.queued_notices))
    }
}
