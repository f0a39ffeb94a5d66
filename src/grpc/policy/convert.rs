//! Builds responses of `PolicyService`, except those of simulations.

use crate::{
    app::{PolicyExplanation, PolicyView},
    grpc::response_fields::{duration, kind, strength, timestamp},
};
use countersign_domain::{
    account::groups::GroupName,
    policy::{
        GuessProbability, MethodKinds, Policy, PolicyOverride, PolicyRules, PolicySource,
        ProtectedChange, Provenance, RecoveryStyle, StoredPolicy, TwoFactorMode,
    },
    value::id::TenantId,
};
use countersign_proto::v1 as pb;

/// The policy that the administrator set.
pub(in crate::grpc) fn decided(view: &PolicyView) -> pb::Policy {
    let StoredPolicy {
        layer,
        etag,
        updated_at,
        author_key: _,
    } = &view.decided;
    pb::Policy {
        tenant_id: view.tenant.as_str().to_owned(),
        etag: etag.to_string(),
        update_time: updated_at.map(timestamp),
        ..policy(layer)
    }
}

/// The effective policy.
pub(in crate::grpc) fn effective(tenant: &TenantId, effective: &Policy) -> pb::Policy {
    pb::Policy {
        tenant_id: tenant.as_str().to_owned(),
        ..policy(&all_of(effective))
    }
}

pub(in crate::grpc) fn explanation(
    tenant: &TenantId,
    explanation: PolicyExplanation,
) -> pb::ExplainPolicyResponse {
    let PolicyExplanation {
        effective,
        values,
        warnings,
        guess_probability,
        guess_probability_with_known_device,
    } = explanation;
    pb::ExplainPolicyResponse {
        effective: Some(self::effective(tenant, &effective)),
        values: values.into_iter().map(value).collect(),
        warnings,
        guess_probability: guess_probability.map(guessing),
        guess_probability_with_known_device: guess_probability_with_known_device.map(guessing),
    }
}

fn value(provenance: Provenance) -> pb::PolicyValue {
    let source = match provenance.source {
        PolicySource::BuiltIn => pb::PolicySource::BuiltIn,
        PolicySource::Service => pb::PolicySource::Service,
        PolicySource::Tenant => pb::PolicySource::Tenant,
    };
    pb::PolicyValue {
        field: provenance.field.name().to_owned(),
        source: source.into(),
        is_overruled: provenance.overruled,
        text: provenance.says().to_owned(),
    }
}

fn guessing(guess_probability: GuessProbability) -> pb::GuessProbability {
    let GuessProbability {
        kind,
        right_codes,
        digits,
        attempts_per_day,
        per_day,
        per_year,
    } = guess_probability;
    pb::GuessProbability {
        kind: self::kind(kind).into(),
        right_codes,
        possible_codes: 10_u64.saturating_pow(u32::from(digits)),
        attempts_per_day,
        probability_per_day: per_day,
        probability_per_year: per_year,
    }
}

/// The effective policy as an override that sets every field.
fn all_of(policy: &Policy) -> PolicyOverride {
    let rules = policy.rules.clone();
    PolicyOverride {
        code_digits: Some(policy.code_digits),
        challenge_lifetime: Some(policy.challenge_lifetime),
        attempts_per_challenge: Some(policy.attempts_per_challenge),
        strict_totp: Some(policy.totp_tolerance.future == 0),
        ..all_of_rules(rules)
    }
}

fn all_of_rules(rules: PolicyRules) -> PolicyOverride {
    PolicyOverride {
        two_factor: Some(rules.two_factor),
        required_from: rules.required_from,
        required_groups: Some(rules.required_groups),
        grace_period: Some(rules.grace_period),
        allowed_kinds: Some(rules.allowed_kinds),
        locked_kinds: Some(rules.locked_kinds),
        default_kind: rules.default_kind,
        default_locked: Some(rules.default_locked),
        users_may_change: Some(rules.users_may_change),
        single_method: Some(rules.single_method),
        password_suffices: Some(rules.password_suffices),
        attestation_suffices: Some(rules.attestation_suffices),
        mailbox_code_suffices: Some(rules.mailbox_code_suffices),
        sign_in_authorizes_recovery_codes: Some(rules.sign_in_authorizes_recovery_codes),
        added_method_keeps_default: Some(rules.added_method_keeps_default),
        sign_in_strength: Some(rules.sign_in_strength),
        step_up_strength: Some(rules.step_up_strength),
        recovery_style: Some(rules.recovery_style),
        recovery_codes: Some(rules.recovery_codes),
        trusted_devices: Some(rules.trusted_devices),
        trust_lifetime: Some(rules.trust_lifetime),
        mobile_trusted_automatically: Some(rules.mobile_trusted_automatically),
        challenge_every_sign_in: Some(rules.challenge_every_sign_in),
        logged_out_reset: Some(rules.logged_out_reset),
        reset_hold: Some(rules.reset_hold),
        reset_beside_mailed_password: Some(rules.reset_beside_mailed_password),
        change_notices: Some(rules.change_notices),
        mask_account_name: Some(rules.mask_account_name),
        email_must_be_verified: Some(rules.email_must_be_verified),
        case_sensitive_ids: Some(rules.case_sensitive_ids),
        sms_countries: rules.sms_countries,
        ..PolicyOverride::default()
    }
}

fn policy(layer: &PolicyOverride) -> pb::Policy {
    let countries = layer.sms_countries.as_deref();
    pb::Policy {
        tenant_id: String::new(),
        etag: String::new(),
        update_time: None,
        two_factor: layer.two_factor.map(|mode| self::mode(mode).into()),
        required_from: layer.required_from.map(timestamp),
        required_groups: layer.required_groups.as_deref().map(groups),
        grace_period: layer.grace_period.map(duration),
        allowed_kinds: layer.allowed_kinds.map(kinds),
        locked_kinds: layer.locked_kinds.map(kinds),
        default_kind: layer.default_kind.map(|kind| self::kind(kind).into()),
        default_locked: layer.default_locked,
        users_may_change: layer.users_may_change,
        single_method: layer.single_method,
        password_suffices: layer.password_suffices.as_deref().map(changes),
        attestation_suffices: layer.attestation_suffices.as_deref().map(changes),
        mailbox_code_suffices: layer.mailbox_code_suffices.as_deref().map(changes),
        sign_in_authorizes_recovery_codes: layer.sign_in_authorizes_recovery_codes,
        added_method_keeps_default: layer.added_method_keeps_default,
        sign_in_strength: layer.sign_in_strength.map(|least| strength(least).into()),
        step_up_strength: layer.step_up_strength.map(|least| strength(least).into()),
        recovery_style: layer.recovery_style.map(|style| self::style(style).into()),
        recovery_codes: layer.recovery_codes.map(u32::from),
        trusted_devices: layer.trusted_devices,
        trust_lifetime: layer.trust_lifetime.map(duration),
        mobile_trusted_automatically: layer.mobile_trusted_automatically,
        challenge_every_sign_in: layer.challenge_every_sign_in,
        logged_out_reset: layer.logged_out_reset,
        reset_hold: layer.reset_hold.map(duration),
        reset_beside_mailed_password: layer.reset_beside_mailed_password,
        change_notices: layer.change_notices,
        mask_account_name: layer.mask_account_name,
        email_must_be_verified: layer.email_must_be_verified,
        case_sensitive_ids: layer.case_sensitive_ids,
        code_digits: layer.code_digits.map(|digits| u32::from(digits.get())),
        challenge_lifetime: layer.challenge_lifetime.map(duration),
        attempts_per_challenge: layer.attempts_per_challenge.map(u32::from),
        strict_totp: layer.strict_totp,
        sms_countries: countries.map(|countries| pb::Countries {
            codes: countries.iter().map(ToString::to_string).collect(),
        }),
    }
}

fn groups(groups: &[GroupName]) -> pb::Groups {
    let names = groups.iter().map(|group| group.as_str().to_owned());
    pb::Groups {
        names: names.collect(),
    }
}

fn kinds(kinds: MethodKinds) -> pb::MethodKinds {
    let kinds = kinds.iter().map(|kind| self::kind(kind).into());
    pb::MethodKinds {
        kinds: kinds.collect(),
    }
}

fn changes(changes: &[ProtectedChange]) -> pb::ChangeKinds {
    let change = |change: &ProtectedChange| match change {
        ProtectedChange::AddMethod => pb::ChangeKind::AddMethod,
        ProtectedChange::ReplaceMethod => pb::ChangeKind::ReplaceMethod,
        ProtectedChange::RemoveMethod => pb::ChangeKind::RemoveMethod,
        ProtectedChange::SetDefaultMethod => pb::ChangeKind::SetDefaultMethod,
        ProtectedChange::DisableTwoFactor => pb::ChangeKind::DisableTwoFactor,
        ProtectedChange::GenerateRecoveryCodes => pb::ChangeKind::GenerateRecoveryCodes,
        ProtectedChange::TrustDevice => pb::ChangeKind::TrustDevice,
    };
    let changes = changes.iter().map(|one| change(one).into());
    pb::ChangeKinds {
        changes: changes.collect(),
    }
}

const fn mode(mode: TwoFactorMode) -> pb::TwoFactorMode {
    match mode {
        TwoFactorMode::Off => pb::TwoFactorMode::Off,
        TwoFactorMode::Optional => pb::TwoFactorMode::Optional,
        TwoFactorMode::Required => pb::TwoFactorMode::Required,
    }
}

const fn style(style: RecoveryStyle) -> pb::RecoveryStyle {
    match style {
        RecoveryStyle::Codes => pb::RecoveryStyle::Codes,
        RecoveryStyle::Key => pb::RecoveryStyle::Key,
        RecoveryStyle::None => pb::RecoveryStyle::None,
    }
}
