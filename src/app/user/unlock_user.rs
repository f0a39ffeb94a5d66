//! `UnlockUser`: an administrator clears a user's windows of wrong codes. A disabled method stays disabled until the
//! user replaces it (NIST SP 800-63B-4 §3.2.2).

use crate::app::{
    CallerRequest, Error,
    context::{CallContext, RequestContext},
    dependencies::UserDependencies,
    replayed_response::ReplayedResponse,
    user::reset_user::may_act,
};
use countersign_domain::{
    account::change::{AccountChange, AccountWriteOp, CreatedResource},
    audit_event::{AuditDetails, AuditEventKind},
};
use std::sync::Arc;

/// Clears a user's windows of wrong codes. The durable store comes first, because it is the lower bound of the
/// challenge store's windows.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn unlock_user(
    deps: &Arc<UserDependencies>,
    call: CallerRequest,
) -> Result<(), Error> {
    deps.requests
        .run_once(
            deps,
            call,
            // A repeat does it too, because the first call may have failed before it did.
            |deps, repeat| async move { lift_windows(&deps, &repeat.context.call).await },
            |deps, context| async move {
                if save(&deps, &context).await?.is_none() {
                    return Ok(None);
                }
                lift_windows(&deps, &context.call).await.map(Some)
            },
        )
        .await
}

async fn save(deps: &UserDependencies, context: &RequestContext) -> Result<Option<()>, Error> {
    may_act(context)?;
    let failures = context.user.account.failures().len();
    let details = AuditDetails::none().with("failures", failures);
    let kind = AuditEventKind::UserUnlocked;
    let change = AccountChange {
        writes: vec![AccountWriteOp::LiftWindows],
        idempotency_record: deps.idempotency.record(
            context,
            CreatedResource::Nothing,
            &ReplayedResponse::default(),
        ),
        ..context.change(deps.events.event(context, kind, details))
    };
    deps.changes.save_or_conflict(&change).await
}

async fn lift_windows(deps: &UserDependencies, call: &CallContext) -> Result<(), Error> {
    Ok(deps.challenges.lift_windows(call.subject_tag).await?)
}
