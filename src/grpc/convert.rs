//! Values to messages.

use crate::{
    app::{
        ApprovedView, ChallengeView, Confirmed, Decision, DefaultChallenge, Enrolled, KindState,
        MethodView, Rejection, Settings, UserView, Verdict,
    },
    proto::v1 as pb,
};
use countersign_domain::{
    account::{Advice, Availability, DefaultMethod, DefaultReason},
    action::Transaction,
    approval::AnsweredBy,
    book::Standing,
    challenge::{Asks, Challenge, Purpose},
    change::Ending,
    destination::Destination,
    device::DeviceToken,
    id::ChallengeId,
    message::Delivery,
    method::{Kind, Strength},
    profile::{AccountName, Locale, OnFile},
    recovery::RecoverySet,
    time::Timestamp,
};

pub(super) fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    let nanos = at.millis().rem_euclid(1000) * 1_000_000;
    prost_types::Timestamp {
        seconds: at.millis().div_euclid(1000),
        nanos: i32::try_from(nanos).unwrap_or_default(),
    }
}

pub(super) fn decision(decision: Decision) -> pb::BeginSignInResponse {
    use pb::begin_sign_in_response::Decision as Sent;
    let sent = match decision {
        Decision::Allowed(assertion) => Sent::Allowed(pb::SignInAllowed {
            reason: pb::AllowedReason::NotRequired.into(),
            assertion,
        }),
        Decision::ChallengeRequired {
            methods,
            default,
            codes_left,
            challenge: asked,
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
            })
        }
    };
    pb::BeginSignInResponse {
        decision: Some(sent),
    }
}

pub(super) fn challenge(view: ChallengeView) -> pb::Challenge {
    match view {
        ChallengeView::Open {
            challenge,
            standing,
        } => open_challenge(&challenge, &standing),
        ChallengeView::Approved(id) => ended_challenge(id, pb::ChallengeState::Approved),
        ChallengeView::Ended(id, Ending::Exhausted) => {
            ended_challenge(id, pb::ChallengeState::Exhausted)
        }
        ChallengeView::Ended(id, Ending::Cancelled) => {
            ended_challenge(id, pb::ChallengeState::Cancelled)
        }
        ChallengeView::Ended(id, Ending::Superseded) => {
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

fn open_challenge(challenge: &Challenge, standing: &Standing) -> pb::Challenge {
    let state = match standing.attempts_left {
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
    };
    let (masked_destination, delivery) = match &challenge.asks {
        Asks::Delivered { destination, .. } => {
            (destination.masked(), delivery_state(standing.delivery))
        }
        Asks::Totp { .. } | Asks::RecoveryCode => (String::new(), pb::DeliveryState::Unspecified),
    };
    pb::Challenge {
        tenant_id: challenge.subject.tenant.as_str().to_owned(),
        user_id: challenge.subject.user.as_str().to_owned(),
        challenge_id: challenge.id.to_string(),
        purpose: purpose.into(),
        state: state.into(),
        kind: challenge
            .asks
            .kind()
            .map_or(pb::MethodKind::Unspecified, kind)
            .into(),
        method_id: challenge
            .asked()
            .map(|(id, _)| id.to_string())
            .unwrap_or_default(),
        masked_destination,
        code_digits: u32::from(challenge.asks.digits()),
        issue_time: Some(timestamp(challenge.issued_at)),
        expire_time: Some(timestamp(challenge.expires_at)),
        attempts_left: u32::from(standing.attempts_left),
        delivery: delivery.into(),
        next_send_time: standing.next_send_at.map(timestamp),
        sends_left: standing.sends_left,
        transaction_digest: digest.map(|digest| digest.to_string()).unwrap_or_default(),
    }
}

const fn delivery_state(delivery: Option<Delivery>) -> pb::DeliveryState {
    match delivery {
        None => pb::DeliveryState::Sending,
        Some(Delivery::HandedOver) => pb::DeliveryState::HandedOver,
        Some(Delivery::Failed) => pb::DeliveryState::Failed,
        Some(Delivery::Unknown) => pb::DeliveryState::Unknown,
    }
}

pub(super) fn verdict(verdict: Verdict) -> pb::VerifyChallengeResponse {
    use pb::verify_challenge_response::Verdict as Sent;
    let sent = match verdict {
        Verdict::Approved(view) => Sent::Approved(approved(*view)),
        Verdict::Rejected(rejection) => Sent::Rejected(rejected(rejection)),
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
    } = view;
    pb::Approved {
        approval_id: approval.id.to_string(),
        assertion: assertion.unwrap_or_default(),
        method_id: approval.method.map(|id| id.to_string()).unwrap_or_default(),
        answered_by: match approval.answered_by {
            AnsweredBy::Code(Kind::Totp) => pb::AnswerKind::Totp,
            AnsweredBy::Code(Kind::Sms) => pb::AnswerKind::Sms,
            AnsweredBy::Code(Kind::Email) => pb::AnswerKind::Email,
            AnsweredBy::RecoveryCode => pb::AnswerKind::RecoveryCode,
        }
        .into(),
        device_token: device_token
            .as_ref()
            .map(DeviceToken::expose)
            .unwrap_or_default(),
        recovery_codes_left: codes_left,
        advice: advice
            .into_iter()
            .map(|piece| advice_number(piece).into())
            .collect(),
    }
}

const fn advice_number(advice: Advice) -> pb::Advice {
    match advice {
        Advice::RecoveryCodesLow => pb::Advice::RecoveryCodesLow,
        Advice::RecoveryCodesGone => pb::Advice::RecoveryCodesGone,
        Advice::SwitchMethod => pb::Advice::SwitchMethod,
    }
}

fn rejected(rejection: Rejection) -> pb::Rejected {
    let Rejection {
        over,
        attempts_left,
        clock_skew_suspected,
    } = rejection;
    let reason = if over {
        pb::RejectionReason::ChallengeOver
    } else {
        pb::RejectionReason::CodeRejected
    };
    pb::Rejected {
        reason: reason.into(),
        attempts_left: u32::from(attempts_left),
        clock_skew_suspected,
    }
}

pub(super) fn confirmed(confirmed: Confirmed) -> pb::ConfirmEnrollmentResponse {
    use pb::confirm_enrollment_response::Verdict as Sent;
    let sent = match confirmed {
        Confirmed::Rejected(rejection) => Sent::Rejected(rejected(rejection)),
        Confirmed::Enrolled(enrolled) => {
            let Enrolled {
                method: new,
                recovery_codes: codes,
                confirmations,
            } = *enrolled;
            let confirmations = confirmations
                .into_iter()
                .map(|(channel, masked_destination)| pb::Confirmation {
                    channel: kind(channel).into(),
                    masked_destination,
                });
            Sent::Enrolled(pb::Enrolled {
                method: Some(method(new)),
                recovery_codes: codes.map(recovery_codes),
                confirmations: confirmations.collect(),
            })
        }
    };
    pb::ConfirmEnrollmentResponse {
        verdict: Some(sent),
    }
}

pub(super) fn recovery_codes((codes, made_at): (Vec<String>, Timestamp)) -> pb::RecoveryCodes {
    pb::RecoveryCodes {
        codes,
        create_time: Some(timestamp(made_at)),
    }
}

pub(super) fn settings(settings: Settings) -> pb::GetMethodSettingsResponse {
    let Settings {
        kinds,
        methods,
        default,
        recovery,
    } = settings;
    let (default_method_id, default_reason) = default_method(default);
    let kinds = kinds.into_iter().map(|(of, state)| pb::KindSettings {
        kind: kind(of).into(),
        state: kind_state(state).into(),
        strength: strength(of.strength()).into(),
    });
    pb::GetMethodSettingsResponse {
        two_factor_enabled: !methods.is_empty(),
        kinds: kinds.collect(),
        methods: methods.into_iter().map(method).collect(),
        default_method_id,
        default_reason: default_reason.into(),
        recovery: Some(recovery_status(recovery.as_ref())),
    }
}

fn recovery_status(recovery: Option<&RecoverySet>) -> pb::RecoveryStatus {
    let Some(RecoverySet {
        id: _,
        total,
        left,
        created_at,
    }) = recovery
    else {
        return pb::RecoveryStatus::default();
    };
    pb::RecoveryStatus {
        codes_total: *total,
        codes_left: *left,
        create_time: Some(timestamp(*created_at)),
    }
}

const fn kind_state(state: KindState) -> pb::KindState {
    match state {
        KindState::Active => pb::KindState::Active,
        KindState::Available => pb::KindState::Available,
        KindState::Pending => pb::KindState::Pending,
        KindState::NeedsVerifiedEmail => pb::KindState::NeedsVerifiedEmail,
        KindState::NoNotifier => pb::KindState::NoNotifier,
    }
}

pub(super) fn method(view: MethodView) -> pb::Method {
    let MethodView {
        id,
        kind: of,
        label,
        availability,
        masked_destination,
        is_default,
        created_at,
        last_used_at,
    } = view;
    let state = match availability {
        Availability::Active => pb::MethodState::Active,
        Availability::Disabled => pb::MethodState::Disabled,
        Availability::NoNotifier => pb::MethodState::NoNotifier,
    };
    pb::Method {
        method_id: id.to_string(),
        kind: kind(of).into(),
        label: label.as_str().to_owned(),
        state: state.into(),
        strength: strength(of.strength()).into(),
        masked_destination,
        is_default,
        create_time: Some(timestamp(created_at)),
        last_use_time: last_used_at.map(timestamp),
    }
}

fn default_method(default: Option<DefaultMethod>) -> (String, pb::DefaultReason) {
    let Some(DefaultMethod { id, reason }) = default else {
        return (String::new(), pb::DefaultReason::Unspecified);
    };
    let reason = match reason {
        DefaultReason::OnlyMethod => pb::DefaultReason::OnlyMethod,
        DefaultReason::SetByUser => pb::DefaultReason::SetByUser,
        DefaultReason::Strongest => pb::DefaultReason::Strongest,
    };
    (id.to_string(), reason)
}

const fn kind(kind: Kind) -> pb::MethodKind {
    match kind {
        Kind::Totp => pb::MethodKind::Totp,
        Kind::Sms => pb::MethodKind::Sms,
        Kind::Email => pb::MethodKind::Email,
    }
}

const fn strength(strength: Strength) -> pb::MethodStrength {
    match strength {
        Strength::Low => pb::MethodStrength::Low,
        Strength::Restricted => pb::MethodStrength::Restricted,
        Strength::Strong => pb::MethodStrength::Strong,
    }
}

pub(super) fn user(view: UserView) -> pb::User {
    let UserView {
        subject,
        on_file,
        two_factor_enabled,
        created_at,
        updated_at,
    } = view;
    pb::User {
        tenant_id: subject.tenant.as_str().to_owned(),
        user_id: subject.user.as_str().to_owned(),
        profile: Some(profile(on_file)),
        two_factor_enabled,
        create_time: Some(timestamp(created_at)),
        update_time: Some(timestamp(updated_at)),
    }
}

fn profile(on_file: OnFile) -> pb::Profile {
    let OnFile {
        profile,
        email_verified,
        email_version: _,
    } = on_file;
    let text = |destination: Option<Destination>| {
        destination
            .map(|to| to.as_str().to_owned())
            .unwrap_or_default()
    };
    let groups = profile.groups.map(|groups| pb::Groups {
        names: groups
            .iter()
            .map(|group| group.as_str().to_owned())
            .collect(),
    });
    let account_name = profile.account_name.as_ref().map(AccountName::as_str);
    pb::Profile {
        email: text(profile.email.map(Destination::Email)),
        email_verified,
        phone_number: text(profile.phone.map(Destination::Phone)),
        phone_number_verified: profile.phone_verified,
        locale: profile
            .locale
            .as_ref()
            .map(Locale::as_str)
            .unwrap_or_default()
            .to_owned(),
        groups,
        account_name: account_name.unwrap_or_default().to_owned(),
        password_changed_time: profile.password_changed_at.map(timestamp),
    }
}
