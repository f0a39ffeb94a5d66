//! `GenerateRecoveryCodes`: creates a new set of recovery codes, which replaces the old one.

use crate::app::{
    CallerRequest, DisplayedRecoveryCodes, Error, QueuedNoticeSummary, SubmittedProof,
    context::{OpenedAccount, ReplayedCall, RequestContext},
    dependencies::RecoveryDependencies,
    notices::ChangeNotice,
    recovery::new_recovery_codes::NewRecoveryCodes,
    replayed_response::ReplayedResponse,
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

/// New recovery codes. They are returned only once.
pub struct GeneratedRecoveryCodes {
    /// The codes or the key.
    pub codes: DisplayedRecoveryCodes,
    /// Where notices were queued, masked.
    pub queued_notices: Vec<QueuedNoticeSummary>,
}

/// Creates new recovery codes or a new key if the proof authorizes it.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn generate_recovery_codes(
    deps: &Arc<RecoveryDependencies>,
    call: CallerRequest,
    proof: SubmittedProof,
) -> Result<GeneratedRecoveryCodes, Error> {
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

fn generated_before(deps: &RecoveryDependencies, repeat: ReplayedCall) -> GeneratedRecoveryCodes {
    let ReplayedCall {
        context,
        record,
        response,
    } = repeat;
    let RequestContext { call, user, .. } = &context;
    GeneratedRecoveryCodes {
        codes: deps.printer.display(call, user, response.codes, record.at),
        queued_notices: response.queued_notices,
    }
}

async fn generate(
    deps: &RecoveryDependencies,
    context: &RequestContext,
    proof: &SubmittedProof,
) -> Result<Option<GeneratedRecoveryCodes>, Error> {
    let RequestContext { call, user, now } = context;
    offered(user)?;
    let action = Action::GenerateRecoveryCodes;
    let consumed_proof = deps
        .authorization
        .authorize(context, &action, proof)
        .await?;
    let new = deps.codes.new_recovery_codes(call, &user.policy).await?;
    let NewRecoveryCodes {
        set,
        exposed_codes: codes,
    } = new.ok_or(Refusal::RecoveryNotOffered)?;
    let notice = Notice::of(NoticeKind::RecoveryCodesGenerated, *now);
    let (change_notice, revertible) =
        deps.notices
            .revertible_notice(user, [], notice, RevertibleChange::RecoveryCodes)?;
    let ChangeNotice {
        notices,
        queued_notices,
    } = change_notice;
    let response = ReplayedResponse {
        codes,
        queued_notices,
        ..ReplayedResponse::default()
    };
    let kind = AuditEventKind::RecoveryCodesGenerated;
    let change = AccountChange {
        consumed_proofs: vec![consumed_proof],
        writes: vec![AccountWriteOp::RecoveryCodes(set), revertible],
        notices,
        idempotency_record: deps
            .idempotency
            .record(context, CreatedResource::Nothing, &response),
        ..context.change(deps.events.event(context, kind, AuditDetails::none()))
    };
    let saved = deps.changes.save_or_conflict(&change).await?;
    Ok(saved.map(|()| GeneratedRecoveryCodes {
        codes: deps.printer.display(call, user, response.codes, *now),
        queued_notices: response.queued_notices,
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
