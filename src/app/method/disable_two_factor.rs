//! `DisableTwoFactor`: removes everything that answers or skips the second factor, in one step.

use crate::app::{
    CallerRequest, Error, QueuedNoticeSummary, SubmittedProof, authorization::consumed_by_change,
    context::RequestContext, dependencies::MethodDependencies, replayed_response::ReplayedResponse,
};
use countersign_domain::{
    account::change::{AccountChange, AccountWriteOp, CreatedResource},
    audit_event::{AuditDetails, AuditEventKind},
    authorization::action::Action,
    notice::message::{Notice, NoticeKind},
    refusal::Refusal,
    revert::RevertibleChange,
};
use std::sync::Arc;

/// Removes all methods, recovery codes, the bypass code and all devices if the proof authorizes it. Returns where
/// notices were queued.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn disable_two_factor(
    deps: &Arc<MethodDependencies>,
    call: CallerRequest,
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
                async move { disable(&deps, &context, &proof).await }
            },
        )
        .await
}

/// Keeps the revert records of earlier changes: reverting one of those also reverts this change.
async fn disable(
    deps: &MethodDependencies,
    context: &RequestContext,
    proof: &SubmittedProof,
) -> Result<Option<Vec<QueuedNoticeSummary>>, Error> {
    let user = &context.user;
    let account = &user.account;
    if account.methods.is_empty() {
        return Err(Refusal::TwoFactorOff.into());
    }
    let action = Action::DisableTwoFactor;
    let accepted = deps.authorization.accept(context, &action, proof).await?;
    let consumed_proof = consumed_by_change(context, &accepted)?;
    let notice = Notice::of(NoticeKind::TwoFactorDisabled, context.now);
    let change_kind = RevertibleChange::TurnOff;
    let (change_notice, revertible) =
        deps.notices
            .notice_by_proof(user, notice, change_kind, &accepted)?;
    let response = ReplayedResponse::with_queued_notices(change_notice.queued_notices);
    let details = AuditDetails::none()
        .with("methods", account.methods.len())
        .with("authorization", accepted.as_str());
    let kind = AuditEventKind::TwoFactorDisabled;
    let change = AccountChange {
        epoch: account.epoch.grown(),
        consumed_proofs: vec![consumed_proof],
        writes: vec![
            AccountWriteOp::RemoveAllMethods,
            AccountWriteOp::NoRecoveryCodes,
            AccountWriteOp::NoBypassCode,
            AccountWriteOp::NoDevices,
            revertible,
        ],
        notices: change_notice.notices,
        idempotency_record: deps
            .idempotency
            .record(context, CreatedResource::Nothing, &response),
        ..context.change(deps.events.event(context, kind, details))
    };
    let saved = deps.changes.save_or_conflict(&change).await?;
    Ok(saved.map(|()| response.queued_notices))
}
