//! `[policy]`.

use countersign_domain::{
    account::{AvailableChannels, groups::GroupName},
    challenge::code::DigitCount,
    method::{MethodKind, MethodStrength},
    policy::{
        Policy, PolicyConflict, PolicyField, PolicyOverride, PolicyRules, ProtectedChange,
        RecoveryStyle, TwoFactorMode,
    },
    value::{
        country::Country,
        malformed::{InvalidField, MalformedValue},
        time::Timestamp,
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::time::Duration;

const KINDS: &str = "TOTP, SMS or EMAIL";
const STRENGTHS: &str = "LOW, RESTRICTED or STRONG";
const CHANGES: &str = "ADD_METHOD, REPLACE_METHOD, REMOVE_METHOD, SET_DEFAULT_METHOD, DISABLE_TWO_FACTOR, \
                       GENERATE_RECOVERY_CODES or TRUST_DEVICE";

/// What the operator decides for every tenant. Tenants may be stricter, and decide what is left open here; what each field
/// means, and its bounds, is in `policy.proto`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyConfig {
    /// Whether a second factor is asked for: `OFF`, `OPTIONAL` or `REQUIRED`. No tenant asks for less, nor, where it is `REQUIRED`, later, of fewer, or with more grace than is said below.
    pub two_factor: Option<String>,
    /// From when on it is required, as `2027-01-31T00:00:00Z`; at once, where nothing is said.
    pub required_from: Option<String>,
    /// Whom it is required of: members of these groups; everyone, where nothing is said.
    pub required_groups: Option<Vec<String>>,
    /// How long a user may put enrolling off, in days, from `required_from` or from when they were made; at most 90.
    pub grace_period_days: Option<u64>,
    /// Kinds that may answer: `TOTP`, `SMS`, `EMAIL`. Tenants allow fewer, never more.
    pub allowed_kinds: Option<Vec<String>>,
    /// Kinds whose methods users can neither add, replace nor remove.
    pub locked_kinds: Option<Vec<String>>,
    /// The kind to be asked for first. A tenant's own choice wins, unless it is locked here.
    pub default_kind: Option<String>,
    /// Whether the default is locked, for tenants and for users.
    pub default_locked: Option<bool>,
    /// Whether users may change their methods once they have one.
    pub users_may_change: Option<bool>,
    /// Whether a user has exactly one method.
    pub single_method: Option<bool>,
    /// Changes for which tenants may let the account password be enough, such as `SET_DEFAULT_METHOD`; it is enough where a tenant decides nothing.
    pub password_suffices: Option<Vec<String>>,
    /// The same for a caller's attestation of a fresh first factor.
    pub attestation_suffices: Option<Vec<String>>,
    /// Changes for which tenants may let a code to the mailbox be enough: `DISABLE_TWO_FACTOR`, `GENERATE_RECOVERY_CODES`.
    pub mailbox_code_suffices: Option<Vec<String>>,
    /// Whether a sign-in of the last 15 minutes authorizes new recovery codes.
    pub sign_in_authorizes_recovery_codes: Option<bool>,
    /// Whether the oldest method stays the default when another one is added.
    pub added_method_keeps_default: Option<bool>,
    /// What a sign-in has to be answered with, at least: `LOW`, `RESTRICTED` or `STRONG`.
    pub sign_in_strength: Option<String>,
    /// What a step-up has to be answered with, at least.
    pub step_up_strength: Option<String>,
    /// How users come back who lost their methods: `CODES`, `KEY` or `NONE`.
    pub recovery_style: Option<String>,
    /// How many recovery codes a set has; 4 to 32.
    pub recovery_codes: Option<u8>,
    /// Whether devices may be trusted.
    pub trusted_devices: Option<bool>,
    /// How long trust in a device lives, in hours; 1 to 2160.
    pub trust_lifetime_hours: Option<u64>,
    /// Whether the company's mobile app is trusted at its first sign-in.
    pub mobile_trusted_automatically: Option<bool>,
    /// Whether every sign-in is challenged, on trusted devices too.
    pub challenge_every_sign_in: Option<bool>,
    /// Whether tenants may let a user who can't sign in begin a reset; they do where a tenant decides nothing.
    pub logged_out_reset: Option<bool>,
    /// How long such a reset is held, in hours; 24 to 720.
    pub reset_hold_hours: Option<u64>,
    /// Whether such a reset is given though the password's own reset uses the same mailbox.
    pub reset_beside_mailed_password: Option<bool>,
    /// Whether people are told of changes that they made themselves.
    pub change_notices: Option<bool>,
    /// If true, messages name the account in a masked form only, such as `j***@e***.com`.
    pub mask_account_name: Option<bool>,
    /// Whether the address on file has to be verified before a method can be enrolled.
    pub email_must_be_verified: Option<bool>,
    /// Whether user ids that differ only in case are different users.
    pub case_sensitive_ids: Option<bool>,
    /// How many digits a delivered code has; 6 to 10.
    pub code_digits: Option<u8>,
    /// How long a challenge can be answered, in seconds; 60 to 600.
    pub challenge_lifetime_seconds: Option<u64>,
    /// How many wrong codes one challenge bears; 1 to 10.
    pub attempts_per_challenge: Option<u8>,
    /// Whether an app's code counts only once it is shown.
    pub strict_totp: Option<bool>,
    /// Countries whose numbers can be enrolled, such as `DE`.
    pub sms_countries: Option<Vec<String>>,
}

/// A policy that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidPolicy {
    /// A name that is none.
    #[error("{0} has to be {1}")]
    Name(&'static str, &'static str),
    /// A value of another form, or out of its bounds.
    #[error(transparent)]
    Field(#[from] InvalidField),
    /// Two values that can't hold together.
    #[error("policy: {0}")]
    Conflict(PolicyConflict),
}

type PolicyCheckResult<T> = Result<T, InvalidPolicy>;

impl PolicyConfig {
    /// The layer of the service.
    ///
    /// # Errors
    /// Tells what is wrong with which field.
    pub fn layer(&self) -> PolicyCheckResult<PolicyOverride> {
        let layer = self.decided()?.in_order();
        layer.check()?;
        match PolicyRules::of(&layer).conflicts().first() {
            Some(conflict) => Err(InvalidPolicy::Conflict(*conflict)),
            None => Ok(layer),
        }
    }

    fn decided(&self) -> PolicyCheckResult<PolicyOverride> {
        let hours =
            |hours: Option<u64>| hours.map(|hours| Duration::from_secs(hours.saturating_mul(3600)));
        let digits = self.code_digits.map(DigitCount::try_from).transpose();
        let days = self.grace_period_days;
        Ok(PolicyOverride {
            two_factor: self.two_factor.as_deref().map(mode).transpose()?,
            required_from: self.required_from.as_deref().map(instant).transpose()?,
            grace_period: hours(days.map(|days| days.saturating_mul(24))),
            default_kind: one(
                PolicyField::DefaultKind,
                self.default_kind.as_deref(),
                KINDS,
                MethodKind::named,
            )?,
            default_locked: self.default_locked,
            users_may_change: self.users_may_change,
            single_method: self.single_method,
            sign_in_authorizes_recovery_codes: self.sign_in_authorizes_recovery_codes,
            added_method_keeps_default: self.added_method_keeps_default,
            recovery_style: self.recovery_style.as_deref().map(style).transpose()?,
            recovery_codes: self.recovery_codes,
            trusted_devices: self.trusted_devices,
            trust_lifetime: hours(self.trust_lifetime_hours),
            mobile_trusted_automatically: self.mobile_trusted_automatically,
            challenge_every_sign_in: self.challenge_every_sign_in,
            logged_out_reset: self.logged_out_reset,
            reset_hold: hours(self.reset_hold_hours),
            reset_beside_mailed_password: self.reset_beside_mailed_password,
            change_notices: self.change_notices,
            mask_account_name: self.mask_account_name,
            email_must_be_verified: self.email_must_be_verified,
            case_sensitive_ids: self.case_sensitive_ids,
            code_digits: digits.map_err(|why| why.at(PolicyField::CodeDigits.path()))?,
            challenge_lifetime: self.challenge_lifetime_seconds.map(Duration::from_secs),
            attempts_per_challenge: self.attempts_per_challenge,
            strict_totp: self.strict_totp,
            ..self.names()?
        })
    }

    /// The fields that are lists or strengths; the rest is left open.
    fn names(&self) -> PolicyCheckResult<PolicyOverride> {
        let kinds = |field, names: &Option<Vec<String>>| {
            let kinds = all(field, names.as_deref(), KINDS, MethodKind::named)?;
            Ok::<_, InvalidPolicy>(kinds.map(|kinds| kinds.into_iter().collect()))
        };
        let changes = |field, names: &Option<Vec<String>>| {
            all(field, names.as_deref(), CHANGES, written::<ProtectedChange>)
        };
        let strength = |field, name: &Option<String>| {
            one(field, name.as_deref(), STRENGTHS, written::<MethodStrength>)
        };
        let group = |name: &String| {
            GroupName::parse(name).map_err(|why| why.at(PolicyField::RequiredGroups.path()))
        };
        let groups = self.required_groups.as_deref();
        let groups = groups.map(|names| names.iter().map(group).collect::<Result<_, _>>());
        let country = |name: &String| {
            let country = Country::parse(name);
            country.map_err(|_| MalformedValue::NotACountry.at(PolicyField::SmsCountries.path()))
        };
        let countries = self.sms_countries.as_deref();
        let countries = countries.map(|names| names.iter().map(country).collect::<Result<_, _>>());
        Ok(PolicyOverride {
            required_groups: groups.transpose()?,
            allowed_kinds: kinds(PolicyField::AllowedKinds, &self.allowed_kinds)?,
            locked_kinds: kinds(PolicyField::LockedKinds, &self.locked_kinds)?,
            password_suffices: changes(PolicyField::PasswordSuffices, &self.password_suffices)?,
            attestation_suffices: changes(
                PolicyField::AttestationSuffices,
                &self.attestation_suffices,
            )?,
            mailbox_code_suffices: changes(
                PolicyField::MailboxCodeSuffices,
                &self.mailbox_code_suffices,
            )?,
            sign_in_strength: strength(PolicyField::SignInStrength, &self.sign_in_strength)?,
            step_up_strength: strength(PolicyField::StepUpStrength, &self.step_up_strength)?,
            sms_countries: countries.transpose()?,
            ..PolicyOverride::default()
        })
    }
}

/// What an operator should know of the service's layer, a sentence each: everything in it that is weaker than usual, or does
/// less than it seems to where the service can do so much.
#[must_use]
pub fn weaknesses(layer: &PolicyOverride, served: AvailableChannels) -> Vec<String> {
    let policy = Policy::built_in().under(layer);
    let weaknesses = policy.weaknesses(served).into_iter();
    weaknesses
        .map(|weakness| format!("policy: {weakness}"))
        .collect()
}

fn one<T>(
    field: PolicyField,
    name: Option<&str>,
    choices: &'static str,
    read: impl Fn(&str) -> Option<T>,
) -> PolicyCheckResult<Option<T>> {
    let unknown = || InvalidPolicy::Name(field.path(), choices);
    name.map(|name| read(name).ok_or_else(unknown)).transpose()
}

fn all<T>(
    field: PolicyField,
    names: Option<&[String]>,
    choices: &'static str,
    read: impl Fn(&str) -> Option<T>,
) -> PolicyCheckResult<Option<Vec<T>>> {
    let unknown = || InvalidPolicy::Name(field.path(), choices);
    let each = |names: &[String]| {
        names
            .iter()
            .map(|name| read(name).ok_or_else(unknown))
            .collect()
    };
    names.map(each).transpose()
}

/// The value of a closed enumeration that is written so.
fn written<T: DeserializeOwned>(name: &str) -> Option<T> {
    serde_json::from_value(name.into()).ok()
}

/// Not as stores read it, where an unknown name is the strictest: here it is a mistake.
fn mode(name: &str) -> PolicyCheckResult<TwoFactorMode> {
    match name {
        "OFF" => Ok(TwoFactorMode::Off),
        "OPTIONAL" => Ok(TwoFactorMode::Optional),
        "REQUIRED" => Ok(TwoFactorMode::Required),
        _ => Err(InvalidPolicy::Name(
            PolicyField::TwoFactor.path(),
            "OFF, OPTIONAL or REQUIRED",
        )),
    }
}

fn style(name: &str) -> PolicyCheckResult<RecoveryStyle> {
    match name {
        "CODES" => Ok(RecoveryStyle::Codes),
        "KEY" => Ok(RecoveryStyle::Key),
        "NONE" => Ok(RecoveryStyle::None),
        _ => Err(InvalidPolicy::Name(
            PolicyField::RecoveryStyle.path(),
            "CODES, KEY or NONE",
        )),
    }
}

/// RFC 3339, in UTC or with an offset.
fn instant(text: &str) -> PolicyCheckResult<Timestamp> {
    let bad = || {
        InvalidPolicy::Name(
            PolicyField::RequiredFrom.path(),
            "an instant such as 2027-01-31T00:00:00Z",
        )
    };
    let time: prost_types::Timestamp = text.parse().map_err(|_| bad())?;
    Ok(Timestamp::from_seconds(time.seconds))
}

#[cfg(test)]
mod tests;
