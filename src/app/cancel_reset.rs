//! `CancelReset`: a person who was told of a reset says that they want none.

use crate::app::{
    Call, Confirmation, Error, RequestContext, begin_reset::reset_change, call::Shown,
    dependencies::RecoveryDependencies, notices::News,
};
use countersign_domain::{
    change::{Change, Made, Write},
    event::EventKind,
    message::{Notice, NoticeKind},
    reset::CancelToken,
};
use std::sync::Arc;

/// Cancels the reset that a token of its notices belongs to.
///
/// # Errors
/// [`Error::ResetNotFound`] if none is pending with that token, or there is no such user: the same for all.
pub(crate) async fn cancel_reset(
    deps: &Arc<RecoveryDependencies>,
    call: Call,
    token: Option<CancelToken>,
) -> Result<Vec<Confirmation>, Error> {
    let cancelled = deps.requests.run_once(
        deps,
        call,
        |_, repeat| async { Ok(repeat.shown.confirmations) },
        move |deps, context| {
            let token = token.clone();
            async move { cancel(&deps, &context, token).await }
        },
    );
    match cancelled.await {
        Err(Error::UserNotFound) => Err(Error::ResetNotFound),
        cancelled => cancelled,
    }
}

async fn cancel(
    deps: &RecoveryDependencies,
    context: &RequestContext,
    token: Option<CancelToken>,
) -> Result<Option<Vec<Confirmation>>, Error> {
    let RequestContext { call, user, now } = context;
    let pending = user.account.reset.as_ref();
    let pending = pending.filter(|reset| reset.is_pending(user.account.epoch, *now));
    let reset = pending.ok_or(Error::ResetNotFound)?;
    let own = deps.resets.cancel_token(&call.subject, reset);
    if !token.is_some_and(|token| token.is(&own)) {
        return Err(Error::ResetNotFound);
    }
    let notice = Notice::of(NoticeKind::ResetCancelled, *now);
    let News {
        notices,
        confirmations,
    } = deps.notices.news(user, [], &notice)?;
    let shown = Shown::of_confirmations(confirmations);
    let write = Write::CancelReset(reset.id);
    let change = Change {
        notices,
        receipt: deps.idempotency.record(context, Made::Nothing, &shown),
        ..reset_change(deps, context, write, EventKind::ResetCancelled)
    };
    let saved = deps.changes.save_or_conflict(&change).await?;
    Ok(saved.map(|()| shown.confirmations))
}
