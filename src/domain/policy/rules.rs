//! What an administrator decides: one layer of it, and what several come to.

use super::MethodKinds;
use crate::{
    account::profile::GroupName,
    challenge::code::DigitCount,
    method::{MethodKind, MethodStrength},
    refusal::Refusal,
    value::{country::Country, destination::Destination, time::Timestamp},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What the administrator of a tenant, or the operator of the service, decides. What is absent is left to the layer below.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PolicyOverride {
    /// Whether a second factor is asked for.
    pub two_factor: Option<TwoFactorMode>,
    /// From when on it is required; before, it is optional.
    pub required_from: Option<Timestamp>,
    /// Whom it is required of: the members of these groups; of everyone, where there are none.
    pub required_groups: Option<Vec<GroupName>>,
    /// How long a user may put enrolling off: from the date, or from when they were made, whichever is later.
    pub grace_period: Option<Duration>,
    /// Kinds that may answer.
    pub allowed_kinds: Option<MethodKinds>,
    /// Kinds whose methods users can neither add, replace nor remove. Those that are enrolled go on answering.
    pub locked_kinds: Option<MethodKinds>,
    /// The kind to be asked for first.
    pub default_kind: Option<MethodKind>,
    /// Whether users have to leave the default as it is.
    pub default_locked: Option<bool>,
    /// Whether users may change their methods once they have one.
    pub users_may_change: Option<bool>,
    /// Whether a user has exactly one method.
    pub single_method: Option<bool>,
    /// Changes that the account password lets happen while two-factor is on.
    pub password_suffices: Option<Vec<ProtectedChange>>,
    /// Changes that a caller's attestation lets happen while two-factor is on.
    pub attestation_suffices: Option<Vec<ProtectedChange>>,
    /// What a sign-in has to be answered with, at least.
    pub sign_in_strength: Option<MethodStrength>,
    /// What a step-up has to be answered with, at least.
    pub step_up_strength: Option<MethodStrength>,
    /// How users come back who lost their methods.
    pub recovery_style: Option<RecoveryStyle>,
    /// How many recovery codes a set has.
    pub recovery_codes: Option<u8>,
    /// Whether devices may be trusted.
    pub trusted_devices: Option<bool>,
    /// How long trust in a device lives.
    pub trust_lifetime: Option<Duration>,
    /// Whether the company's mobile app is trusted at its first sign-in.
    pub mobile_trusted_automatically: Option<bool>,
    /// Whether every sign-in is challenged, on trusted devices too.
    pub challenge_every_sign_in: Option<bool>,
    /// Whether a user who can't sign in may begin a reset.
    pub logged_out_reset: Option<bool>,
    /// How long such a reset is held.
    pub reset_hold: Option<Duration>,
    /// Whether such a reset is given though the password's own reset uses the same mailbox.
    pub reset_beside_mailed_password: Option<bool>,
    /// Whether people are told of changes that they made themselves.
    pub change_notices: Option<bool>,
    /// Whether the address on file has to be verified before a method can be enrolled.
    pub email_must_be_verified: Option<bool>,
    /// Whether user ids that differ only in case are different users.
    pub case_sensitive_ids: Option<bool>,
    /// How long a delivered code is.
    pub code_digits: Option<DigitCount>,
    /// How long a challenge can be answered.
    pub challenge_lifetime: Option<Duration>,
    /// How many wrong codes one challenge bears.
    pub attempts_per_challenge: Option<u8>,
    /// Whether an app's code counts only from when it is shown: a phone that is ahead is refused.
    pub strict_totp: Option<bool>,
    /// Countries whose numbers can be enrolled. Numbers that are enrolled go on answering.
    pub sms_countries: Option<Vec<Country>>,
}

/// What all layers come to: every question answered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a question of its own, and named where it is asked"
)]
pub struct PolicyRules {
    /// Whether a second factor is asked for.
    pub two_factor: TwoFactorMode,
    /// From when on it is required.
    pub required_from: Option<Timestamp>,
    /// Whom it is required of; everyone, where empty.
    pub required_groups: Vec<GroupName>,
    /// How long a user may put enrolling off.
    pub grace_period: Duration,
    /// Kinds that may answer.
    pub allowed_kinds: MethodKinds,
    /// Kinds whose methods users can neither add, replace nor remove.
    pub locked_kinds: MethodKinds,
    /// The kind to be asked for first.
    pub default_kind: Option<MethodKind>,
    /// Whether users have to leave the default as it is.
    pub default_locked: bool,
    /// Whether users may change their methods once they have one.
    pub users_may_change: bool,
    /// Whether a user has exactly one method.
    pub single_method: bool,
    /// Changes that the account password lets happen while two-factor is on.
    pub password_suffices: Vec<ProtectedChange>,
    /// Changes that a caller's attestation lets happen while two-factor is on.
    pub attestation_suffices: Vec<ProtectedChange>,
    /// What a sign-in has to be answered with, at least.
    pub sign_in_strength: MethodStrength,
    /// What a step-up has to be answered with, at least.
    pub step_up_strength: MethodStrength,
    /// How users come back who lost their methods.
    pub recovery_style: RecoveryStyle,
    /// How many recovery codes a set has.
    pub recovery_codes: u8,
    /// Whether devices may be trusted.
    pub trusted_devices: bool,
    /// How long trust in a device lives.
    pub trust_lifetime: Duration,
    /// Whether the company's mobile app is trusted at its first sign-in.
    pub mobile_trusted_automatically: bool,
    /// Whether every sign-in is challenged, on trusted devices too.
    pub challenge_every_sign_in: bool,
    /// Whether a user who can't sign in may begin a reset.
    pub logged_out_reset: bool,
    /// How long such a reset is held.
    pub reset_hold: Duration,
    /// Whether such a reset is given though the password's own reset uses the same mailbox.
    pub reset_beside_mailed_password: bool,
    /// Whether people are told of changes that they made themselves.
    pub change_notices: bool,
    /// Whether the address on file has to be verified before a method can be enrolled.
    pub email_must_be_verified: bool,
    /// Whether user ids that differ only in case are different users.
    pub case_sensitive_ids: bool,
    /// Countries whose numbers can be enrolled; all of them, where nobody named any.
    pub sms_countries: Option<Vec<Country>>,
}

/// Whether a second factor is asked for; the order is that of strictness. A name that is not known is the strictest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TwoFactorMode {
    /// Nobody is asked, and nobody can enroll.
    Off,
    /// Those who enrolled are asked.
    Optional,
    /// Everyone is, and has to enroll.
    #[serde(other)]
    Required,
}

/// How users come back who lost their methods. A name that is not known is the strictest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RecoveryStyle {
    /// A set of codes, each of which works once.
    Codes,
    /// One long key; when it is used, the same answer gives the next.
    Key,
    /// Not by themselves.
    #[serde(other)]
    None,
}

/// What can be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ProtectedChange {
    /// A further method.
    AddMethod,
    /// A method for another.
    ReplaceMethod,
    /// One method goes.
    RemoveMethod,
    /// Another default.
    SetDefaultMethod,
    /// All methods go.
    DisableTwoFactor,
    /// New recovery codes, or a new key.
    GenerateRecoveryCodes,
    /// A device is trusted from the settings.
    TrustDevice,
}

impl ProtectedChange {
    /// Whether whoever may do it could take two-factor over, or have it gone: by a method of their own, by recovery codes
    /// that let one in, by one removal after the other. So it takes no less than turning it off.
    #[must_use]
    pub const fn disables_two_factor(self) -> bool {
        match self {
            Self::AddMethod
            | Self::ReplaceMethod
            | Self::RemoveMethod
            | Self::GenerateRecoveryCodes => true,
            Self::SetDefaultMethod | Self::DisableTwoFactor | Self::TrustDevice => false,
        }
    }
}

impl PolicyRules {
    /// What holds where nobody set anything. Each value has its reason in `docs/security.md`.
    #[must_use]
    pub const fn built_in() -> Self {
        Self {
            two_factor: TwoFactorMode::Optional,
            required_from: None,
            required_groups: Vec::new(),
            grace_period: Duration::ZERO,
            allowed_kinds: MethodKinds::ALL,
            locked_kinds: MethodKinds::NONE,
            default_kind: None,
            default_locked: false,
            users_may_change: true,
            single_method: false,
            password_suffices: Vec::new(),
            attestation_suffices: Vec::new(),
            sign_in_strength: MethodStrength::Low,
            step_up_strength: MethodStrength::Low,
            recovery_style: RecoveryStyle::Codes,
            recovery_codes: 10,
            trusted_devices: true,
            trust_lifetime: Duration::from_hours(30 * 24),
            mobile_trusted_automatically: false,
            challenge_every_sign_in: false,
            logged_out_reset: false,
            reset_hold: Duration::from_hours(72),
            reset_beside_mailed_password: false,
            change_notices: true,
            email_must_be_verified: true,
            case_sensitive_ids: false,
            sms_countries: None,
        }
    }

    /// Whether a destination may be enrolled, as far as its country goes.
    ///
    /// # Errors
    /// [`Refusal::CountryNotAllowed`].
    pub fn allows_country_of(&self, destination: &Destination) -> Result<(), Refusal> {
        let named = self.sms_countries.as_ref().zip(destination.country());
        if named.is_some_and(|(allowed, country)| !allowed.contains(&country)) {
            return Err(Refusal::CountryNotAllowed);
        }
        Ok(())
    }

    /// Whether users who lost their methods have a way back of their own.
    #[must_use]
    pub fn has_recovery(&self) -> bool {
        self.recovery_style != RecoveryStyle::None
    }

    /// What these settings come to, where nobody set anything else.
    #[must_use]
    pub fn of(settings: &PolicyOverride) -> Self {
        let given = settings.clone();
        let built_in = Self::built_in();
        Self {
            two_factor: given.two_factor.unwrap_or(built_in.two_factor),
            required_from: given.required_from,
            required_groups: given.required_groups.unwrap_or_default(),
            grace_period: given.grace_period.unwrap_or(built_in.grace_period),
            allowed_kinds: given.allowed_kinds.unwrap_or(built_in.allowed_kinds),
            locked_kinds: given.locked_kinds.unwrap_or(built_in.locked_kinds),
            default_kind: given.default_kind,
            default_locked: given.default_locked.unwrap_or(built_in.default_locked),
            users_may_change: given.users_may_change.unwrap_or(built_in.users_may_change),
            single_method: given.single_method.unwrap_or(built_in.single_method),
            password_suffices: given.password_suffices.unwrap_or_default(),
            attestation_suffices: given.attestation_suffices.unwrap_or_default(),
            sign_in_strength: given.sign_in_strength.unwrap_or(built_in.sign_in_strength),
            step_up_strength: given.step_up_strength.unwrap_or(built_in.step_up_strength),
            recovery_style: given.recovery_style.unwrap_or(built_in.recovery_style),
            recovery_codes: given.recovery_codes.unwrap_or(built_in.recovery_codes),
            trusted_devices: given.trusted_devices.unwrap_or(built_in.trusted_devices),
            trust_lifetime: given.trust_lifetime.unwrap_or(built_in.trust_lifetime),
            mobile_trusted_automatically: given
                .mobile_trusted_automatically
                .unwrap_or(built_in.mobile_trusted_automatically),
            challenge_every_sign_in: given
                .challenge_every_sign_in
                .unwrap_or(built_in.challenge_every_sign_in),
            logged_out_reset: given.logged_out_reset.unwrap_or(built_in.logged_out_reset),
            reset_hold: given.reset_hold.unwrap_or(built_in.reset_hold),
            reset_beside_mailed_password: given
                .reset_beside_mailed_password
                .unwrap_or(built_in.reset_beside_mailed_password),
            change_notices: given.change_notices.unwrap_or(built_in.change_notices),
            email_must_be_verified: given
                .email_must_be_verified
                .unwrap_or(built_in.email_must_be_verified),
            case_sensitive_ids: given
                .case_sensitive_ids
                .unwrap_or(built_in.case_sensitive_ids),
            sms_countries: given.sms_countries,
        }
    }
}

#[cfg(test)]
mod tests;
