//! `BeginReset`: a user who can't sign in asks for a reset, or, once its hold is over, for the code that confirms it.
//!
//! Several users may share an address, and whoever asks is told nothing: one read, the same for everyone, and the answer.
//! What follows from it runs beside (A14).

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

/// What a caller asks for on behalf of somebody who can't sign in.
pub struct ResetRequest {
    /// Who asks.
    pub caller: Arc<Caller>,
    /// In which company.
    pub tenant: TenantId,
    /// Whose: a login or an address.
    pub whose: Result<UserId, Email>,
    /// The caller's word that the password can't be reset by a mail to the same address.
    pub independent: bool,
    /// What makes a repeat harmless.
    pub repeatable: Option<RequestIdentity>,
    /// What is known of the person's client.
    pub context: ClientContext,
}

/// Begins resets, or mails their codes, for the users whom the login or the address is of.
///
/// # Errors
/// [`Error::Unavailable`] and [`Error::Busy`], the same for every login.
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

/// Nobody waits for what comes of it, so that a failure is for the log.
async fn reset_of(deps: &RecoveryDependencies, request: &ResetRequest, user: UserId) {
    let call = deps.requests.call_context(call_for(request, user));
    match begin_or_mail(deps, &call, request.independent).await {
        Ok(()) => {}
        Err(error) if is_expected(&error) => {
            tracing::info!(%error, "a reset that was asked for came to nothing");
        }
        Err(error) => {
            tracing::warn!(%error, "a reset that was asked for came to nothing");
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

/// The code of a reset whose hold is over goes to the address on file, like that of any challenge.
async fn mail_code(
    deps: &RecoveryDependencies,
    context: &RequestContext,
    reset: Reset,
) -> Result<(), Error> {
    let call = &context.call;
    // A stranger, perhaps, who asks this caller again makes no code void that the owner may be typing.
    if let Some(mailed) = reset.challenge
        && mailed_again(deps, call, mailed).await?
    {
        return Ok(());
    }
    let expected_answer = deps.drafts.expects_address(&context.user)?;
    let send = deps.send_budgets.send_charge(&expected_answer, true);
    let purpose = Purpose::Reset(reset.id);
    let challenge = deps
        .drafts
        .challenge(context, purpose, expected_answer, None);
    let idempotency_key = call.idempotency;
    let reserved = deps
        .send_budgets
        .reserve(&challenge, send, idempotency_key, context.now)
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

/// Mails the code of a challenge once more; says whether it was open, in short-lived memory and on record.
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

/// The challenge is open and its message is charged by now: so another change does not keep the code from its reset,
/// unless it has ended that.
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
                let kept = account.reset.as_ref();
                let kept = kept.filter(|kept| kept.id == reset);
                if !kept.is_some_and(|kept| kept.is_due(account.epoch, rules, *now)) {
                    return Err(Error::ChangedConcurrently);
                }
                let write = AccountWriteOp::MailResetCode(reset, challenge);
                let change = reset_change(deps, &context, write, AuditEventKind::ResetCodeMailed);
                deps.changes.save_or_conflict(&change).await
            },
        )
        .await
}

/// A change of a reset, and of nothing else.
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

/// Whether it tells of what was asked, and of nothing that an operator has to look after.
const fn is_expected(error: &Error) -> bool {
    matches!(
        error,
        Error::UserNotFound
            | Error::Refused(_)
            | Error::TooManySends { .. }
            | Error::RequestIdReused
            | Error::RequestInFlight
            | Error::ChangedConcurrently
    )
}

/// The call, as it is for one of the users.
fn call_for(request: &ResetRequest, user: UserId) -> CallerRequest {
    CallerRequest {
        caller: Arc::clone(&request.caller),
        subject: Subject {
            tenant: request.tenant.clone(),
            user,
        },
        repeatable: request.repeatable.as_ref().map(|repeatable| RequestIdentity {
            rpc: repeatable.rpc,
            id: repeatable.id.clone(),
            payload: repeatable.payload.clone(),
        }),
        context: request.context.without_device(),
        actor: None,
    }
}
