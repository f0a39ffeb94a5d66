//! `DeleteMethod`: removes a method. Removing the last one that counts turns two-factor off. A sign-in by recovery code
//! removes a lost method, which keeps its strength for 72 hours.

use crate::app::{
    CallerRequest, Error, QueuedNoticeSummary, SubmittedProof,
    authorization::{consumed_by_change, permit},
    context::RequestContext,
    dependencies::MethodDependencies,
    notices::ChangeNotice,
    replayed_response::ReplayedResponse,
};
use countersign_domain::{
    account::{
        MethodRequirements,
        change::{AccountChange, AccountWriteOp, CreatedResource},
    },
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
    permit(context, &action)?;
    let admitted = deps.authorization.admit(context, &action, proof)?;
    let lost = admitted.is_recovery();
    if lost {
        let rules = &user.policy.rules;
        let sign_in = MethodRequirements::of_sign_in(rules, deps.views.served());
        account.keeps_a_method_without(id, sign_in)?;
    }
    let accepted = deps.authorization.redeem(context, &action, admitted);
    let consumed_proof = consumed_by_change(context, &accepted.await?)?;
    let last = account.ends_with(id, &user.policy.rules);
    let details = AuditDetails::none()
        .with("method_id", id)
        .with("method_kind", method.kind.as_str())
        .with("last", last)
        .with("lost", lost);
    let (writes, change_notice) = removal(deps, context, method, lost)?;
    let response = ReplayedResponse::with_queued_notices(change_notice.queued_notices);
    let kind = AuditEventKind::MethodRemoved;
    let change = AccountChange {
        epoch: account.epoch.grown(),
        consumed_proofs: vec![consumed_proof],
        writes,
        notices: change_notice.notices,
        idempotency_record: deps
            .idempotency
            .record(context, CreatedResource::Nothing, &response),
        ..context.change(deps.events.event(context, kind, details))
    };
    let saved = deps.changes.save_or_conflict(&change).await?;
    Ok(saved.map(|()| response.queued_notices))
}

/// The writes and notices of a removal. The removal of a lost method can't be reverted: the user declared that it is of no
/// use, and what is left is all that they have. Its notices are sent whatever the policy says.
fn removal(
    deps: &MethodDependencies,
    context: &RequestContext,
    method: &Method,
    lost: bool,
) -> Result<(Vec<AccountWriteOp>, ChangeNotice), Error> {
    let user = &context.user;
    if lost {
        let notice = notice_of_removal(deps, context, method)?;
        let change_notice = deps.notices.unconditional_notice(user, [], &notice)?;
        let writes = vec![AccountWriteOp::RemoveLostMethod(method.id)];
        return Ok((writes, change_notice));
    }
    let last = user.account.ends_with(method.id, &user.policy.rules);
    let (notice, change_kind) = if last {
        let notice = Notice::of(NoticeKind::TwoFactorDisabled, context.now);
        (notice, RevertibleChange::TurnOff)
    } else {
        let notice = notice_of_removal(deps, context, method)?;
        (notice, RevertibleChange::Removal)
    };
    let (change_notice, revertible) =
        deps.notices
            .revertible_notice(user, [], notice, change_kind)?;
    let writes = [AccountWriteOp::RemoveMethod(method.id)]
        .into_iter()
        .chain(last.then_some(AccountWriteOp::NoRecoveryCodes))
        .chain([revertible])
        .collect();
    Ok((writes, change_notice))
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
