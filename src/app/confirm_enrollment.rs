//! `ConfirmEnrollment`: the set-up code is right, so the method is on.

use crate::app::{
    Call, CallContext, Error, MethodView, OpenedAccount, Replay, RequestContext, ShownCodes,
    answer::{Answers, Outcome, Passed, Rejection, Typed},
    call::Shown,
    dependencies::MethodDependencies,
    notices::{Confirmation, News},
    proof::permit,
    recovery_codes::NewCodes,
    requests::LoadedCall,
};
use countersign_domain::{
    account::Account,
    action::Action,
    challenge::{Challenge, Effect, Enrollment, Purpose, Warrant},
    change::{Change, Made, Spend, Write},
    code::Answer,
    destination::Destination,
    event::{Event, EventKind, Facts},
    id::{ChallengeId, MethodId},
    message::{Notice, NoticeKind},
    method::{Kind, Method, MethodSecret},
    policy::Policy,
    refusal::Refusal,
    revert::Did,
    time::Timestamp,
    totp::Step,
};
use std::sync::Arc;

/// What became of a set-up code.
pub enum Confirmed {
    /// The method is on.
    Enrolled(Box<Enrolled>),
    /// The answer was not accepted.
    Rejected(Rejection),
}

/// A method that was turned on.
pub struct Enrolled {
    /// The method.
    pub method: MethodView,
    /// With the first method only: the recovery codes or the key, where the policy has them.
    pub recovery_codes: Option<ShownCodes>,
    /// Whether a sign-in waits that has to begin again, now that there is a method to answer it.
    pub sign_in_waits: bool,
    /// Where the news of it went, masked.
    pub confirmations: Vec<Confirmation>,
}

/// The version of what is sealed in a new method.
pub(super) const FIRST_VERSION: u32 = 1;

/// What people are told of a method that was turned on.
struct NewsOfEnrollment<'a> {
    enrollment: &'a Enrollment,
    secret: &'a MethodSecret,
    method: &'a Method,
}

/// Judges a set-up code like any other, and turns the method on.
///
/// # Errors
/// See [`Error`]; a wrong code is none of them.
pub(crate) async fn confirm_enrollment(
    deps: &Arc<MethodDependencies>,
    call: Call,
    challenge: ChallengeId,
    answer: Answer,
) -> Result<Confirmed, Error> {
    let typed = Typed {
        challenge,
        answer,
        answers: Answers::Enrollment,
    };
    deps.requests
        .run(deps, call, |deps, call| async move {
            let passed = match deps.verifier.verify(&call, typed).await? {
                Outcome::Approved(passed) => passed,
                Outcome::Rejected(rejection) => {
                    return confirmed_before(&deps, &call, rejection).await;
                }
            };
            let enrolled = enroll(&deps, &call, &passed).await?;
            deps.verifier.conclude(&call, &passed.approval);
            Ok(Confirmed::Enrolled(Box::new(enrolled)))
        })
        .await
}

/// A challenge that is over may have been confirmed by this very call.
async fn confirmed_before(
    deps: &MethodDependencies,
    call: &Arc<CallContext>,
    rejection: Rejection,
) -> Result<Confirmed, Error> {
    if !rejection.over || call.idempotency.is_none() {
        return Ok(Confirmed::Rejected(rejection));
    }
    match deps.requests.load_or_replay(call).await {
        Ok(LoadedCall::Repeat(repeat)) => {
            let enrolled = enrolled_before(deps, repeat)?;
            Ok(Confirmed::Enrolled(Box::new(enrolled)))
        }
        Ok(LoadedCall::First(_)) | Err(Error::UserNotFound) => Ok(Confirmed::Rejected(rejection)),
        Err(error) => Err(error),
    }
}

async fn enroll(
    deps: &MethodDependencies,
    call: &Arc<CallContext>,
    passed: &Passed,
) -> Result<Enrolled, Error> {
    deps.requests
        .once(
            call,
            |repeat| async { enrolled_before(deps, repeat) },
            |context| async move { turn_on(deps, context, passed).await },
        )
        .await
}

/// Nothing if another change got in the way.
async fn turn_on(
    deps: &MethodDependencies,
    context: RequestContext,
    passed: &Passed,
) -> Result<Option<Enrolled>, Error> {
    // The codes of this call are gone with short-lived memory, and nobody has seen them.
    let challenge = passed.challenge.as_ref().ok_or(Refusal::ChallengeOver)?;
    let user = &context.user;
    let account = &user.account;
    let (enrollment, secret) = confirmed(challenge, account, &user.policy)?;
    still_permitted(&context, enrollment, secret.kind())?;
    let method = new_method(deps, &context, enrollment, &secret)?;
    let first = account.methods.is_empty();
    let mut writes: Vec<Write> = enrollment
        .replaces
        .map(Write::RemoveMethod)
        .into_iter()
        .collect();
    writes.push(Write::AddMethod(method.clone(), setup_step(passed.effect)));
    let mut codes = Vec::new();
    if first && let Some(new) = new_codes(deps, &context).await? {
        writes.push(Write::RecoveryCodes(new.set));
        codes = new.shown;
    }
    let news = NewsOfEnrollment {
        enrollment,
        secret: &secret,
        method: &method,
    };
    let News {
        notices,
        confirmations,
    } = news.tell(deps, user, &mut writes)?;
    let shown = Shown {
        codes,
        confirmations,
        sign_in_waits: enrollment.warrant == Warrant::Ticket,
    };
    // A first factor alone lets one method in: the growth voids whatever else it has begun. So does the first method,
    // whatever let it in: with it two-factor is on.
    let grows = first || enrollment.warrant.is_first_factor() || enrollment.replaces.is_some();
    let epoch = if grows {
        account.epoch.grown()
    } else {
        account.epoch
    };
    let made = Made::Method(method.id);
    let change = Change {
        epoch,
        spends: vec![Spend::Approval(passed.approval.id)],
        writes,
        notices,
        receipt: deps.idempotency.record(&context, made, &shown),
        ..context.change(enrolled_event(deps, &context, enrollment, &method))
    };
    if deps.changes.save_or_conflict(&change).await?.is_none() {
        return Ok(None);
    }
    let now = context.now;
    let after = with_method(context, &method, enrollment.replaces);
    enrolled(deps, &after, &method, shown, now).map(Some)
}

async fn new_codes(
    deps: &MethodDependencies,
    context: &RequestContext,
) -> Result<Option<NewCodes>, Error> {
    let RequestContext { call, user, .. } = context;
    deps.codes.new_recovery_codes(call, &user.policy).await
}

/// Whether the policy still has it as it had when the enrollment began.
fn still_permitted(
    context: &RequestContext,
    enrollment: &Enrollment,
    kind: Kind,
) -> Result<(), Error> {
    let OpenedAccount {
        account, policy, ..
    } = &context.user;
    account.email_allows_enrollment(policy)?;
    account.place_for_method(policy, enrollment.replaces)?;
    let action = match enrollment.replaces {
        Some(old) => Action::ReplaceMethod(old, kind),
        None => Action::AddMethod(kind),
    };
    permit(context, &action)
}

impl NewsOfEnrollment<'_> {
    /// Everyone hears of it; and may say that it was somebody else, unless the methods before it were declared lost: then
    /// what could be suspended is all that the user has. What came by recovery codes falls with those codes only.
    fn tell(
        &self,
        deps: &MethodDependencies,
        user: &OpenedAccount,
        writes: &mut Vec<Write>,
    ) -> Result<News, Error> {
        let Self {
            enrollment,
            secret,
            method,
        } = self;
        let (account, notices) = (&user.account, &deps.notices);
        let new = secret.destination().cloned();
        let switches =
            enrollment.replaces.is_some() || account.was_turned_off_lately(method.created_at);
        let told = notice(method, secret, switches);
        let did = match enrollment.warrant {
            Warrant::Bypass => return notices.news(user, new, &told),
            Warrant::Recovery => {
                writes.push(notices.reverted_with_others(Did::RecoveredMethod(method.id)));
                return notices.news(user, new, &told);
            }
            Warrant::Proof | Warrant::FirstFactor | Warrant::Ticket => {
                if account.methods.is_empty() {
                    Did::FirstMethod(method.id)
                } else {
                    Did::Method(method.id)
                }
            }
        };
        let (news, revertible) = notices.revertible_news(user, new, told, did)?;
        writes.push(revertible);
        Ok(news)
    }
}

fn new_method(
    deps: &MethodDependencies,
    context: &RequestContext,
    enrollment: &Enrollment,
    secret: &MethodSecret,
) -> Result<Method, Error> {
    let Enrollment {
        method: id,
        label,
        replaces,
        ..
    } = enrollment;
    let account = &context.user.account;
    let subject = &account.subject;
    Ok(Method {
        id: *id,
        kind: secret.kind(),
        label: account.label_for(Some(label.clone()), secret.kind(), *replaces)?,
        version: FIRST_VERSION,
        sealed: deps
            .sealing
            .seal_method(subject, *id, FIRST_VERSION, secret),
        disabled: false,
        created_at: context.now,
        last_used_at: None,
        suspended: false,
        consecutive_failures: 0,
        last_step: None,
    })
}

fn enrolled_event(
    deps: &MethodDependencies,
    context: &RequestContext,
    enrollment: &Enrollment,
    method: &Method,
) -> Event {
    let kind = match enrollment.replaces {
        Some(_) => EventKind::MethodReplaced,
        None => EventKind::MethodAdded,
    };
    let facts = Facts::none()
        .with("method_id", method.id)
        .with("method_kind", method.kind.as_str());
    deps.events.event(context, kind, facts)
}

fn enrolled_before(deps: &MethodDependencies, repeat: Replay) -> Result<Enrolled, Error> {
    let Replay {
        context,
        record,
        shown,
    } = repeat;
    let Made::Method(id) = record.made else {
        return Err(Error::RequestIdReused);
    };
    let method = context.user.account.method(id);
    let method = method.ok_or(Error::MethodNotFound)?;
    enrolled(deps, &context, method, shown, record.at)
}

fn enrolled(
    deps: &MethodDependencies,
    context: &RequestContext,
    method: &Method,
    shown: Shown,
    at: Timestamp,
) -> Result<Enrolled, Error> {
    let RequestContext { call, user, .. } = context;
    let Shown {
        codes,
        confirmations,
        sign_in_waits,
    } = shown;
    let codes = (!codes.is_empty()).then_some(codes);
    Ok(Enrolled {
        method: deps.views.one(&user.account, &user.policy, method)?,
        recovery_codes: codes.map(|codes| deps.printer.shown(call, user, codes, at)),
        sign_in_waits,
        confirmations,
    })
}

/// What was enrolled, if nothing has voided it since.
fn confirmed<'a>(
    challenge: &'a Challenge,
    account: &Account,
    policy: &Policy,
) -> Result<(&'a Enrollment, MethodSecret), Error> {
    let Purpose::Enrollment(enrollment) = &challenge.purpose else {
        return Err(Refusal::WrongPurpose.into());
    };
    let outrun = enrollment.warrant.is_first_factor() && account.is_protected(&policy.rules);
    if challenge.epoch != account.epoch || outrun {
        return Err(Refusal::ChallengeOver.into());
    }
    if let Some(old) = enrollment.replaces {
        account.method(old).ok_or(Error::MethodNotFound)?;
    }
    let secret = challenge
        .asks
        .method_secret()
        .ok_or(Refusal::WrongPurpose)?;
    Ok((enrollment, secret))
}

fn notice(method: &Method, secret: &MethodSecret, switches: bool) -> Notice {
    let kind = if switches {
        NoticeKind::MethodReplaced
    } else {
        NoticeKind::MethodAdded
    };
    let destination = secret.destination().map(Destination::masked);
    Notice::of_method(kind, method.kind, destination, method.created_at)
}

/// The set-up code counts as used.
const fn setup_step(effect: Option<Effect>) -> Option<Step> {
    match effect {
        Some(Effect::Step { step, .. }) => Some(step),
        _ => None,
    }
}

/// The context as it is after the change.
fn with_method(
    mut context: RequestContext,
    method: &Method,
    replaces: Option<MethodId>,
) -> RequestContext {
    let methods = &mut context.user.account.methods;
    methods.retain(|old| Some(old.id) != replaces);
    methods.push(method.clone());
    context
}
