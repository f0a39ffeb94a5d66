//! `CancelChallenge`: the caller ends a challenge. Its attempts stay charged.

use crate::{
    app::{CallerRequest, Error, context::CallContext, dependencies::ChallengeDependencies},
    ports::ChallengesToEnd,
};
use countersign_domain::{
    account::change::UnapprovedEnding,
    audit_event::{AuditDetails, AuditEventKind},
    challenge::Challenge,
    value::id::ChallengeId,
};
use std::sync::Arc;

/// Cancels a challenge. A challenge that has already ended does not change.
///
/// # Errors
/// [`Error::ChallengeNotFound`] if this caller has no such challenge.
pub(crate) async fn cancel_challenge(
    deps: &Arc<ChallengeDependencies>,
    call: CallerRequest,
    id: ChallengeId,
) -> Result<(), Error> {
    deps.requests
        .run(deps, call, |deps, call| async move {
            if let Some((challenge, _)) = deps.issuer.find(&call, id, call.now).await? {
                return cancel(&deps, &call, &challenge).await;
            }
            let ended = deps.requests.ended(&call, id).await?;
            ended.map(drop).ok_or(Error::ChallengeNotFound)
        })
        .await
}

async fn cancel(
    deps: &ChallengeDependencies,
    call: &CallContext,
    challenge: &Challenge,
) -> Result<(), Error> {
    let details = AuditDetails::none()
        .with("challenge_id", challenge.id)
        .with("purpose", challenge.purpose.as_str());
    let key = &challenge.user_key;
    let kind = AuditEventKind::ChallengeCanceled;
    let event = deps.events.event_at(call, key, kind, details, call.now);
    // Durable first: if deletion from the challenge store fails, no answer is approved anyway.
    let ends = ChallengesToEnd {
        subject: call.subject.clone(),
        challenges: vec![(challenge.id, call.caller.name.clone())],
        how: UnapprovedEnding::Canceled,
        at: call.now,
        event: Some(event),
    };
    deps.accounts.end_challenges(&ends).await?;
    let dropped = deps
        .challenges
        .drop_challenge(call.subject_tag, challenge.id);
    Ok(dropped.await?)
}
