//! `ConfirmReset`: verifies the mailed code after the waiting period, and removes all methods. The user then signs in
//! with the first factor and enrolls again.

use crate::app::{
    CallerRequest, Error, QueuedNoticeSummary,
    challenge::{
        answer::{CodeSubmission, PassedChallenge, VerifyingRpc},
        answer_outcome::AnswerOutcome,
    },
    context::{CallContext, OpenedAccount, RequestContext},
    dependencies::RecoveryDependencies,
    use_case_runner::LoadedCall,
};
use countersign_domain::{
    account::change::{AccountChange, AccountWriteOp, ConsumedProof},
    audit_event::AuditEventKind,
    challenge::{
        Purpose,
        code::{CanonicalAnswer, Digits},
    },
    recovery::reset::Reset,
    refusal::Refusal,
    value::{id::ResetId, time::Timestamp},
};
use std::sync::Arc;

/// The outcome of a confirmation.
pub enum ResetOutcome {
    /// The methods were removed, and these notices were queued.
    Done(Vec<QueuedNoticeSummary>),
    /// The code was wrong, or no reset is due. The caller does not learn which.
    Refused,
}

/// Verifies the code of a reset like any other code, and removes all methods of the user.
///
/// # Errors
/// See [`Error`]. A wrong code is not an error, nor is an unknown user.
pub(crate) async fn confirm_reset(
    deps: &Arc<RecoveryDependencies>,
    call: CallerRequest,
    code: Digits,
) -> Result<ResetOutcome, Error> {
    let confirmed = deps.requests.run(deps, call, |deps, call| async move {
        match deps.requests.load_or_replay(&call).await? {
            LoadedCall::Repeat(repeat) => Ok(ResetOutcome::Done(repeat.response.queued_notices)),
            LoadedCall::First(context) => confirm(&deps, &context, code).await,
        }
    });
    match confirmed.await {
        Err(Error::UserNotFound) => Ok(ResetOutcome::Refused),
        confirmed => confirmed,
    }
}

async fn confirm(
    deps: &RecoveryDependencies,
    context: &RequestContext,
    code: Digits,
) -> Result<ResetOutcome, Error> {
    let call = &context.call;
    let due = due_reset(&context.user, context.now);
    let Some((reset, Some(challenge))) = due.map(|reset| (reset.id, reset.challenge)) else {
        return Ok(ResetOutcome::Refused);
    };
    let typed = CodeSubmission {
        challenge,
        answer: CanonicalAnswer::Digits(code),
        rpc: VerifyingRpc::ConfirmReset,
    };
    let passed = match deps.verifier.verify(call, typed).await? {
        AnswerOutcome::Accepted(passed) => passed,
        AnswerOutcome::Rejected(_) => return Ok(ResetOutcome::Refused),
    };
    let queued_notices = finish(deps, call, &passed, reset).await?;
    deps.verifier.conclude(call, &passed).await;
    Ok(ResetOutcome::Done(queued_notices))
}

async fn finish(
    deps: &RecoveryDependencies,
    call: &Arc<CallContext>,
    passed: &PassedChallenge,
    id: ResetId,
) -> Result<Vec<QueuedNoticeSummary>, Error> {
    let challenge = passed.challenge.as_ref();
    if challenge.is_some_and(|challenge| challenge.purpose != Purpose::Reset(id)) {
        return Err(Refusal::ChallengeOver.into());
    }
    deps.requests
        .once(
            call,
            |repeat| async { Ok(repeat.response.queued_notices) },
            |context| async move { take_all(deps, &context, passed, id).await },
        )
        .await
}

/// Returns `None` after a write conflict.
async fn take_all(
    deps: &RecoveryDependencies,
    context: &RequestContext,
    passed: &PassedChallenge,
    id: ResetId,
) -> Result<Option<Vec<QueuedNoticeSummary>>, Error> {
    let due = due_reset(&context.user, context.now);
    let due = due.filter(|reset| reset.id == id);
    due.ok_or(Refusal::ChallengeOver)?;
    let kind = AuditEventKind::ResetConfirmed;
    let (change, queued_notices) = deps.resets.resetting(context, kind)?;
    let mut writes = change.writes;
    writes.push(AccountWriteOp::FinishReset(id));
    let change = AccountChange {
        consumed_proofs: vec![ConsumedProof::Approval(passed.approval.id)],
        writes,
        ..change
    };
    let saved = deps.changes.save_or_conflict(&change).await?;
    Ok(saved.map(|()| queued_notices))
}

/// The reset that can be confirmed now, if there is one and the policy still allows it.
fn due_reset(user: &OpenedAccount, now: Timestamp) -> Option<Reset> {
    let OpenedAccount {
        account, policy, ..
    } = user;
    let reset = account.reset.clone()?;
    let due = reset.is_due(account.epoch, &policy.rules, now);
    (due && account.may_be_reset(&policy.rules)).then_some(reset)
}
