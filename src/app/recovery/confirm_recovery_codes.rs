//! `ConfirmRecoveryCodes`: records that the user has saved the recovery codes.

use crate::app::{
    CallerRequest, Error, context::RequestContext, dependencies::RecoveryDependencies,
    replayed_response::ReplayedResponse,
};
use countersign_domain::{
    account::change::{AccountChange, AccountWriteOp, CreatedResource},
    audit_event::{AuditDetails, AuditEventKind},
    recovery::RecoverySet,
    refusal::Refusal,
    value::time::Timestamp,
};
use std::sync::Arc;

/// Records that the user has saved the recovery codes or key. With `made_at`, fails if they were created at another
/// time.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn confirm_recovery_codes(
    deps: &Arc<RecoveryDependencies>,
    call: CallerRequest,
    made_at: Option<Timestamp>,
) -> Result<RecoverySet, Error> {
    deps.requests
        .run_once(
            deps,
            call,
            move |_, repeat| async move { Ok(set_made_at(&repeat.context, made_at)?) },
            move |deps, context| async move { confirm(&deps, &context, made_at).await },
        )
        .await
}

async fn confirm(
    deps: &RecoveryDependencies,
    context: &RequestContext,
    made_at: Option<Timestamp>,
) -> Result<Option<RecoverySet>, Error> {
    let set = set_made_at(context, made_at)?;
    if set.confirmed_at.is_some() {
        return Ok(Some(set));
    }
    let details = AuditDetails::none().with("set", set.id);
    let kind = AuditEventKind::RecoveryCodesConfirmed;
    let change = AccountChange {
        writes: vec![AccountWriteOp::ConfirmRecoveryCodes(set.id)],
        idempotency_record: deps.idempotency.record(
            context,
            CreatedResource::Nothing,
            &ReplayedResponse::default(),
        ),
        ..context.change(deps.events.event(context, kind, details))
    };
    let saved = deps.changes.save_or_conflict(&change).await?;
    Ok(saved.map(|()| RecoverySet {
        confirmed_at: Some(context.now),
        ..set
    }))
}

/// The user's recovery set, if it is the one created at `made_at`.
fn set_made_at(
    context: &RequestContext,
    made_at: Option<Timestamp>,
) -> Result<RecoverySet, Refusal> {
    let set = context.user.account.recovery.clone();
    let set = set.ok_or(Refusal::NoRecoveryCodes)?;
    if made_at.is_some_and(|made_at| made_at != set.created_at) {
        return Err(Refusal::RecoveryCodesReplaced);
    }
    Ok(set)
}
