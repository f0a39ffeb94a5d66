//! Parses requests of `PolicyService`.

use crate::{
    app::{PolicyUpdate, SimulationRequest},
    grpc::request_fields::{ParseResult, id, kind, paths, timestamp},
};
use countersign_domain::{
    account::groups::GroupName,
    authorization::actor::ActorReason,
    challenge::code::DigitCount,
    method::{MethodKind, MethodStrength},
    policy::{
        MethodKinds, PolicyField, PolicyOverride, ProtectedChange, RecoveryStyle, TwoFactorMode,
    },
    value::{country::Country, id::PolicyEtag, malformed::MalformedValue},
};
use countersign_proto::v1 as pb;
use prost_types::FieldMask;
use std::time::Duration;

/// The change of a policy.
pub(in crate::grpc) fn policy_update(
    policy: Option<pb::Policy>,
    mask: Option<&FieldMask>,
    reason: &str,
) -> ParseResult<PolicyUpdate> {
    let policy = policy.unwrap_or_default();
    let base = Some(policy.etag.as_str()).filter(|etag| !etag.is_empty());
    let base: Option<PolicyEtag> = base.map(|etag| id("policy.etag", etag)).transpose()?;
    let layer = layer(policy)?;
    Ok(PolicyUpdate {
        base,
        fields: fields(&layer, mask)?,
        layer,
        reason: ActorReason::parse(reason).map_err(|why| why.at("reason"))?,
    })
}

/// The policy to simulate.
pub(in crate::grpc) fn simulation(
    request: pb::SimulatePolicyRequest,
) -> ParseResult<SimulationRequest> {
    let pb::SimulatePolicyRequest {
        tenant_id: _,
        policy,
        update_mask,
        page_token,
    } = request;
    let layer = layer(policy.unwrap_or_default())?;
    Ok(SimulationRequest {
        fields: fields(&layer, update_mask.as_ref())?,
        layer,
        page_token,
    })
}

/// The fields that a policy sets, checked against their bounds.
pub(in crate::grpc) fn layer(policy: pb::Policy) -> ParseResult<PolicyOverride> {
    let layer = given_fields(policy)?.in_order();
    layer.check()?;
    Ok(layer)
}

/// The fields to write: those in the mask, or without a mask those that are set.
fn fields(layer: &PolicyOverride, mask: Option<&FieldMask>) -> ParseResult<Vec<PolicyField>> {
    const PATHS: &str = "of a policy that an administrator can set, and *";
    let given = paths(mask, PolicyField::ALL.len())?;
    if given.is_empty() {
        let given = PolicyField::ALL
            .into_iter()
            .filter(|field| layer.decides(*field));
        return Ok(given.collect());
    }
    if given.contains(&"*") {
        return Ok(PolicyField::ALL.to_vec());
    }
    let unknown = MalformedValue::NotAMaskPath(PATHS).at("update_mask");
    let named = given
        .into_iter()
        .map(|path| PolicyField::named(path).ok_or(unknown.into()));
    named.collect()
}

fn given_fields(policy: pb::Policy) -> ParseResult<PolicyOverride> {
    let numbers = numbers(&policy)?;
    let required_from = policy.required_from;
    let countries = policy.sms_countries.map(|pb::Countries { codes }| codes);
    Ok(PolicyOverride {
        two_factor: policy.two_factor.map(mode).transpose()?,
        required_from: required_from
            .map(|time| timestamp(PolicyField::RequiredFrom.path(), time))
            .transpose()?,
        required_groups: policy.required_groups.map(groups).transpose()?,
        allowed_kinds: kinds(PolicyField::AllowedKinds, policy.allowed_kinds)?,
        locked_kinds: kinds(PolicyField::LockedKinds, policy.locked_kinds)?,
        default_kind: policy.default_kind.map(default).transpose()?,
        default_locked: policy.default_locked,
        users_may_change: policy.users_may_change,
        single_method: policy.single_method,
        password_suffices: changes(PolicyField::PasswordSuffices, policy.password_suffices)?,
        attestation_suffices: changes(
            PolicyField::AttestationSuffices,
            policy.attestation_suffices,
        )?,
        mailbox_code_suffices: changes(
            PolicyField::MailboxCodeSuffices,
            policy.mailbox_code_suffices,
        )?,
        sign_in_authorizes_recovery_codes: policy.sign_in_authorizes_recovery_codes,
        added_method_keeps_default: policy.added_method_keeps_default,
        sign_in_strength: strength(PolicyField::SignInStrength, policy.sign_in_strength)?,
        step_up_strength: strength(PolicyField::StepUpStrength, policy.step_up_strength)?,
        recovery_style: policy.recovery_style.map(style).transpose()?,
        trusted_devices: policy.trusted_devices,
        mobile_trusted_automatically: policy.mobile_trusted_automatically,
        challenge_every_sign_in: policy.challenge_every_sign_in,
        logged_out_reset: policy.logged_out_reset,
        reset_beside_mailed_password: policy.reset_beside_mailed_password,
        change_notices: policy.change_notices,
        mask_account_name: policy.mask_account_name,
        email_must_be_verified: policy.email_must_be_verified,
        case_sensitive_ids: policy.case_sensitive_ids,
        strict_totp: policy.strict_totp,
        sms_countries: countries
            .map(|codes| each(codes, |code| country(&code)))
            .transpose()?,
        ..numbers
    })
}

/// Parses the numbers and durations; leaves other fields unset.
fn numbers(policy: &pb::Policy) -> ParseResult<PolicyOverride> {
    // A number that does not fit becomes `u8::MAX`, which the check of the bounds refuses.
    let small = |number: u32| u8::try_from(number).unwrap_or(u8::MAX);
    let digits = policy.code_digits.map(small).map(DigitCount::try_from);
    let digits = digits.transpose();
    Ok(PolicyOverride {
        grace_period: span(PolicyField::GracePeriod, policy.grace_period)?,
        recovery_codes: policy.recovery_codes.map(small),
        trust_lifetime: span(PolicyField::TrustLifetime, policy.trust_lifetime)?,
        reset_hold: span(PolicyField::ResetHold, policy.reset_hold)?,
        code_digits: digits.map_err(|why| why.at(PolicyField::CodeDigits.path()))?,
        challenge_lifetime: span(PolicyField::ChallengeLifetime, policy.challenge_lifetime)?,
        attempts_per_challenge: policy.attempts_per_challenge.map(small),
        ..PolicyOverride::default()
    })
}

fn each<T, U>(list: Vec<T>, parse: impl Fn(T) -> ParseResult<U>) -> ParseResult<Vec<U>> {
    list.into_iter().map(parse).collect()
}

fn groups(groups: pb::Groups) -> ParseResult<Vec<GroupName>> {
    let pb::Groups { names } = groups;
    each(names, |name| {
        Ok(GroupName::parse(&name).map_err(|why| why.at("policy.required_groups.names"))?)
    })
}

fn country(code: &str) -> ParseResult<Country> {
    let country = Country::parse(code);
    Ok(country.map_err(|_| MalformedValue::NotACountry.at("policy.sms_countries.codes"))?)
}

fn kinds(field: PolicyField, kinds: Option<pb::MethodKinds>) -> ParseResult<Option<MethodKinds>> {
    let given =
        kinds.map(|pb::MethodKinds { kinds }| each(kinds, |number| kind(field.path(), number)));
    Ok(given.transpose()?.map(|kinds| kinds.into_iter().collect()))
}

fn default(number: i32) -> ParseResult<MethodKind> {
    kind(PolicyField::DefaultKind.path(), number)
}

fn mode(number: i32) -> ParseResult<TwoFactorMode> {
    match pb::TwoFactorMode::try_from(number) {
        Ok(pb::TwoFactorMode::Off) => Ok(TwoFactorMode::Off),
        Ok(pb::TwoFactorMode::Optional) => Ok(TwoFactorMode::Optional),
        Ok(pb::TwoFactorMode::Required) => Ok(TwoFactorMode::Required),
        Ok(pb::TwoFactorMode::Unspecified) | Err(_) => unknown(PolicyField::TwoFactor),
    }
}

fn style(number: i32) -> ParseResult<RecoveryStyle> {
    match pb::RecoveryStyle::try_from(number) {
        Ok(pb::RecoveryStyle::Codes) => Ok(RecoveryStyle::Codes),
        Ok(pb::RecoveryStyle::Key) => Ok(RecoveryStyle::Key),
        Ok(pb::RecoveryStyle::None) => Ok(RecoveryStyle::None),
        Ok(pb::RecoveryStyle::Unspecified) | Err(_) => unknown(PolicyField::RecoveryStyle),
    }
}

fn strength(field: PolicyField, number: Option<i32>) -> ParseResult<Option<MethodStrength>> {
    let strength = |number| match pb::MethodStrength::try_from(number) {
        Ok(pb::MethodStrength::Low) => Ok(MethodStrength::Low),
        Ok(pb::MethodStrength::Restricted) => Ok(MethodStrength::Restricted),
        Ok(pb::MethodStrength::Strong) => Ok(MethodStrength::Strong),
        Ok(pb::MethodStrength::Unspecified) | Err(_) => unknown(field),
    };
    number.map(strength).transpose()
}

fn changes(
    field: PolicyField,
    changes: Option<pb::ChangeKinds>,
) -> ParseResult<Option<Vec<ProtectedChange>>> {
    let change = |number| match pb::ChangeKind::try_from(number) {
        Ok(pb::ChangeKind::AddMethod) => Ok(ProtectedChange::AddMethod),
        Ok(pb::ChangeKind::ReplaceMethod) => Ok(ProtectedChange::ReplaceMethod),
        Ok(pb::ChangeKind::RemoveMethod) => Ok(ProtectedChange::RemoveMethod),
        Ok(pb::ChangeKind::SetDefaultMethod) => Ok(ProtectedChange::SetDefaultMethod),
        Ok(pb::ChangeKind::DisableTwoFactor) => Ok(ProtectedChange::DisableTwoFactor),
        Ok(pb::ChangeKind::GenerateRecoveryCodes) => Ok(ProtectedChange::GenerateRecoveryCodes),
        Ok(pb::ChangeKind::TrustDevice) => Ok(ProtectedChange::TrustDevice),
        Ok(pb::ChangeKind::Unspecified) | Err(_) => unknown(field),
    };
    let given = changes.map(|pb::ChangeKinds { changes }| each(changes, change));
    given.transpose()
}

/// Parses a duration of whole milliseconds, the precision that is stored.
fn span(field: PolicyField, span: Option<prost_types::Duration>) -> ParseResult<Option<Duration>> {
    let whole = |prost_types::Duration { seconds, nanos }| {
        let whole = (0..1_000_000_000).contains(&nanos) && nanos % 1_000_000 == 0;
        let nanos = u32::try_from(nanos).ok().filter(|_| whole)?;
        Some(Duration::new(u64::try_from(seconds).ok()?, nanos))
    };
    let span = span.map(|span| whole(span).ok_or(MalformedValue::NotASpan.at(field.path())));
    Ok(span.transpose()?)
}

fn unknown<T>(field: PolicyField) -> ParseResult<T> {
    Err(MalformedValue::UnknownValue.at(field.path()).into())
}
