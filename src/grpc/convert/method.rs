//! Methods, their settings and recovery codes.

use super::{challenge::rejected, kind, timestamp};
use crate::{
    app::{Confirmation, Confirmed, Enrolled, KindState, MethodView, Settings},
    proto::v1 as pb,
};
use countersign_domain::{
    account::{Availability, DefaultMethod, DefaultReason},
    method::Strength,
    recovery::RecoverySet,
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
                confirmations,
            } = *enrolled;
            Sent::Enrolled(pb::Enrolled {
                method: Some(method(new)),
                recovery_codes: codes.map(recovery_codes),
                confirmations: self::confirmations(confirmations),
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

pub(in crate::grpc) fn recovery_codes(
    (codes, made_at): (Vec<String>, Timestamp),
) -> pb::RecoveryCodes {
    pb::RecoveryCodes {
        codes,
        create_time: Some(timestamp(made_at)),
    }
}

pub(in crate::grpc) fn settings(settings: Settings) -> pb::GetMethodSettingsResponse {
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

pub(super) fn default_method(default: Option<DefaultMethod>) -> (String, pb::DefaultReason) {
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

const fn strength(strength: Strength) -> pb::MethodStrength {
    match strength {
        Strength::Low => pb::MethodStrength::Low,
        Strength::Restricted => pb::MethodStrength::Restricted,
        Strength::Strong => pb::MethodStrength::Strong,
    }
}
