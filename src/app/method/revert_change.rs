//! `RevertChange`: a user disclaims a change with the token of its notice.

use crate::app::{
    CallerRequest, Error, QueuedNoticeSummary, context::RequestContext,
    dependencies::MethodDependencies, notices::ChangeNotice, replayed_response::ReplayedResponse,
};
use countersign_domain::{
    account::change::{AccountChange, AccountWriteOp, CreatedResource},
    audit_event::{AuditDetails, AuditEventKind},
    notice::message::{Notice, NoticeKind},
    revert::RevertToken,
};
use std::sync::Arc;

/// Reverts a change and all later ones: suspends the methods that they added, ends device trust, and voids what was
/// issued before. Returns where notices were queued.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn revert_change(
    deps: &Arc<MethodDependencies>,
    call: CallerRequest,
    token: RevertToken,
) -> Result<Vec<QueuedNoticeSummary>, Error> {
    deps.requests
        .run(deps, call, |deps, call| async move {
            let (deps, token) = (&deps, &token);
            deps.requests
                .once(
                    &call,
                    |repeat| async { Ok(repeat.response.queued_notices) },
                    |context| async move { revert(deps, &context, token).await },
                )
                .await
        })
        .await
}

/// Returns `None` after a write conflict.
async fn revert(
    deps: &MethodDependencies,
    context: &RequestContext,
    token: &RevertToken,
) -> Result<Option<Vec<QueuedNoticeSummary>>, Error> {
    let RequestContext { user, now, .. } = context;
    let account = &user.account;
    let (change_kind, revert_plan) = account.revert(token.hash(), &user.policy.rules, *now)?;
    let details = AuditDetails::none()
        .with("change", change_kind.as_str())
        .with("methods_suspended", revert_plan.suspends.len())
        .with("recovery_codes_void", revert_plan.voids_codes)
        .with("suspends", revert_plan.holds);
    let notice = Notice::of(NoticeKind::ChangeReverted, *now);
    let ChangeNotice {
        mut notices,
        queued_notices,
    } = deps.notices.change_notice(user, [], &notice)?;
    notices.extend(deps.notices.ended_reset_notice(user, *now)?);
    let response = ReplayedResponse::with_queued_notices(queued_notices);
    let kind = AuditEventKind::ChangeReverted;
    let change = AccountChange {
        epoch: account.epoch.grown(),
        writes: vec![AccountWriteOp::Revert(revert_plan)],
        notices,
        idempotency_record: deps
            .idempotency
            .record(context, CreatedResource::Nothing, &response),
        ..context.change(deps.events.event(context, kind, details))
    };
    let saved = deps.changes.save_or_conflict(&change).await?;
    Ok(saved.map(|()| response.queued_notices))
}
