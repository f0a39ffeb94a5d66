//! `ConfirmEnrollment`: verifies the setup code and adds the method.

use crate::app::{
    CallerRequest, EnrolledMethod, Error,
    authorization::permit,
    challenge::{
        answer::{CodeSubmission, PassedChallenge, VerifyingRpc},
        answer_outcome::{AnswerOutcome, AnswerRejection},
    },
    context::{CallContext, OpenedAccount, ReplayedCall, RequestContext},
    dependencies::MethodDependencies,
    notices::ChangeNotice,
    recovery::new_recovery_codes::NewRecoveryCodes,
    replayed_response::ReplayedResponse,
    use_case_runner::LoadedCall,
};
use countersign_domain::{
    account::{
        Account,
        change::{AccountChange, AccountWriteOp, ConsumedProof, CreatedResource},
    },
    audit_event::{AuditDetails, AuditEvent, AuditEventKind},
    authorization::action::Action,
    challenge::{
        AttemptEffect, Challenge, EnrollmentAuthorization, PendingEnrollment, Purpose,
        code::CanonicalAnswer, totp::TimeStep,
    },
    method::{Method, MethodKind, MethodSecret},
    notice::message::{Notice, NoticeKind},
    policy::Policy,
    refusal::Refusal,
    revert::RevertibleChange,
    value::{
        destination::Destination,
        id::{ChallengeId, MethodId},
        time::Timestamp,
    },
};
use std::sync::Arc;

/// The version of a new method's sealed secret.
pub(crate) const FIRST_VERSION: u32 = 1;

/// Composes the notices of an added method.
struct EnrollmentNotices<'a> {
    enrollment: &'a PendingEnrollment,
    secret: &'a MethodSecret,
    method: &'a Method,
}

/// Verifies a setup code like any other code, and adds the method.
///
/// # Errors
/// See [`Error`]. A wrong code is not an error.
pub(crate) async fn confirm_enrollment(
    deps: &Arc<MethodDependencies>,
    call: CallerRequest,
    challenge: ChallengeId,
    answer: CanonicalAnswer,
) -> Result<AnswerOutcome<EnrolledMethod>, Error> {
    let typed = CodeSubmission {
        challenge,
        answer,
        rpc: VerifyingRpc::ConfirmEnrollment,
    };
    deps.requests
        .run(deps, call, |deps, call| async move {
            let passed = match deps.verifier.verify(&call, typed).await? {
                AnswerOutcome::Accepted(passed) => passed,
                AnswerOutcome::Rejected(rejection) => {
                    return confirmed_before(&deps, &call, rejection).await;
                }
            };
            let enrolled = enroll(&deps, &call, &passed).await?;
            deps.verifier.conclude(&call, &passed).await;
            Ok(AnswerOutcome::Accepted(Box::new(enrolled)))
        })
        .await
}

/// A challenge that is over may have been confirmed by an earlier call of which this is a repeat.
async fn confirmed_before(
    deps: &MethodDependencies,
    call: &Arc<CallContext>,
    rejection: AnswerRejection,
) -> Result<AnswerOutcome<EnrolledMethod>, Error> {
    if !rejection.over || call.idempotency.is_none() {
        return Ok(AnswerOutcome::Rejected(rejection));
    }
    match deps.requests.load_or_replay(call).await {
        Ok(LoadedCall::Repeat(repeat)) => {
            let enrolled = enrolled_before(deps, repeat)?;
            Ok(AnswerOutcome::Accepted(Box::new(enrolled)))
        }
        Ok(LoadedCall::First(_)) | Err(Error::UserNotFound) => {
            Ok(AnswerOutcome::Rejected(rejection))
        }
        Err(error) => Err(error),
    }
}

async fn enroll(
    deps: &MethodDependencies,
    call: &Arc<CallContext>,
    passed: &PassedChallenge,
) -> Result<EnrolledMethod, Error> {
    deps.requests
        .once(
            call,
            |repeat| async { enrolled_before(deps, repeat) },
            |context| async move { turn_on(deps, context, passed).await },
        )
        .await
}

/// Returns `None` after a write conflict.
async fn turn_on(
    deps: &MethodDependencies,
    context: RequestContext,
    passed: &PassedChallenge,
) -> Result<Option<EnrolledMethod>, Error> {
    // Without the challenge there is no secret to enroll.
    let challenge = passed.challenge.as_ref().ok_or(Refusal::ChallengeOver)?;
    let user = &context.user;
    let account = &user.account;
    let (enrollment, secret) = confirmed(challenge, account, &user.policy)?;
    still_permitted(&context, enrollment, secret.kind())?;
    let method = new_method(deps, &context, enrollment, &secret)?;
    let first = account.methods.is_empty();
    let mut writes: Vec<AccountWriteOp> = enrollment
        .replaced_method_id
        .map(AccountWriteOp::RemoveMethod)
        .into_iter()
        .collect();
    writes.push(AccountWriteOp::AddMethod(
        method.clone(),
        setup_step(passed.effect),
    ));
    let mut codes = Vec::new();
    if first && let Some(new) = new_codes(deps, &context).await? {
        writes.push(AccountWriteOp::RecoveryCodes(new.set));
        codes = new.exposed_codes;
    }
    let change_notice = EnrollmentNotices {
        enrollment,
        secret: &secret,
        method: &method,
    };
    let ChangeNotice {
        notices,
        queued_notices,
    } = change_notice.tell(deps, user, &mut writes)?;
    let response = ReplayedResponse {
        codes,
        queued_notices,
        sign_in_waits: enrollment.enrollment_authorization == EnrollmentAuthorization::Ticket,
    };
    // One first factor may add one method only, so the credential epoch grows and voids the other enrollments that it
    // authorized. The first method always grows the epoch, because it turns two-factor on.
    let grows = first
        || enrollment.enrollment_authorization.is_first_factor()
        || enrollment.replaced_method_id.is_some();
    let epoch = if grows {
        account.epoch.grown()
    } else {
        account.epoch
    };
    let created = CreatedResource::Method(method.id);
    let change = AccountChange {
        epoch,
        consumed_proofs: vec![ConsumedProof::Approval(passed.approval.id)],
        writes,
        notices,
        idempotency_record: deps.idempotency.record(&context, created, &response),
        ..context.change(enrolled_event(deps, &context, enrollment, &method))
    };
    if deps.changes.save_or_conflict(&change).await?.is_none() {
        return Ok(None);
    }
    let now = context.now;
    let after = with_method(context, &method, enrollment.replaced_method_id);
    enrolled(deps, &after, &method, response, now).map(Some)
}

async fn new_codes(
    deps: &MethodDependencies,
    context: &RequestContext,
) -> Result<Option<NewRecoveryCodes>, Error> {
    let RequestContext { call, user, .. } = context;
    deps.codes.new_recovery_codes(call, &user.policy).await
}

/// Checks that the policy still permits the enrollment.
fn still_permitted(
    context: &RequestContext,
    enrollment: &PendingEnrollment,
    kind: MethodKind,
) -> Result<(), Error> {
    let OpenedAccount {
        account, policy, ..
    } = &context.user;
    let has_email = context.user.profile().email.is_some();
    let email_allows = account.email_allows(kind, &policy.rules, has_email);
    email_allows.map_err(Refusal::from)?;
    account.place_for_method(policy, enrollment.replaced_method_id)?;
    let action = match enrollment.replaced_method_id {
        Some(old) => Action::ReplaceMethod(old, kind),
        None => Action::AddMethod(kind),
    };
    permit(context, &action)
}

impl EnrollmentNotices<'_> {
    /// Composes the notices. E-mails carry a revert token, unless a recovery or bypass code authorized the enrollment.
    /// In that case the user's other methods are lost, and a revert would suspend the only one left.
    ///
    /// A method enrolled with a recovery code is reverted only if the recovery codes are.
    fn tell(
        &self,
        deps: &MethodDependencies,
        user: &OpenedAccount,
        writes: &mut Vec<AccountWriteOp>,
    ) -> Result<ChangeNotice, Error> {
        let Self {
            enrollment,
            secret,
            method,
        } = self;
        let (account, notices) = (&user.account, &deps.notices);
        let new = secret.destination().cloned();
        let switches = enrollment.replaced_method_id.is_some()
            || account.was_disabled_recently(method.created_at);
        let change = notice(method, secret, switches);
        let change_kind = match enrollment.enrollment_authorization {
            EnrollmentAuthorization::Bypass => return notices.change_notice(user, new, &change),
            EnrollmentAuthorization::Recovery => {
                writes.push(
                    notices.reverted_with_others(RevertibleChange::RecoveredMethod(method.id)),
                );
                return notices.change_notice(user, new, &change);
            }
            EnrollmentAuthorization::Proof
            | EnrollmentAuthorization::FirstFactor
            | EnrollmentAuthorization::Ticket => {
                if account.methods.is_empty() {
                    RevertibleChange::FirstMethod(method.id)
                } else {
                    RevertibleChange::Method(method.id)
                }
            }
        };
        let (change_notice, revertible) =
            notices.revertible_notice(user, new, change, change_kind)?;
        writes.push(revertible);
        Ok(change_notice)
    }
}

fn new_method(
    deps: &MethodDependencies,
    context: &RequestContext,
    enrollment: &PendingEnrollment,
    secret: &MethodSecret,
) -> Result<Method, Error> {
    let PendingEnrollment {
        method: id,
        label,
        replaced_method_id,
        ..
    } = enrollment;
    let account = &context.user.account;
    let subject = &account.subject;
    Ok(Method {
        id: *id,
        kind: secret.kind(),
        label: account.label_for(Some(label.clone()), secret.kind(), *replaced_method_id)?,
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
    enrollment: &PendingEnrollment,
    method: &Method,
) -> AuditEvent {
    let kind = match enrollment.replaced_method_id {
        Some(_) => AuditEventKind::MethodReplaced,
        None => AuditEventKind::MethodAdded,
    };
    let details = AuditDetails::none()
        .with("method_id", method.id)
        .with("method_kind", method.kind.as_str());
    deps.events.event(context, kind, details)
}

fn enrolled_before(
    deps: &MethodDependencies,
    repeat: ReplayedCall,
) -> Result<EnrolledMethod, Error> {
    let ReplayedCall {
        context,
        record,
        response,
    } = repeat;
    let CreatedResource::Method(id) = record.created else {
        return Err(Error::RequestIdReused);
    };
    let method = context.user.account.method(id);
    let method = method.ok_or(Error::MethodNotFound)?;
    enrolled(deps, &context, method, response, record.at)
}

fn enrolled(
    deps: &MethodDependencies,
    context: &RequestContext,
    method: &Method,
    response: ReplayedResponse,
    at: Timestamp,
) -> Result<EnrolledMethod, Error> {
    let RequestContext { call, user, .. } = context;
    let ReplayedResponse {
        codes,
        queued_notices,
        sign_in_waits,
    } = response;
    let codes = (!codes.is_empty()).then_some(codes);
    Ok(EnrolledMethod {
        method: deps.views.one(&user.account, &user.policy, method)?,
        recovery_codes: codes.map(|codes| deps.printer.display(call, user, codes, at)),
        sign_in_waits,
        queued_notices,
    })
}

/// The enrollment and its secret, unless the enrollment was voided after it started.
fn confirmed<'a>(
    challenge: &'a Challenge,
    account: &Account,
    policy: &Policy,
) -> Result<(&'a PendingEnrollment, MethodSecret), Error> {
    let Purpose::Enrollment(enrollment) = &challenge.purpose else {
        return Err(Refusal::WrongPurpose.into());
    };
    let outrun = enrollment.enrollment_authorization.is_first_factor()
        && account.is_protected(&policy.rules);
    if challenge.epoch != account.epoch || outrun {
        return Err(Refusal::ChallengeOver.into());
    }
    if let Some(old) = enrollment.replaced_method_id {
        account.method(old).ok_or(Error::MethodNotFound)?;
    }
    let secret = challenge
        .expected_answer
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

/// The time step of the setup code, which counts as used.
const fn setup_step(effect: Option<AttemptEffect>) -> Option<TimeStep> {
    match effect {
        Some(AttemptEffect::Step { step, .. }) => Some(step),
        _ => None,
    }
}

/// The context after the change.
fn with_method(
    mut context: RequestContext,
    method: &Method,
    replaced_method_id: Option<MethodId>,
) -> RequestContext {
    let methods = &mut context.user.account.methods;
    methods.retain(|old| Some(old.id) != replaced_method_id);
    methods.push(method.clone());
    context
}
