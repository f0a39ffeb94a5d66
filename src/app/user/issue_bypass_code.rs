//! `IssueBypassCode`: an administrator creates a code for one sign-in of a user who has no usable method.

use crate::app::{
    CallerRequest, Error, QueuedNoticeSummary,
    context::{CallContext, RequestContext},
    dependencies::UserDependencies,
    hashing::HashedBypassCode,
    notices::ChangeNotice,
    replayed_response::ReplayedResponse,
    user::reset_user::may_act,
};
use countersign_domain::{
    account::change::{AccountChange, AccountWriteOp, CreatedResource},
    audit_event::{AuditDetails, AuditEventKind},
    notice::message::{Notice, NoticeKind},
    recovery::bypass_code::{BypassCode, NewBypassCode},
    refusal::Refusal,
    value::time::Timestamp,
};
use std::{sync::Arc, time::Duration};

/// A bypass code. It is returned only once.
pub struct IssuedBypassCode {
    /// The plain code, to be given to the user.
    pub code: String,
    /// When the code expires.
    pub expires_at: Timestamp,
    /// Where notices were queued, masked.
    pub queued_notices: Vec<QueuedNoticeSummary>,
}

/// Creates a bypass code with the given lifetime. It replaces an earlier one.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn issue_bypass_code(
    deps: &Arc<UserDependencies>,
    call: CallerRequest,
    lifetime: Duration,
) -> Result<IssuedBypassCode, Error> {
    deps.requests
        .run_once(
            deps,
            call,
            move |_, repeat| async move { issued(repeat.response, repeat.record.at.plus(lifetime)) },
            move |deps, context| async move { issue(&deps, &context, lifetime).await },
        )
        .await
}

async fn issue(
    deps: &UserDependencies,
    context: &RequestContext,
    lifetime: Duration,
) -> Result<Option<IssuedBypassCode>, Error> {
    may_act(context)?;
    if !context.user.account.two_factor_enabled() {
        return Err(Refusal::TwoFactorOff.into());
    }
    let HashedBypassCode { code, hash } = new_code(deps, &context.call).await?;
    let new = NewBypassCode {
        id: deps.randomness.id(),
        hash: hash.clone(),
        expires_at: context.now.plus(lifetime),
    };
    let (change, response) = issuing(deps, context, code, new)?;
    let saved = deps.changes.save_or_conflict(&change).await?;
    let issued = saved.map(|()| issued(response, context.now.plus(lifetime)));
    issued.transpose()
}

/// The code of the call. Every decision of the call uses the same one, because its hash is slow.
async fn new_code<'a>(
    deps: &UserDependencies,
    call: &'a CallContext,
) -> Result<&'a HashedBypassCode, Error> {
    let retained = &call.retained.bypass_code;
    if let Some(hashed) = retained.get() {
        return Ok(hashed);
    }
    let code = BypassCode::new(&deps.randomness.bytes());
    let salt = deps.randomness.bytes();
    let hashed = deps.hashing.hash_bypass(code, salt).await?;
    Ok(retained.get_or_init(|| hashed))
}

fn issuing(
    deps: &UserDependencies,
    context: &RequestContext,
    code: &BypassCode,
    new: NewBypassCode,
) -> Result<(AccountChange, ReplayedResponse), Error> {
    let notice = Notice::of(NoticeKind::BypassCodeIssued, context.now);
    let ChangeNotice {
        notices,
        queued_notices,
    } = deps.notices.change_notice(&context.user, [], &notice)?;
    let response = ReplayedResponse {
        codes: vec![code.expose()],
        queued_notices,
        ..ReplayedResponse::default()
    };
    let details = AuditDetails::none()
        .with("bypass_id", new.id)
        .with("expires_at", new.expires_at.millis());
    let kind = AuditEventKind::BypassCodeIssued;
    let change = AccountChange {
        writes: vec![AccountWriteOp::BypassCode(new)],
        notices,
        idempotency_record: deps
            .idempotency
            .record(context, CreatedResource::Nothing, &response),
        ..context.change(deps.events.event(context, kind, details))
    };
    Ok((change, response))
}

fn issued(response: ReplayedResponse, expires_at: Timestamp) -> Result<IssuedBypassCode, Error> {
    let ReplayedResponse {
        codes,
        queued_notices,
        sign_in_waits: _,
    } = response;
    let code = codes.into_iter().next();
    Ok(IssuedBypassCode {
        code: code.ok_or(Error::RequestIdReused)?,
        expires_at,
        queued_notices,
    })
}
