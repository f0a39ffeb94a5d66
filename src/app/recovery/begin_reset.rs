//! `BeginReset`: starts a reset for a user who can't sign in or, after its waiting period, mails the code that confirms
//! it.
//!
//! Several users may share an address, and the caller must not learn whether any exist. So every call does the same one
//! read and returns; the rest runs afterwards in a detached task (A14).

use crate::app::{
    CallerRequest, ClientContext, Error, RequestIdentity,
    challenge::challenge_drafts::ChallengeDraft,
    context::{CallContext, RequestContext},
    dependencies::RecoveryDependencies,
    notices::ChangeNotice,
    replayed_response::ReplayedResponse,
};
use countersign_domain::{
    account::change::{AccountChange, AccountWriteOp, CreatedResource},
    audit_event::{AuditDetails, AuditEventKind},
    authorization::caller::Caller,
    challenge::Purpose,
    notice::message::{Notice, NoticeKind, ResetNoticeDetails},
    recovery::reset::{LoginIdentifier, Reset, ResetDecision},
    refusal::Refusal,
    value::{
        destination::Email,
        id::{ChallengeId, ResetId, Subject, TenantId, UserId},
        time::Timestamp,
    },
};
use std::sync::Arc;

/// A reset request for a user who can't sign in.
pub struct ResetRequest {
    /// The service that calls.
    pub caller: Arc<Caller>,
    /// The tenant of the user.
    pub tenant: TenantId,
    /// The user id, or the e-mail address of the account.
    pub whose: Result<UserId, Email>,
    /// Whether the caller states that the password can't be reset by a mail to the same address.
    pub independent: bool,
    /// Identifies repeats of the call; `None` without a request id.
    pub request_identity: Option<RequestIdentity>,
    /// The client of the person who asks.
    pub context: ClientContext,
}

/// Starts resets, or mails their codes, for the users with this id or address.
///
/// # Errors
/// [`Error::Unavailable`] and [`Error::Busy`], alike for every user id and address.
pub(crate) async fn begin_reset(
    deps: &Arc<RecoveryDependencies>,
    request: ResetRequest,
) -> Result<(), Error> {
    deps.requests.readiness.pass()?;
    let login = match &request.whose {
        Ok(user) => LoginIdentifier::User(user.clone()),
        Err(email) => LoginIdentifier::Email(deps.resets.email_tag(&request.tenant, email)),
    };
    let users = deps.accounts.logins(&request.tenant, &login).await?;
    let caller = request.caller.name.clone();
    let owned = Arc::clone(deps);
    deps.requests.tasks.begin(&caller, async move {
        for user in users {
            reset_of(&owned, &request, user).await;
        }
    })
}

/// Handles one user. The response has already been sent, so failures are only logged.
async fn reset_of(deps: &RecoveryDependencies, request: &ResetRequest, user: UserId) {
    let call = deps.requests.call_context(call_for(request, user));
    match begin_or_mail(deps, &call, request.independent).await {
        Ok(()) => {}
        Err(error) if is_expected(&error) => {
            tracing::info!(%error, "reset request not completed");
        }
        Err(error) => {
            tracing::warn!(%error, "reset request not completed");
        }
    }
}

async fn begin_or_mail(
    deps: &RecoveryDependencies,
    call: &Arc<CallContext>,
    independent: bool,
) -> Result<(), Error> {
    deps.requests
        .once(
            call,
            |_| async { Ok(()) },
            |context| async move {
                let RequestContext { user, now, .. } = &context;
                match user
                    .account
                    .decide_reset(&user.policy.rules, independent, *now)
                {
                    ResetDecision::Nothing => Ok(Some(())),
                    ResetDecision::Begin(due_at) => begin(deps, &context, due_at).await,
                    ResetDecision::Confirm(reset) => {
                        mail_code(deps, &context, reset).await.map(Some)
                    }
                }
            },
        )
        .await
}

async fn begin(
    deps: &RecoveryDependencies,
    context: &RequestContext,
    due_at: Timestamp,
) -> Result<Option<()>, Error> {
    let RequestContext { call, user, now } = context;
    let subject = &call.subject;
    let id = deps.randomness.id();
    let reset = Reset::started(id, user.account.epoch, *now, due_at);
    let notice = Notice {
        reset: Some(ResetNoticeDetails {
            user: subject.user.clone(),
            due_at: reset.due_at,
            cancel_token: deps.resets.cancel_token(subject, &reset).expose(),
        }),
        ..Notice::of(NoticeKind::ResetStarted, *now)
    };
    let ChangeNotice { notices, .. } = deps.notices.change_notice(user, [], &notice)?;
    let write = AccountWriteOp::BeginReset(reset);
    let change = AccountChange {
        notices,
        ..reset_change(deps, context, write, AuditEventKind::ResetStarted)
    };
    deps.changes.save_or_conflict(&change).await
}

/// Mails the code of a reset after its waiting period to the address in the profile, like the code of any challenge.
async fn mail_code(
    deps: &RecoveryDependencies,
    context: &RequestContext,
    reset: Reset,
) -> Result<(), Error> {
    let call = &context.call;
    // A repeated request resends the open code: a stranger's request must not void the code that the user is typing.
    if let Some(mailed) = reset.challenge
        && mailed_again(deps, call, mailed).await?
    {
        return Ok(());
    }
    let expected_answer = deps.drafts.expects_address(&context.user)?;
    let purpose = Purpose::Reset(reset.id);
    let challenge = deps
        .drafts
        .challenge(context, purpose, expected_answer, None);
    let send = deps.send_budgets.send_charge(&challenge);
    let idempotency_key = call.idempotency;
    let reserved = deps
        .send_budgets
        .reserve(&challenge, send, challenge.message_charge, context.now)
        .await?;
    let draft = ChallengeDraft {
        challenge,
        send,
        replaced_challenge_id: None,
    };
    let posted = deps
        .issuer
        .post(context, draft, reserved, idempotency_key)
        .await?;
    keep_code(deps, call, reset.id, posted.challenge.id).await?;
    deps.delivery.deliver_code(call, posted).await.map(drop)
}

/// Mails the code of a challenge again. Returns whether the challenge was open, in both stores.
async fn mailed_again(
    deps: &RecoveryDependencies,
    call: &CallContext,
    mailed: ChallengeId,
) -> Result<bool, Error> {
    if deps.requests.ended(call, mailed).await?.is_some() {
        return Ok(false);
    }
    let now = deps.requests.clock.now();
    match deps.issuer.resend(call, mailed, now).await {
        Ok(_) => Ok(true),
        Err(Error::ChallengeNotFound | Error::Refused(Refusal::ChallengeOver)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Links the challenge to its reset. Its message is already charged, so a conflicting change causes a retry, unless
/// that change ended the reset.
async fn keep_code(
    deps: &RecoveryDependencies,
    call: &Arc<CallContext>,
    reset: ResetId,
    challenge: ChallengeId,
) -> Result<(), Error> {
    deps.requests
        .once(
            call,
            |_| async { Ok(()) },
            |context| async move {
                let RequestContext { user, now, .. } = &context;
                let (account, rules) = (&user.account, &user.policy.rules);
                let retained = account.reset.as_ref();
                let retained = retained.filter(|retained| retained.id == reset);
                if !retained.is_some_and(|retained| retained.is_due(account.epoch, rules, *now)) {
                    return Err(Error::ChangedConcurrently);
                }
                let write = AccountWriteOp::MailResetCode(reset, challenge);
                let change = reset_change(deps, &context, write, AuditEventKind::ResetCodeMailed);
                deps.changes.save_or_conflict(&change).await
            },
        )
        .await
}

/// A change that only affects a reset.
pub(crate) fn reset_change(
    deps: &RecoveryDependencies,
    context: &RequestContext,
    write: AccountWriteOp,
    kind: AuditEventKind,
) -> AccountChange {
    AccountChange {
        writes: vec![write],
        idempotency_record: deps.idempotency.record(
            context,
            CreatedResource::Nothing,
            &ReplayedResponse::default(),
        ),
        ..context.change(deps.events.event(context, kind, AuditDetails::none()))
    }
}

/// Whether the error comes from the request itself, so that an operator need not act.
const fn is_expected(error: &Error) -> bool {
    matches!(
        error,
        Error::UserNotFound
            | Error::Refused(_)
            | Error::TooManySends { .. }
            | Error::TooManyAttempts { .. }
            | Error::RequestIdReused
            | Error::RequestInFlight
            | Error::ChangedConcurrently
    )
}

/// The call for one of the users.
fn call_for(request: &ResetRequest, user: UserId) -> CallerRequest {
    CallerRequest {
        caller: Arc::clone(&request.caller),
        subject: Subject {
            tenant: request.tenant.clone(),
            user,
        },
        request_identity: request.request_identity.as_ref().map(|request_identity| {
            RequestIdentity {
                rpc: request_identity.rpc,
                id: request_identity.id.clone(),
                payload: request_identity.payload.clone(),
            }
        }),
        context: request.context.without_device(),
        actor: None,
    }
}
