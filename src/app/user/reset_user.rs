//! `ResetUser`: an administrator removes everything that a user could answer with. The user then signs in with the
//! first factor and enrolls again.

use crate::app::{
    CallerRequest, Error, QueuedNoticeSummary, context::RequestContext,
    dependencies::UserDependencies,
};
use countersign_domain::{audit_event::AuditEventKind, refusal::Refusal};
use std::sync::Arc;

/// Removes all methods, recovery codes and the bypass code of a user. The credential epoch grows, which ends device
/// trust. Returns where notices were queued: at every destination of the account before the reset.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn reset_user(
    deps: &Arc<UserDependencies>,
    call: CallerRequest,
) -> Result<Vec<QueuedNoticeSummary>, Error> {
    deps.requests
        .run_once(
            deps,
            call,
            |_, repeat| async { Ok(repeat.response.queued_notices) },
            |deps, context| async move {
                may_act(&context)?;
                let (change, queued_notices) =
                    deps.resets.resetting(&context, AuditEventKind::UserReset)?;
                let saved = deps.changes.save_or_conflict(&change).await?;
                Ok(saved.map(|()| queued_notices))
            },
        )
        .await
}

/// Checks that the call's actor may act on the user's account.
pub(crate) fn may_act(context: &RequestContext) -> Result<(), Error> {
    let RequestContext { call, user, .. } = context;
    let actor = call.actor.as_ref().ok_or(Refusal::ActsOnThemselves)?;
    Ok(actor.may_act_on(&call.subject, &user.policy.rules)?)
}
