//! Builds responses of `MethodService`.

use crate::{
    app::{AnswerOutcome, EnrolledMethod, MethodSettings, MethodView},
    grpc::{
        device::convert::devices as devices_of,
        recovery::convert::{recovery_codes, recovery_status},
        response_fields::{kind, queued_notices, rejected, strength, timestamp},
        status::reason,
    },
};
use countersign_domain::{
    account::{DefaultMethod, DefaultReason},
    decisions::settings::{DecisionSource, MethodKindState, MethodKindStatus},
    method::{MethodStrength, ineligibility::MethodIneligibility},
    policy::SecondFactorRequirement,
    value::time::Timestamp,
};
use countersign_proto::v1 as pb;

pub(in crate::grpc) fn confirmed(
    confirmed: AnswerOutcome<EnrolledMethod>,
) -> pb::ConfirmEnrollmentResponse {
    use pb::confirm_enrollment_response::Verdict as Sent;
    let sent = match confirmed {
        AnswerOutcome::Rejected(rejection) => Sent::Rejected(rejected(rejection)),
        AnswerOutcome::Accepted(enrolled) => {
            let EnrolledMethod {
                method: new,
                recovery_codes: codes,
                sign_in_waits,
                queued_notices,
            } = *enrolled;
            let next_step = if sign_in_waits {
                pb::NextStep::BeginSignIn
            } else {
                pb::NextStep::None
            };
            Sent::Enrolled(pb::Enrolled {
                method: Some(method(new)),
                recovery_codes: codes.map(recovery_codes),
                queued_notices: self::queued_notices(queued_notices),
                next_step: next_step.into(),
            })
        }
    };
    pb::ConfirmEnrollmentResponse {
        verdict: Some(sent),
    }
}

pub(in crate::grpc) fn settings(settings: MethodSettings) -> pb::GetMethodSettingsResponse {
    let MethodSettings {
        two_factor_enabled,
        kinds,
        methods,
        default,
        recovery,
        changes_allowed,
        default_locked,
        requirement,
        devices,
    } = settings;
    let (devices, trust_offered) = devices_of(devices);
    let (default_method_id, default_reason) = default_method(default);
    let (requirement, enroll_by) = self::requirement(requirement);
    pb::GetMethodSettingsResponse {
        two_factor_enabled,
        kinds: kinds.into_iter().map(kind_settings).collect(),
        methods: methods.into_iter().map(method).collect(),
        default_method_id,
        default_reason: default_reason.into(),
        recovery: Some(recovery_status(recovery.as_ref())),
        changes_allowed,
        default_locked,
        requirement: requirement.into(),
        enroll_by_time: enroll_by.map(timestamp),
        devices,
        trust_offered,
    }
}

fn requirement(
    requirement: Option<SecondFactorRequirement>,
) -> (pb::TwoFactorRequirement, Option<Timestamp>) {
    match requirement {
        Some(SecondFactorRequirement::Off) => (pb::TwoFactorRequirement::Off, None),
        Some(SecondFactorRequirement::Optional { enroll_by }) => {
            (pb::TwoFactorRequirement::Optional, enroll_by)
        }
        Some(SecondFactorRequirement::Required { enroll_by }) => {
            (pb::TwoFactorRequirement::Required, Some(enroll_by))
        }
        None => (pb::TwoFactorRequirement::Required, None),
    }
}

pub(in crate::grpc) fn kind_settings(status: MethodKindStatus) -> pb::KindSettings {
    let MethodKindStatus {
        kind: of,
        state,
        ineligibility,
        decided_by,
        set_as_default,
    } = status;
    let (reason, reason_text) = why_not(ineligibility);
    let decided_by = decided_by.map_or(pb::DecidedBy::Unspecified, |by| match by {
        DecisionSource::BuiltIn => pb::DecidedBy::BuiltIn,
        DecisionSource::Service => pb::DecidedBy::Service,
        DecisionSource::Administrator => pb::DecidedBy::Administrator,
    });
    pb::KindSettings {
        kind: kind(of).into(),
        state: kind_state(state).into(),
        strength: strength(of.strength()).into(),
        reason: reason.into(),
        reason_text,
        decided_by: decided_by.into(),
        recommended: of.strength() == MethodStrength::Strong,
        set_as_default,
    }
}

/// The reason and its text for users.
fn why_not(ineligibility: Option<MethodIneligibility>) -> (pb::ErrorReason, String) {
    ineligibility.map_or(
        (pb::ErrorReason::Unspecified, String::new()),
        |ineligibility| {
            let text = ineligibility.for_people().to_owned();
            (reason(ineligibility.into()), text)
        },
    )
}

const fn kind_state(state: MethodKindState) -> pb::KindState {
    match state {
        MethodKindState::Active => pb::KindState::Active,
        MethodKindState::Available => pb::KindState::Available,
        MethodKindState::Pending => pb::KindState::Pending,
        MethodKindState::Ineligible(reason) => ineligible_kind_state(reason),
    }
}

/// The state of a kind that can't be enrolled or does not count. A disabled or suspended method does not prevent
/// enrolling its kind again.
const fn ineligible_kind_state(reason: MethodIneligibility) -> pb::KindState {
    match reason {
        MethodIneligibility::EmailMissing => pb::KindState::EmailMissing,
        MethodIneligibility::EmailNotVerified => pb::KindState::NeedsVerifiedEmail,
        MethodIneligibility::NoNotifier => pb::KindState::NoNotifier,
        MethodIneligibility::NotAllowed | MethodIneligibility::NoCountry => {
            pb::KindState::NotAllowed
        }
        MethodIneligibility::Locked | MethodIneligibility::ChangesLocked => {
            pb::KindState::LockedByAdmin
        }
        MethodIneligibility::TooWeak => pb::KindState::TooWeak,
        MethodIneligibility::TwoFactorNotOffered => pb::KindState::TwoFactorOff,
        MethodIneligibility::OneMethodOnly | MethodIneligibility::TooManyMethods => {
            pb::KindState::OnlyAsReplacement
        }
        MethodIneligibility::Disabled | MethodIneligibility::Suspended => pb::KindState::Available,
    }
}

/// The state of an enrolled method. Reasons that only prevent another enrollment leave it active.
const fn method_state(reason: MethodIneligibility) -> pb::MethodState {
    match reason {
        MethodIneligibility::Disabled => pb::MethodState::Disabled,
        MethodIneligibility::Suspended => pb::MethodState::Suspended,
        MethodIneligibility::NoNotifier => pb::MethodState::NoNotifier,
        MethodIneligibility::NotAllowed => pb::MethodState::NotAllowed,
        MethodIneligibility::TooWeak => pb::MethodState::TooWeak,
        MethodIneligibility::TwoFactorNotOffered
        | MethodIneligibility::Locked
        | MethodIneligibility::ChangesLocked
        | MethodIneligibility::OneMethodOnly
        | MethodIneligibility::EmailMissing
        | MethodIneligibility::EmailNotVerified
        | MethodIneligibility::TooManyMethods
        | MethodIneligibility::NoCountry => pb::MethodState::Active,
    }
}

pub(in crate::grpc) fn method(view: MethodView) -> pb::Method {
    let MethodView {
        id,
        kind: of,
        label,
        ineligibility,
        masked_destination,
        is_default,
        created_at,
        last_used_at,
    } = view;
    let state = ineligibility.map_or(pb::MethodState::Active, method_state);
    let (reason, reason_text) = why_not(ineligibility);
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
        reason: reason.into(),
        reason_text,
    }
}

pub(in crate::grpc) fn default_method(
    default: Option<DefaultMethod>,
) -> (String, pb::DefaultReason) {
    let Some(DefaultMethod { id, reason }) = default else {
        return (String::new(), pb::DefaultReason::Unspecified);
    };
    let reason = match reason {
        DefaultReason::OnlyMethod => pb::DefaultReason::OnlyMethod,
        DefaultReason::SetByUser => pb::DefaultReason::SetByUser,
        DefaultReason::Oldest => pb::DefaultReason::Oldest,
        DefaultReason::Strongest => pb::DefaultReason::Strongest,
        DefaultReason::SetByAdministrator => pb::DefaultReason::SetByAdministrator,
    };
    (id.to_string(), reason)
}
