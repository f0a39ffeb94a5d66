//! `CancelReset`: a user cancels a reset with the token of its notice.

use crate::app::{
    CallerRequest, Error, QueuedNoticeSummary, context::RequestContext,
    dependencies::RecoveryDependencies, notices::ChangeNotice, recovery::begin_reset::reset_change,
    replayed_response::ReplayedResponse,
};
use countersign_domain::{
    account::change::{AccountChange, AccountWriteOp, CreatedResource},
    audit_event::AuditEventKind,
    notice::message::{Notice, NoticeKind},
    recovery::reset::CancelToken,
};
use std::sync::Arc;

/// Cancels the pending reset that the token belongs to.
///
/// # Errors
/// [`Error::ResetNotFound`] if no pending reset has this token, or the user does not exist: both look the same.
pub(crate) async fn cancel_reset(
    deps: &Arc<RecoveryDependencies>,
    call: CallerRequest,
    token: Option<CancelToken>,
) -> Result<Vec<QueuedNoticeSummary>, Error> {
    let canceled = deps.requests.run_once(
        deps,
        call,
        |_, repeat| async { Ok(repeat.response.queued_notices) },
        move |deps, context| {
            let token = token.clone();
            async move { cancel(&deps, &context, token).await }
        },
    );
    match canceled.await {
        Err(Error::UserNotFound) => Err(Error::ResetNotFound),
        canceled => canceled,
    }
}

async fn cancel(
    deps: &RecoveryDependencies,
    context: &RequestContext,
    token: Option<CancelToken>,
) -> Result<Option<Vec<QueuedNoticeSummary>>, Error> {
    let RequestContext { call, user, now } = context;
    let pending = user.account.reset.as_ref();
    let pending = pending.filter(|reset| reset.is_pending(user.account.epoch, *now));
    let reset = pending.ok_or(Error::ResetNotFound)?;
    let own = deps.resets.cancel_token(&call.subject, reset);
    if !token.is_some_and(|token| token.is(&own)) {
        return Err(Error::ResetNotFound);
    }
    let notice = Notice::of(NoticeKind::ResetCanceled, *now);
    let ChangeNotice {
        notices,
        queued_notices,
    } = deps.notices.change_notice(user, [], &notice)?;
    let response = ReplayedResponse::with_queued_notices(queued_notices);
    let write = AccountWriteOp::CancelReset(reset.id);
    let change = AccountChange {
        notices,
        idempotency_record: deps
            .idempotency
            .record(context, CreatedResource::Nothing, &response),
        ..reset_change(deps, context, write, AuditEventKind::ResetCanceled)
    };
    let saved = deps.changes.save_or_conflict(&change).await?;
    Ok(saved.map(|()| response.queued_notices))
}
