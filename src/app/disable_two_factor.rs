//! `DisableTwoFactor`: everything goes that signs in, or spares it, in one step.

use crate::app::{
    Call, Confirmation, Error, GivenProof, RequestContext, call::Shown,
    dependencies::MethodDependencies,
};
use countersign_domain::{
    action::Action,
    change::{Change, Made, Write},
    event::{EventKind, Facts},
    message::{Notice, NoticeKind},
    refusal::Refusal,
    revert::Did,
};
use std::sync::Arc;

/// Takes all methods, recovery codes and devices, if the proof lets it. Tells who hears of it.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn disable_two_factor(
    deps: &Arc<MethodDependencies>,
    call: Call,
    proof: GivenProof,
) -> Result<Vec<Confirmation>, Error> {
    let proof = Arc::new(proof);
    deps.requests
        .run_once(
            deps,
            call,
            |_, repeat| async { Ok(repeat.shown.confirmations) },
            move |deps, context| {
                let proof = Arc::clone(&proof);
                async move { disable(&deps, &context, &proof).await }
            },
        )
        .await
}

/// The tokens of earlier changes stay: who disclaims one of those disclaims this one too.
async fn disable(
    deps: &MethodDependencies,
    context: &RequestContext,
    proof: &GivenProof,
) -> Result<Option<Vec<Confirmation>>, Error> {
    let user = &context.user;
    let account = &user.account;
    if account.methods.is_empty() {
        return Err(Refusal::TwoFactorOff.into());
    }
    let action = Action::DisableTwoFactor;
    let spend = deps
        .authorization
        .authorize(context, &action, proof)
        .await?;
    let notice = Notice::of(NoticeKind::TwoFactorDisabled, context.now);
    let (news, revertible) = deps
        .notices
        .revertible_news(user, [], notice, Did::TurnOff)?;
    let shown = Shown::of_confirmations(news.confirmations);
    let facts = Facts::none().with("methods", account.methods.len());
    let kind = EventKind::TwoFactorDisabled;
    let change = Change {
        epoch: account.epoch.grown(),
        spends: vec![spend],
        writes: vec![
            Write::RemoveAllMethods,
            Write::NoRecoveryCodes,
            Write::NoBypassCode,
            Write::NoDevices,
            revertible,
        ],
        notices: news.notices,
        receipt: deps.idempotency.record(context, Made::Nothing, &shown),
        ..context.change(deps.events.event(context, kind, facts))
    };
    let saved = deps.changes.save_or_conflict(&change).await?;
    Ok(saved.map(|()| shown.confirmations))
}
