//! `DeleteUser`: erases a user.

use crate::app::{
    CallerRequest, Error,
    context::{CallContext, RequestContext},
    dependencies::UserDependencies,
    replayed_response::ReplayedResponse,
    use_case_runner::retry_conflicts,
};
use countersign_domain::{
    account::change::{AccountChange, AccountWriteOp, CreatedResource},
    audit_event::{AuditDetails, AuditEventKind},
};
use std::sync::Arc;

/// Erases a user and their open challenges. Destroys the user's key, so the personal details in audit events can't be
/// read any more. Charges stay under the pseudonym, so that an erasure gives back no attempts.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn delete_user(
    deps: &Arc<UserDependencies>,
    call: CallerRequest,
) -> Result<(), Error> {
    deps.requests
        .run(deps, call, |deps, call| async move {
            retry_conflicts(|| erase_once(&deps, &call)).await?;
            drop_challenges(&deps, &call).await
        })
        .await
}

/// Returns `None` after a write conflict. For a repeat, returns at once, so that it deletes challenges that the first
/// call may have left.
async fn erase_once(deps: &UserDependencies, call: &Arc<CallContext>) -> Result<Option<()>, Error> {
    let loaded = deps.requests.load_user(call, call.idempotency).await?;
    if loaded.record.is_some() {
        return Ok(Some(()));
    }
    erase(deps, &loaded.context(call)?).await
}

async fn erase(deps: &UserDependencies, context: &RequestContext) -> Result<Option<()>, Error> {
    let kind = AuditEventKind::UserDeleted;
    let change = AccountChange {
        epoch: context.user.account.epoch.grown(),
        writes: vec![AccountWriteOp::Erase],
        idempotency_record: deps.idempotency.record(
            context,
            CreatedResource::Nothing,
            &ReplayedResponse::default(),
        ),
        ..context.change(deps.events.event(context, kind, AuditDetails::none()))
    };
    deps.changes.save_or_conflict(&change).await
}

async fn drop_challenges(deps: &UserDependencies, call: &CallContext) -> Result<(), Error> {
    Ok(deps.challenges.drop_all(call.subject_tag).await?)
}
