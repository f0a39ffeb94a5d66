//! Methods, their settings and recovery codes.

use super::{challenge::rejected, device::devices as devices_of, kind, timestamp};
use crate::{
    app::{Confirmation, Confirmed, Enrolled, MethodView, ResetOutcome, Settings, ShownCodes},
    grpc::status::reason,
    proto::v1 as pb,
};
use countersign_domain::{
    account::{Availability, DefaultMethod, DefaultReason},
    method::Strength,
    permission::Hindrance,
    policy::Requirement,
    recovery::{RecoverySet, SetKind},
    settings::{DecidedBy, KindStanding, KindState},
    time::Timestamp,
};

pub(in crate::grpc) fn confirmed(confirmed: Confirmed) -> pb::ConfirmEnrollmentResponse {
    use pb::confirm_enrollment_response::Verdict as Sent;
    let sent = match confirmed {
        Confirmed::Rejected(rejection) => Sent::Rejected(rejected(rejection)),
        Confirmed::Enrolled(enrolled) => {
            let Enrolled {
                method: new,
                recovery_codes: codes,
                sign_in_waits,
                confirmations,
            } = *enrolled;
            let next_step = if sign_in_waits {
                pb::NextStep::BeginSignIn
            } else {
                pb::NextStep::Unspecified
            };
            Sent::Enrolled(pb::Enrolled {
                method: Some(method(new)),
                recovery_codes: codes.map(recovery_codes),
                confirmations: self::confirmations(confirmations),
                next_step: next_step.into(),
            })
        }
    };
    pb::ConfirmEnrollmentResponse {
        verdict: Some(sent),
    }
}

pub(in crate::grpc) fn confirmations(told: Vec<Confirmation>) -> Vec<pb::Confirmation> {
    let sent = told
        .into_iter()
        .map(|(channel, masked_destination)| pb::Confirmation {
            channel: kind(channel).into(),
            masked_destination,
        });
    sent.collect()
}

pub(in crate::grpc) fn reset_outcome(outcome: ResetOutcome) -> pb::ConfirmResetResponse {
    use pb::confirm_reset_response::Outcome as Sent;
    let sent = match outcome {
        ResetOutcome::Done(told) => Sent::Done(pb::ResetDone {
            confirmations: confirmations(told),
        }),
        ResetOutcome::Refused => Sent::Refused(pb::ResetRefused {}),
    };
    pb::ConfirmResetResponse {
        outcome: Some(sent),
    }
}

pub(in crate::grpc) fn recovery_codes(shown: ShownCodes) -> pb::RecoveryCodes {
    let ShownCodes {
        codes,
        kind: of,
        at,
        text,
    } = shown;
    pb::RecoveryCodes {
        codes,
        create_time: Some(timestamp(at)),
        kind: recovery_kind(of).into(),
        download_text: text,
    }
}

const fn recovery_kind(kind: SetKind) -> pb::RecoveryKind {
    match kind {
        SetKind::Codes => pb::RecoveryKind::Codes,
        SetKind::Key => pb::RecoveryKind::Key,
    }
}

pub(in crate::grpc) fn settings(settings: Settings) -> pb::GetMethodSettingsResponse {
    let Settings {
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

fn requirement(requirement: Option<Requirement>) -> (pb::TwoFactorRequirement, Option<Timestamp>) {
    match requirement {
        Some(Requirement::Off) => (pb::TwoFactorRequirement::Off, None),
        Some(Requirement::Optional { enroll_by }) => {
            (pb::TwoFactorRequirement::Optional, enroll_by)
        }
        Some(Requirement::Required { enroll_by }) => {
            (pb::TwoFactorRequirement::Required, Some(enroll_by))
        }
        None => (pb::TwoFactorRequirement::Required, None),
    }
}

pub(super) fn kind_settings(standing: KindStanding) -> pb::KindSettings {
    let KindStanding {
        kind: of,
        state,
        hindrance,
        decided_by,
        set_as_default,
    } = standing;
    let (reason, reason_text) = why_not(hindrance);
    let decided_by = decided_by.map_or(pb::DecidedBy::Unspecified, |by| match by {
        DecidedBy::BuiltIn => pb::DecidedBy::BuiltIn,
        DecidedBy::Service => pb::DecidedBy::Service,
        DecidedBy::Administrator => pb::DecidedBy::Administrator,
    });
    pb::KindSettings {
        kind: kind(of).into(),
        state: kind_state(state).into(),
        strength: strength(of.strength()).into(),
        reason: reason.into(),
        reason_text,
        decided_by: decided_by.into(),
        recommended: of.strength() == Strength::Strong,
        set_as_default,
    }
}

/// The code and the sentence of what is in the way.
fn why_not(hindrance: Option<Hindrance>) -> (pb::ErrorReason, String) {
    hindrance.map_or((pb::ErrorReason::Unspecified, String::new()), |hindrance| {
        let text = hindrance.for_people().to_owned();
        (reason(hindrance.into()), text)
    })
}

pub(in crate::grpc) fn recovery_status(recovery: Option<&RecoverySet>) -> pb::RecoveryStatus {
    let codes_left = recovery.map_or(0, RecoverySet::left);
    let Some(RecoverySet {
        id: _,
        kind: of,
        total,
        unused: _,
        created_at,
        confirmed_at,
    }) = recovery
    else {
        return pb::RecoveryStatus::default();
    };
    pb::RecoveryStatus {
        codes_total: *total,
        codes_left,
        create_time: Some(timestamp(*created_at)),
        kind: recovery_kind(*of).into(),
        confirm_time: confirmed_at.map(timestamp),
    }
}

const fn kind_state(state: KindState) -> pb::KindState {
    match state {
        KindState::Active => pb::KindState::Active,
        KindState::Available => pb::KindState::Available,
        KindState::Pending => pb::KindState::Pending,
        KindState::NeedsVerifiedEmail => pb::KindState::NeedsVerifiedEmail,
        KindState::NoNotifier => pb::KindState::NoNotifier,
        KindState::NotAllowed => pb::KindState::NotAllowed,
        KindState::LockedByAdministrator => pb::KindState::LockedByAdmin,
        KindState::TooWeak => pb::KindState::TooWeak,
        KindState::TwoFactorOff => pb::KindState::TwoFactorOff,
        KindState::OnlyAsReplacement => pb::KindState::OnlyAsReplacement,
    }
}

pub(in crate::grpc) fn method(view: MethodView) -> pb::Method {
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
        Availability::Suspended => pb::MethodState::Suspended,
        Availability::NoNotifier => pb::MethodState::NoNotifier,
        Availability::NotAllowed => pb::MethodState::NotAllowed,
        Availability::TooWeak => pb::MethodState::TooWeak,
    };
    let (reason, reason_text) = why_not(availability.hindrance());
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

pub(super) fn default_method(default: Option<DefaultMethod>) -> (String, pb::DefaultReason) {
    let Some(DefaultMethod { id, reason }) = default else {
        return (String::new(), pb::DefaultReason::Unspecified);
    };
    let reason = match reason {
        DefaultReason::OnlyMethod => pb::DefaultReason::OnlyMethod,
        DefaultReason::SetByUser => pb::DefaultReason::SetByUser,
        DefaultReason::Strongest => pb::DefaultReason::Strongest,
        DefaultReason::SetByAdministrator => pb::DefaultReason::SetByAdministrator,
    };
    (id.to_string(), reason)
}

pub(super) const fn strength(strength: Strength) -> pb::MethodStrength {
    match strength {
        Strength::Low => pb::MethodStrength::Low,
        Strength::Restricted => pb::MethodStrength::Restricted,
        Strength::Strong => pb::MethodStrength::Strong,
    }
}
