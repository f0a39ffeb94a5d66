//! `BeginEnrollment`: starts to enroll a method. The method is added when its setup code is confirmed.

use crate::{
    app::{
        CallerRequest, ChallengeView, Error, SubmittedProof,
        authorization::permit,
        challenge::{
            challenge_drafts::ChallengeDraft,
            code_delivery::OpenedChallenge,
            retained_charge::{RetainedCharge, charge_message},
            send_budgets::ReservedBudgets,
        },
        commit::unless_conflict,
        context::{CallContext, OpenedAccount, ReplayedCall, RequestContext},
        dependencies::MethodDependencies,
        method::{
            confirm_enrollment::FIRST_VERSION,
            totp_setup::{TotpSetup, totp_setup},
        },
    },
    ports::CommitResult,
};
use countersign_domain::{
    account::change::{AccountChange, ConsumedProof, CreatedResource, IdempotencyRecord},
    audit_event::{AuditDetails, AuditEventKind},
    authorization::{action::Action, proof::AcceptedProof},
    challenge::{
        Challenge, EnrollmentAuthorization, ExpectedAnswer, PendingEnrollment, Purpose,
        totp::TotpSecret,
    },
    method::{MethodKind, MethodLabel},
    refusal::Refusal,
    value::{
        destination::{Destination, Phone},
        id::MethodId,
    },
};
use std::sync::Arc;

/// A method to enroll.
pub struct EnrollmentRequest {
    /// The kind, and the destination of its messages.
    pub kind: EnrollmentTarget,
    /// The user's name for the method.
    pub label: Option<MethodLabel>,
    /// The method that the new one replaces.
    pub replaced_method_id: Option<MethodId>,
}

/// The kind to enroll, and the destination of its messages.
#[derive(Debug, Clone)]
pub enum EnrollmentTarget {
    /// An authenticator app.
    Totp,
    /// A phone number; `None` means the number in the profile.
    Sms(Option<Phone>),
    /// The e-mail address in the profile.
    Email,
}

/// An enrollment that is waiting for its setup code.
pub struct StartedEnrollment {
    /// The challenge that the setup code answers.
    pub challenge: ChallengeView,
    /// The key to show for an authenticator app; `None` for other kinds.
    pub totp: Option<TotpSetup>,
}

impl EnrollmentTarget {
    const fn kind(&self) -> MethodKind {
        match self {
            Self::Totp => MethodKind::Totp,
            Self::Sms(_) => MethodKind::Sms,
            Self::Email => MethodKind::Email,
        }
    }
}

/// Starts to enroll a method if the proof authorizes it.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn begin_enrollment(
    deps: &Arc<MethodDependencies>,
    call: CallerRequest,
    new: EnrollmentRequest,
    proof: SubmittedProof,
) -> Result<StartedEnrollment, Error> {
    deps.requests
        .run(deps, call, |deps, call| async move {
            let (deps, new, proof) = (&*deps, &new, &proof);
            let retained = &RetainedCharge::default();
            let started = deps.requests.once(
                &call,
                |repeat| started_before(deps, repeat),
                |context| async move { begin(deps, &context, new, proof, retained).await },
            );
            let started = started.await;
            retained.give_back(&deps.send_budgets, &call).await;
            started
        })
        .await
}

/// Returns `None` after a write conflict.
async fn begin(
    deps: &MethodDependencies,
    context: &RequestContext,
    new: &EnrollmentRequest,
    proof: &SubmittedProof,
    retained: &RetainedCharge,
) -> Result<Option<StartedEnrollment>, Error> {
    let enrollment_authorization = enrollment_authorization(&context.user, proof);
    let (draft, action) = prepare(deps, context, new, enrollment_authorization)?;
    let admitted = deps.authorization.admit(context, &action, proof)?;
    room_to_send(deps, context, &draft).await?;
    let accepted = deps.authorization.redeem(context, &action, admitted);
    let accepted = accepted.await?;
    let challenge = authorized_by(draft, &accepted);
    let reserved = retained.take_or_charge(deps, context, &challenge).await?;
    let consumed_proof = ConsumedProof::of(&accepted, &context.call.caller.name);
    let change = beginning(deps, context, &challenge, consumed_proof);
    let outcome = deps.changes.commit(&change).await?;
    if outcome != CommitResult::Done {
        retained.keep(&challenge, reserved);
        return unless_conflict(outcome).map(|_| None);
    }
    post(deps, context, challenge, reserved).await.map(Some)
}

/// How the enrollment is authorized, provided that the proof is accepted.
fn enrollment_authorization(
    user: &OpenedAccount,
    proof: &SubmittedProof,
) -> EnrollmentAuthorization {
    let protected = user.account.is_protected(&user.policy.rules);
    match proof {
        SubmittedProof::Ticket(_) => EnrollmentAuthorization::Ticket,
        _ if protected => EnrollmentAuthorization::Proof,
        _ => EnrollmentAuthorization::FirstFactor,
    }
}

/// Checks, without charging, that the message may be sent now. So no proof is consumed for a message that can't be
/// sent.
async fn room_to_send(
    deps: &MethodDependencies,
    context: &RequestContext,
    challenge: &Challenge,
) -> Result<(), Error> {
    let Some(send) = deps.send_budgets.send_charge(challenge) else {
        return Ok(());
    };
    context.refuse_message_while_throttled()?;
    let RequestContext { call, now, .. } = context;
    let next = deps.challenges.next_send(call.subject_tag, &send, *now);
    match next.await? {
        None => Ok(()),
        Some(until) => Err(Error::too_many_sends(until, *now)),
    }
}

/// Opens the challenge of a recorded enrollment, and sends its code. If this fails, a repeat of the call does it.
async fn post(
    deps: &MethodDependencies,
    context: &RequestContext,
    challenge: Challenge,
    reserved: ReservedBudgets,
) -> Result<StartedEnrollment, Error> {
    let draft = ChallengeDraft {
        send: deps.send_budgets.send_charge(&challenge),
        challenge,
        replaced_challenge_id: None,
    };
    let posted = deps.issuer.post(context, draft, reserved, None).await?;
    deliver(deps, context, posted).await
}

async fn deliver(
    deps: &MethodDependencies,
    context: &RequestContext,
    posted: OpenedChallenge,
) -> Result<StartedEnrollment, Error> {
    let totp = totp_setup(deps, &context.user, &posted.challenge)?;
    let challenge = deps.delivery.deliver_code(&context.call, posted).await?;
    Ok(StartedEnrollment { challenge, totp })
}

/// Checks everything about the new method except the proof, and builds its challenge and action.
fn prepare(
    deps: &MethodDependencies,
    context: &RequestContext,
    new: &EnrollmentRequest,
    enrollment_authorization: EnrollmentAuthorization,
) -> Result<(Challenge, Action), Error> {
    let kind = new.kind.kind();
    let OpenedAccount {
        account, policy, ..
    } = &context.user;
    if let Some(id) = new.replaced_method_id {
        account.method(id).ok_or(Error::MethodNotFound)?;
    }
    let action = match new.replaced_method_id {
        Some(old) => Action::ReplaceMethod(old, kind),
        None => Action::AddMethod(kind),
    };
    permit(context, &action)?;
    if !deps.views.served().serves(kind) {
        return Err(Refusal::NoNotifier.into());
    }
    let has_email = context.user.profile().email.is_some();
    let email_allows = account.email_allows(kind, &policy.rules, has_email);
    email_allows.map_err(Refusal::from)?;
    account.place_for_method(policy, new.replaced_method_id)?;
    let id = deps.randomness.id();
    let expected_answer = expected_answer_of_new(
        deps,
        &context.user,
        id,
        new.kind.clone(),
        new.replaced_method_id,
    )?;
    deps.delivery.reaches(&expected_answer)?;
    let enrollment = PendingEnrollment {
        method: id,
        label: account.label_for(new.label.clone(), kind, new.replaced_method_id)?,
        replaced_method_id: new.replaced_method_id,
        enrollment_authorization,
    };
    let purpose = Purpose::Enrollment(enrollment);
    let challenge = deps
        .drafts
        .challenge(context, purpose, expected_answer, None);
    Ok((challenge, action))
}

fn expected_answer_of_new(
    deps: &MethodDependencies,
    user: &OpenedAccount,
    id: MethodId,
    kind: EnrollmentTarget,
    replaced_method_id: Option<MethodId>,
) -> Result<ExpectedAnswer, Error> {
    let (policy, profile) = (&user.policy, user.profile());
    let destination = match kind {
        EnrollmentTarget::Totp => {
            return Ok(ExpectedAnswer::Totp {
                method: (id, FIRST_VERSION),
                secret: TotpSecret::new(deps.randomness.bytes::<20>().to_vec()),
                parameters: policy.totp,
                tolerance: policy.totp_tolerance,
            });
        }
        EnrollmentTarget::Sms(given) => {
            let phone = given.or_else(|| profile.phone.clone());
            Destination::Phone(phone.ok_or(Refusal::PhoneMissing)?)
        }
        EnrollmentTarget::Email => {
            Destination::Email(profile.email.clone().ok_or(Refusal::EmailMissing)?)
        }
    };
    policy.rules.allows_country_of(&destination)?;
    let account = &user.account;
    let others = account.methods.iter();
    for method in others.filter(|method| Some(method.id) != replaced_method_id) {
        let enrolled = deps.sealing.open_method(&account.subject, method)?;
        let enrolled = enrolled.destination();
        if enrolled.is_some_and(|enrolled| enrolled.is_same(&destination)) {
            return Err(Refusal::DestinationEnrolled.into());
        }
    }
    let bound_to = Some((id, FIRST_VERSION));
    Ok(deps.drafts.expects_code(user, bound_to, destination))
}

fn beginning(
    deps: &MethodDependencies,
    context: &RequestContext,
    challenge: &Challenge,
    consumed_proof: Option<ConsumedProof>,
) -> AccountChange {
    let kind = challenge
        .expected_answer
        .kind()
        .map_or("", MethodKind::as_str);
    let details = AuditDetails::none()
        .with("challenge_id", challenge.id)
        .with("method_kind", kind);
    let details = match &challenge.purpose {
        Purpose::Enrollment(enrollment) => details.with(
            "authorization",
            enrollment.enrollment_authorization.as_str(),
        ),
        Purpose::SignIn
        | Purpose::StepUp { .. }
        | Purpose::VerifyEmail { .. }
        | Purpose::Reset(_) => details,
    };
    let event = deps
        .events
        .event(context, AuditEventKind::EnrollmentStarted, details);
    AccountChange {
        consumed_proofs: consumed_proof.into_iter().collect(),
        idempotency_record: context
            .call
            .idempotency
            .map(|idempotency_key| IdempotencyRecord {
                idempotency_key,
                created: CreatedResource::Challenge(challenge.id),
                answer: Some(
                    deps.sealing
                        .seal_challenge(context.call.subject_tag, challenge),
                ),
                at: context.now,
            }),
        ..context.change(event)
    }
}

async fn started_before(
    deps: &MethodDependencies,
    repeat: ReplayedCall,
) -> Result<StartedEnrollment, Error> {
    let ReplayedCall {
        context, record, ..
    } = &repeat;
    let call: &CallContext = &context.call;
    let (CreatedResource::Challenge(id), Some(sealed)) = (record.created, &record.answer) else {
        return Err(Error::RequestIdReused);
    };
    if let Some((challenge, snapshot)) = deps.issuer.find(call, id, context.now).await? {
        let posted = OpenedChallenge {
            challenge,
            snapshot,
            fresh: None,
        };
        return deliver(deps, context, posted).await;
    }
    // The first call failed before it opened the recorded challenge, or the challenge has ended.
    let challenge = deps.sealing.open_challenge(call.subject_tag, id, sealed)?;
    if context.now >= challenge.expires_at || deps.requests.ended(call, id).await?.is_some() {
        return Err(Refusal::ChallengeOver.into());
    }
    room_to_send(deps, context, &challenge).await?;
    let reserved = charge_message(deps, context, &challenge).await?;
    post(deps, context, challenge, reserved).await
}

/// Records in the enrollment that it was authorized by a recovery or bypass code.
fn authorized_by(challenge: Challenge, accepted: &AcceptedProof) -> Challenge {
    let enrollment_authorization = match accepted {
        AcceptedProof::Recovery(_) => EnrollmentAuthorization::Recovery,
        AcceptedProof::Bypass(_) => EnrollmentAuthorization::Bypass,
        AcceptedProof::Approval(_)
        | AcceptedProof::MailboxCode(_)
        | AcceptedProof::Attestation(_)
        | AcceptedProof::Ticket => {
            return challenge;
        }
    };
    let purpose = match challenge.purpose {
        Purpose::Enrollment(enrollment) => Purpose::Enrollment(PendingEnrollment {
            enrollment_authorization,
            ..enrollment
        }),
        purpose => purpose,
    };
    Challenge {
        purpose,
        ..challenge
    }
}
