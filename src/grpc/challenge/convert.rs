//! Builds responses of `ChallengeService`.

use crate::{
    app::{
        AllowedSignIn, AnswerOutcome, ApprovedView, ChallengeView, DefaultChallenge, SignInDecision,
    },
    grpc::{
        device::convert::device,
        method::convert::{default_method, kind_settings, method},
        recovery::convert::recovery_codes,
        response_fields::{duration, kind, rejected, timestamp},
    },
};
use countersign_domain::{
    account::{Advice, change::UnapprovedEnding},
    authorization::action::Transaction,
    challenge::{Challenge, Purpose, answered_by::AnsweredBy},
    decisions::{reset_offer::ResetOffer, sign_in::SecondFactorExemption},
    device::DeviceToken,
    limits::user_throttle::ChallengeSnapshot,
    method::MethodKind,
    notice::message::DeliveryStatus,
    value::id::ChallengeId,
};
use countersign_proto::v1 as pb;

pub(in crate::grpc) fn sign_in_options(offer: Option<ResetOffer>) -> pb::GetSignInOptionsResponse {
    pb::GetSignInOptionsResponse {
        reset_offered: offer.is_some(),
        reset_hold: offer.map(|offer| duration(offer.hold)),
        reset_requires_independent_mailbox: offer
            .is_some_and(|offer| offer.requires_independent_mailbox),
    }
}

pub(in crate::grpc) fn decision(decision: SignInDecision) -> pb::BeginSignInResponse {
    use pb::begin_sign_in_response::Decision as Sent;
    let sent = match decision {
        SignInDecision::Allowed(allowed) => Sent::Allowed(sign_in_allowed(allowed)),
        SignInDecision::EnrollmentRequired {
            methods,
            kinds,
            ticket,
        } => Sent::EnrollmentRequired(pb::EnrollmentRequired {
            kinds: kinds.into_iter().map(kind_settings).collect(),
            ticket: ticket.expose(),
            ticket_expire_time: Some(timestamp(ticket.expires_at())),
            methods: methods.into_iter().map(method).collect(),
        }),
        SignInDecision::ChallengeRequired {
            methods,
            kinds,
            default,
            codes_left,
            challenge: asked,
            throttled_until,
        } => {
            let (issued, waits_until) = match asked {
                DefaultChallenge::None => (None, None),
                DefaultChallenge::Issued(view) => (Some(challenge(*view)), None),
                DefaultChallenge::WaitsUntil(until) => (None, Some(timestamp(until))),
            };
            let (default_method_id, default_reason) = default_method(default);
            Sent::ChallengeRequired(pb::ChallengeRequired {
                methods: methods.into_iter().map(method).collect(),
                default_method_id,
                default_reason: default_reason.into(),
                recovery_codes_left: codes_left,
                challenge: issued,
                challenge_available_time: waits_until,
                throttled_until_time: throttled_until.map(timestamp),
                kinds: kinds.into_iter().map(kind_settings).collect(),
            })
        }
    };
    pb::BeginSignInResponse {
        decision: Some(sent),
    }
}

fn sign_in_allowed(allowed: AllowedSignIn) -> pb::SignInAllowed {
    let AllowedSignIn {
        pass,
        assertion,
        device_token,
    } = allowed;
    pb::SignInAllowed {
        reason: allowed_reason(pass).into(),
        assertion,
        device_token: exposed(device_token.as_ref()),
        enroll_by_time: pass.enroll_by().map(timestamp),
    }
}

fn exposed(token: Option<&DeviceToken>) -> String {
    token.map(DeviceToken::expose).unwrap_or_default()
}

const fn allowed_reason(pass: SecondFactorExemption) -> pb::AllowedReason {
    match pass {
        SecondFactorExemption::TwoFactorOff => pb::AllowedReason::TwoFactorOff,
        SecondFactorExemption::NotRequired { .. } => pb::AllowedReason::NotRequired,
        SecondFactorExemption::TrustedDevice => pb::AllowedReason::TrustedDevice,
        SecondFactorExemption::GracePeriod { .. } => pb::AllowedReason::GracePeriod,
    }
}

pub(in crate::grpc) fn challenge(view: ChallengeView) -> pb::Challenge {
    match view {
        ChallengeView::Open {
            challenge,
            snapshot,
        } => open_challenge(&challenge, &snapshot),
        ChallengeView::Approved(id) => ended_challenge(id, pb::ChallengeState::Approved),
        ChallengeView::Ended(id, UnapprovedEnding::Exhausted) => {
            ended_challenge(id, pb::ChallengeState::Exhausted)
        }
        ChallengeView::Ended(id, UnapprovedEnding::Canceled) => {
            ended_challenge(id, pb::ChallengeState::Canceled)
        }
        ChallengeView::Ended(id, UnapprovedEnding::Superseded) => {
            ended_challenge(id, pb::ChallengeState::Superseded)
        }
    }
}

fn ended_challenge(id: ChallengeId, state: pb::ChallengeState) -> pb::Challenge {
    pb::Challenge {
        challenge_id: id.to_string(),
        state: state.into(),
        ..pb::Challenge::default()
    }
}

fn open_challenge(challenge: &Challenge, snapshot: &ChallengeSnapshot) -> pb::Challenge {
    let state = match snapshot.attempts_left {
        0 => pb::ChallengeState::Exhausted,
        _ => pb::ChallengeState::Open,
    };
    let (purpose, digest) = match &challenge.purpose {
        Purpose::SignIn => (pb::ChallengePurpose::SignIn, None),
        Purpose::StepUp { transaction, .. } => (
            pb::ChallengePurpose::StepUp,
            transaction.as_ref().map(Transaction::digest),
        ),
        Purpose::VerifyEmail { .. } => (pb::ChallengePurpose::VerifyEmail, None),
        Purpose::Enrollment(_) => (pb::ChallengePurpose::Enrollment, None),
        Purpose::Reset(_) => (pb::ChallengePurpose::Reset, None),
    };
    let (masked_destination, delivery) = match challenge.expected_answer.destination() {
        Some(destination) => (destination.masked(), delivery_state(snapshot.delivery)),
        None => (String::new(), pb::DeliveryState::Unspecified),
    };
    pb::Challenge {
        tenant_id: challenge.subject.tenant.as_str().to_owned(),
        user_id: challenge.subject.user.as_str().to_owned(),
        challenge_id: challenge.id.to_string(),
        purpose: purpose.into(),
        state: state.into(),
        kind: challenge
            .expected_answer
            .kind()
            .map_or(pb::MethodKind::Unspecified, kind)
            .into(),
        method_id: challenge
            .asked_method()
            .map(|(id, _)| id.to_string())
            .unwrap_or_default(),
        masked_destination,
        code_digits: u32::from(challenge.expected_answer.digits()),
        issue_time: Some(timestamp(challenge.issued_at)),
        expire_time: Some(timestamp(challenge.expires_at)),
        attempts_left: u32::from(snapshot.attempts_left),
        delivery: delivery.into(),
        next_send_time: snapshot.next_send_at.map(timestamp),
        sends_left: snapshot.sends_left,
        transaction_digest: digest.map(|digest| digest.to_string()).unwrap_or_default(),
    }
}

const fn delivery_state(delivery: Option<DeliveryStatus>) -> pb::DeliveryState {
    match delivery {
        None => pb::DeliveryState::Sending,
        Some(DeliveryStatus::HandedOver) => pb::DeliveryState::HandedOver,
        Some(DeliveryStatus::Failed) => pb::DeliveryState::Failed,
        Some(DeliveryStatus::Unknown) => pb::DeliveryState::Unknown,
    }
}

pub(in crate::grpc) fn verdict(
    verdict: AnswerOutcome<ApprovedView>,
) -> pb::VerifyChallengeResponse {
    use pb::verify_challenge_response::Verdict as Sent;
    let sent = match verdict {
        AnswerOutcome::Accepted(view) => Sent::Approved(approved(*view)),
        AnswerOutcome::Rejected(rejection) => Sent::Rejected(rejected(rejection)),
    };
    pb::VerifyChallengeResponse {
        verdict: Some(sent),
    }
}

fn approved(view: ApprovedView) -> pb::Approved {
    let ApprovedView {
        approval,
        assertion,
        device_token,
        codes_left,
        advice,
        next_key,
        devices,
        trust_offered,
    } = view;
    pb::Approved {
        approval_id: approval.id.to_string(),
        assertion: assertion.unwrap_or_default(),
        method_id: approval.method.map(|id| id.to_string()).unwrap_or_default(),
        answered_by: match approval.answered_by {
            AnsweredBy::Code(MethodKind::Totp) => pb::AnswerKind::Totp,
            AnsweredBy::Code(MethodKind::Sms) => pb::AnswerKind::Sms,
            AnsweredBy::Code(MethodKind::Email) => pb::AnswerKind::Email,
            AnsweredBy::RecoveryCode => pb::AnswerKind::RecoveryCode,
            // A password never answers a challenge.
            AnsweredBy::Password => pb::AnswerKind::Unspecified,
            AnsweredBy::BypassCode => pb::AnswerKind::BypassCode,
            AnsweredBy::RecoveryKey => pb::AnswerKind::RecoveryKey,
        }
        .into(),
        device_token: exposed(device_token.as_ref()),
        recovery_codes_left: codes_left,
        advice: advice
            .into_iter()
            .map(|piece| advice_number(piece).into())
            .collect(),
        next_recovery_key: next_key.map(recovery_codes),
        devices: devices.into_iter().map(device).collect(),
        trust_offered,
    }
}

const fn advice_number(advice: Advice) -> pb::Advice {
    match advice {
        Advice::RecoveryCodesLow => pb::Advice::RecoveryCodesLow,
        Advice::RecoveryCodesExhausted => pb::Advice::RecoveryCodesExhausted,
        Advice::SwitchMethod => pb::Advice::SwitchMethod,
        Advice::RecoveryCodesNotSaved => pb::Advice::RecoveryCodesNotSaved,
    }
}
