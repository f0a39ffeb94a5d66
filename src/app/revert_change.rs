//! `RevertChange`: a person who was told of a change says that it was not they who made it.

use crate::app::{
    Call, Confirmation, Error, RequestContext, call::Shown, dependencies::MethodDependencies,
    notices::News,
};
use countersign_domain::{
    change::{Change, Made, Write},
    event::{EventKind, Facts},
    message::{Notice, NoticeKind},
    revert::RevertToken,
};
use std::sync::Arc;

/// Suspends what came with a change or since, ends trust and all that was issued before. Tells who hears of it.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn revert_change(
    deps: &Arc<MethodDependencies>,
    call: Call,
    token: RevertToken,
) -> Result<Vec<Confirmation>, Error> {
    deps.requests
        .run(deps, call, |deps, call| async move {
            let (deps, token) = (&deps, &token);
            deps.requests
                .once(
                    &call,
                    |repeat| async { Ok(repeat.shown.confirmations) },
                    |context| async move { revert(deps, &context, token).await },
                )
                .await
        })
        .await
}

/// Nothing if another change got in the way.
async fn revert(
    deps: &MethodDependencies,
    context: &RequestContext,
    token: &RevertToken,
) -> Result<Option<Vec<Confirmation>>, Error> {
    let RequestContext { user, now, .. } = context;
    let account = &user.account;
    let (did, reverting) = account.revert(token.hash(), &user.policy.rules, *now)?;
    let facts = Facts::none()
        .with("change", did.as_str())
        .with("methods_suspended", reverting.suspends.len())
        .with("recovery_codes_void", reverting.voids_codes)
        .with("held", reverting.holds);
    let notice = Notice::of(NoticeKind::ChangeReverted, *now);
    let News {
        mut notices,
        confirmations,
    } = deps.notices.news(user, [], &notice)?;
    notices.extend(deps.notices.news_of_ended_reset(user, *now)?);
    let shown = Shown::of_confirmations(confirmations);
    let kind = EventKind::ChangeReverted;
    let change = Change {
        epoch: account.epoch.grown(),
        writes: vec![Write::Revert(reverting)],
        notices,
        receipt: deps.idempotency.record(context, Made::Nothing, &shown),
        ..context.change(deps.events.event(context, kind, facts))
    };
    let saved = deps.changes.save_or_conflict(&change).await?;
    Ok(saved.map(|()| shown.confirmations))
}
