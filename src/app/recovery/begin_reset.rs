//! `BeginReset`: starts a reset for a user who can't sign in or, after its waiting period, mails the code that confirms
//! it.
//!
//! Several users may share an address, and the caller must not learn whether any exist. So every call charges the same
//! budgets, does the same one read, which names no login, and returns; all that depends on the login runs after the
//! response was sent (A14, A62).

use crate::app::{
    CallerRequest, Error, RequestIdentity,
    challenge::challenge_drafts::ChallengeDraft,
    context::{CallContext, RequestContext},
    dependencies::RecoveryDependencies,
    notices::ChangeNotice,
    recovery::reset_request::ResetRequest,
    replayed_response::ReplayedResponse,
};
use countersign_domain::{
    account::change::{AccountChange, AccountWriteOp, CreatedResource},
    audit_event::{AuditDetails, AuditEventKind},
    challenge::Purpose,
    notice::message::{Notice, NoticeKind, ResetNoticeDetails},
    recovery::reset::{LoginIdentifier, Reset, ResetDecision},
    refusal::Refusal,
    value::{
        id::{ChallengeId, ResetId, Subject, UserId},
        time::Timestamp,
    },
};
use std::{sync::Arc, time::Duration};

/// The shortest time between the response and the work. The transport needs far less to send a response.
const MIN_START_DELAY: Duration = Duration::from_millis(25);

/// The most that is added to it at random.
const START_DELAY_JITTER: Duration = Duration::from_millis(125);

/// Starts resets, or mails their codes, for the users with this id or address.
///
/// # Errors
/// [`Error::TooManySends`], [`Error::Unavailable`] and [`Error::Busy`], alike for every user id and address.
pub(crate) async fn begin_reset(
    deps: &Arc<RecoveryDependencies>,
    request: ResetRequest,
) -> Result<(), Error> {
    deps.requests.readiness.pass()?;
    let now = deps.requests.clock.now();
    deps.reset_budgets.charge(&request, now).await?;
    // A login that nobody has: it only shows that the store answers, at the same cost for everyone.
    let nobody = LoginIdentifier::Email(deps.randomness.bytes());
    deps.accounts.logins(&request.tenant, &nobody).await?;
    let owned = Arc::clone(deps);
    let tasks = &deps.requests.tasks;
    tasks.begin_later(start_delay(deps), async move {
        if let Err(error) = resets_of(&owned, &request).await {
            tracing::warn!(%error, "reset request not completed");
        }
    })
}

/// A random time after which the response has been sent. It is random so that the work of one call does not delay a
/// particular later call, whose time would tell of it.
fn start_delay(deps: &RecoveryDependencies) -> Duration {
    let drawn = u16::from_be_bytes(deps.randomness.bytes());
    let share = f64::from(drawn) / f64::from(u16::MAX);
    MIN_START_DELAY + START_DELAY_JITTER.mul_f64(share)
}

/// Handles all users with this login.
async fn resets_of(deps: &RecoveryDependencies, request: &ResetRequest) -> Result<(), Error> {
    let login = match &request.whose {
        Ok(user) => LoginIdentifier::User(user.clone()),
        Err(email) => LoginIdentifier::Email(deps.resets.email_tag(&request.tenant, email)),
    };
    for user in deps.accounts.logins(&request.tenant, &login).await? {
        reset_of(deps, request, user).await;
    }
    Ok(())
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
