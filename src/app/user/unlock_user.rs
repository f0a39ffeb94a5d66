//! `UnlockUser`: an administrator clears a user's windows of wrong codes and of messages. A disabled method stays disabled
//! until the user replaces it (NIST SP 800-63B-4 §3.2.2).

use crate::app::{
    CallerRequest, Error, context::RequestContext, dependencies::UserDependencies,
    replayed_response::ReplayedResponse, user::reset_user::may_act,
};
use countersign_domain::{
    account::change::{AccountChange, AccountWriteOp, CreatedResource},
    audit_event::{AuditDetails, AuditEventKind},
    limits::user_throttle::DestinationTag,
    method::MethodSecret,
    value::{destination::Destination, time::Timestamp},
};
use std::sync::Arc;

/// What was unlocked.
pub(crate) struct UnlockedUser {
    /// When the user's message budgets can be lifted again; `None` if they were lifted now.
    pub(crate) next_message_unlock: Option<Timestamp>,
}

/// Clears a user's windows of wrong codes, and of messages a few times a day. The durable store comes first, because it
/// is the lower bound of the challenge store's windows.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn unlock_user(
    deps: &Arc<UserDependencies>,
    call: CallerRequest,
) -> Result<UnlockedUser, Error> {
    deps.requests
        .run_once(
            deps,
            call,
            // A repeat does it too, because the first call may have failed before it did.
            |deps, repeat| async move { lift_windows(&deps, &repeat.context).await },
            |deps, context| async move {
                if save(&deps, &context).await?.is_none() {
                    return Ok(None);
                }
                lift_windows(&deps, &context).await.map(Some)
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

async fn lift_windows(
    deps: &UserDependencies,
    context: &RequestContext,
) -> Result<UnlockedUser, Error> {
    let call = &context.call;
    let next_message_unlock = deps.send_budgets.charge_lift(call, context.now).await?;
    let destinations = match next_message_unlock {
        None => destinations(deps, context)?,
        Some(_) => Vec::new(),
    };
    let tag = call.subject_tag;
    deps.challenges.lift_windows(tag, &destinations).await?;
    Ok(UnlockedUser {
        next_message_unlock,
    })
}

/// The destinations whose messages have a budget of the user's own. The budget of a destination that nobody confirmed
/// belongs to the destination.
fn destinations(
    deps: &UserDependencies,
    context: &RequestContext,
) -> Result<Vec<DestinationTag>, Error> {
    let account = &context.user.account;
    let mut tags = Vec::new();
    for method in &account.methods {
        if let MethodSecret::Destination(to) = deps.sealing.open_method(&account.subject, method)? {
            tags.push(deps.send_budgets.destination_tag(&to));
        }
    }
    if let Some(email) = context.user.profile().email.clone() {
        let mailbox = Destination::Email(email);
        tags.push(deps.send_budgets.destination_tag(&mailbox));
    }
    Ok(tags)
}
