//! `GenerateRecoveryCodes`: a new set; the old one dies in the same step.

use crate::app::{
    Call, Confirmation, Error, GivenProof, OpenedAccount, Replay, RequestContext, ShownCodes,
    call::Shown, dependencies::RecoveryDependencies, notices::News, recovery_codes::NewCodes,
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

/// New recovery codes, shown this once.
pub struct Generated {
    /// The codes, or the key.
    pub codes: ShownCodes,
    /// Where the news of it went, masked.
    pub confirmations: Vec<Confirmation>,
}

/// Makes new recovery codes.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn generate_recovery_codes(
    deps: &Arc<RecoveryDependencies>,
    call: Call,
    proof: GivenProof,
) -> Result<Generated, Error> {
    let proof = Arc::new(proof);
    deps.requests
        .run_once(
            deps,
            call,
            |deps, repeat| async move { Ok(generated_before(&deps, repeat)) },
            move |deps, context| {
                let proof = Arc::clone(&proof);
                async move { generate(&deps, &context, &proof).await }
            },
        )
        .await
}

fn generated_before(deps: &RecoveryDependencies, repeat: Replay) -> Generated {
    let Replay {
        context,
        record,
        shown,
    } = repeat;
    let RequestContext { call, user, .. } = &context;
    Generated {
        codes: deps.printer.shown(call, user, shown.codes, record.at),
        confirmations: shown.confirmations,
    }
}

async fn generate(
    deps: &RecoveryDependencies,
    context: &RequestContext,
    proof: &GivenProof,
) -> Result<Option<Generated>, Error> {
    let RequestContext { call, user, now } = context;
    offered(user)?;
    let action = Action::GenerateRecoveryCodes;
    let spend = deps
        .authorization
        .authorize(context, &action, proof)
        .await?;
    let new = deps.codes.new_recovery_codes(call, &user.policy).await?;
    let NewCodes { set, shown: codes } = new.ok_or(Refusal::RecoveryNotOffered)?;
    let notice = Notice::of(NoticeKind::RecoveryCodesMade, *now);
    let (news, revertible) = deps
        .notices
        .revertible_news(user, [], notice, Did::RecoveryCodes)?;
    let News {
        notices,
        confirmations,
    } = news;
    let shown = Shown {
        codes,
        confirmations,
        ..Shown::default()
    };
    let kind = EventKind::RecoveryCodesGenerated;
    let change = Change {
        spends: vec![spend],
        writes: vec![Write::RecoveryCodes(set), revertible],
        notices,
        receipt: deps.idempotency.record(context, Made::Nothing, &shown),
        ..context.change(deps.events.event(context, kind, Facts::none()))
    };
    let saved = deps.changes.save_or_conflict(&change).await?;
    Ok(saved.map(|()| Generated {
        codes: deps.printer.shown(call, user, shown.codes, *now),
        confirmations: shown.confirmations,
    }))
}

fn offered(user: &OpenedAccount) -> Result<(), Refusal> {
    if !user.account.two_factor_enabled() {
        return Err(Refusal::TwoFactorOff);
    }
    if !user.policy.rules.has_recovery() {
        return Err(Refusal::RecoveryNotOffered);
    }
    Ok(())
}
