//! `DeleteMethod`: removes a method. Removing the last one that counts turns two-factor off.

use crate::app::{
    CallerRequest, Error, QueuedNoticeSummary, SubmittedProof, context::RequestContext,
    dependencies::MethodDependencies, notices::ChangeNotice, replayed_response::ReplayedResponse,
};
use countersign_domain::{
    account::change::{AccountChange, AccountWriteOp, CreatedResource},
    audit_event::{AuditDetails, AuditEventKind},
    authorization::action::Action,
    method::Method,
    notice::message::{Notice, NoticeKind},
    revert::RevertibleChange,
    value::id::MethodId,
};
use std::sync::Arc;

/// Removes a method if the proof authorizes it. With the last method that counts, removes the recovery codes too.
/// Returns where notices were queued.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn delete_method(
    deps: &Arc<MethodDependencies>,
    call: CallerRequest,
    method: MethodId,
    proof: SubmittedProof,
) -> Result<Vec<QueuedNoticeSummary>, Error> {
    let proof = Arc::new(proof);
    deps.requests
        .run_once(
            deps,
            call,
            |_, repeat| async { Ok(repeat.response.queued_notices) },
            move |deps, context| {
                let proof = Arc::clone(&proof);
                async move { delete(&deps, &context, method, &proof).await }
            },
        )
        .await
}

async fn delete(
    deps: &MethodDependencies,
    context: &RequestContext,
    id: MethodId,
    proof: &SubmittedProof,
) -> Result<Option<Vec<QueuedNoticeSummary>>, Error> {
    let user = &context.user;
    let account = &user.account;
    let method = account.method(id).ok_or(Error::MethodNotFound)?;
    let action = Action::RemoveMethod(id);
    let consumed_proof = deps
        .authorization
        .authorize(context, &action, proof)
        .await?;
    let last = account.ends_with(id, &user.policy.rules);
    let details = AuditDetails::none()
        .with("method_id", id)
        .with("method_kind", method.kind.as_str())
        .with("last", last);
    let (notice, change_kind) = if last {
        let notice = Notice::of(NoticeKind::TwoFactorDisabled, context.now);
        (notice, RevertibleChange::TurnOff)
    } else {
        (
            notice_of_removal(deps, context, method)?,
            RevertibleChange::Removal,
        )
    };
    let (change_notice, revertible) =
        deps.notices
            .revertible_notice(user, [], notice, change_kind)?;
    let ChangeNotice {
        notices,
        queued_notices,
    } = change_notice;
    let response = ReplayedResponse::with_queued_notices(queued_notices);
    let kind = AuditEventKind::MethodRemoved;
    let change = AccountChange {
        epoch: account.epoch.grown(),
        consumed_proofs: vec![consumed_proof],
        writes: [AccountWriteOp::RemoveMethod(id)]
            .into_iter()
            .chain(last.then_some(AccountWriteOp::NoRecoveryCodes))
            .chain([revertible])
            .collect(),
        notices,
        idempotency_record: deps
            .idempotency
            .record(context, CreatedResource::Nothing, &response),
        ..context.change(deps.events.event(context, kind, details))
    };
    let saved = deps.changes.save_or_conflict(&change).await?;
    Ok(saved.map(|()| response.queued_notices))
}

fn notice_of_removal(
    deps: &MethodDependencies,
    context: &RequestContext,
    method: &Method,
) -> Result<Notice, Error> {
    let account = &context.user.account;
    let destination = deps.notices.masked_destination(account, method)?;
    let kind = NoticeKind::MethodRemoved;
    Ok(Notice::of_method(
        kind,
        method.kind,
        destination,
        context.now,
    ))
}
