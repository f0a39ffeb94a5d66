//! `GenerateRecoveryCodes`: creates a new set of recovery codes, which replaces the old one.

use crate::app::{
    CallerRequest, DisplayedRecoveryCodes, Error, QueuedNoticeSummary, SubmittedProof,
    authorization::consumed_by_change,
    context::{OpenedAccount, ReplayedCall, RequestContext},
    dependencies::RecoveryDependencies,
    notices::ChangeNotice,
    recovery::new_recovery_codes::NewRecoveryCodes,
    replayed_response::ReplayedResponse,
};
use countersign_domain::{
    account::change::{AccountChange, AccountWriteOp, CreatedResource},
    audit_event::{AuditDetails, AuditEventKind},
    authorization::{action::Action, proof::AcceptedProof},
    notice::message::{Notice, NoticeKind},
    refusal::Refusal,
    revert::{REVERT_LIFETIME, RevertibleChange},
    value::time::Timestamp,
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
    let accepted = deps.authorization.accept(context, &action, proof).await?;
    let consumed_proof = consumed_by_change(context, &accepted)?;
    let new = deps.codes.new_recovery_codes(call, &user.policy).await?;
    let NewRecoveryCodes {
        set,
        exposed_codes: codes,
    } = new.ok_or(Refusal::RecoveryNotOffered)?;
    let notice = Notice::of(NoticeKind::RecoveryCodesGenerated, *now);
    let change_kind = RevertibleChange::RecoveryCodes;
    let (change_notice, revertible) =
        deps.notices
            .notice_by_proof(user, notice, change_kind, &accepted)?;
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
    let details = AuditDetails::none().with("authorization", accepted.as_str());
    let change = AccountChange {
        consumed_proofs: vec![consumed_proof],
        writes: [AccountWriteOp::RecoveryCodes(set)]
            .into_iter()
            .chain(restriction(&accepted, *now))
            .chain([revertible])
            .collect(),
        notices,
        idempotency_record: deps
            .idempotency
            .record(context, CreatedResource::Nothing, &response),
        ..context.change(deps.events.event(context, kind, details))
    };
    let saved = deps.changes.save_or_conflict(&change).await?;
    Ok(saved.map(|()| GeneratedRecoveryCodes {
        codes: deps.printer.display(call, user, response.codes, *now),
        queued_notices: response.queued_notices,
    }))
}

/// Codes that a code to the mailbox created authorize no change while their creation can be reverted. Otherwise the
/// mailbox could add and replace methods by way of them.
fn restriction(accepted: &AcceptedProof, now: Timestamp) -> Option<AccountWriteOp> {
    match accepted {
        AcceptedProof::MailboxCode(_) => {
            Some(AccountWriteOp::RestrictRecovery(now.plus(REVERT_LIFETIME)))
        }
        AcceptedProof::Approval(_)
        | AcceptedProof::Recovery(_)
        | AcceptedProof::Bypass(_)
        | AcceptedProof::Attestation(_)
        | AcceptedProof::Ticket => None,
    }
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
