//! Policy rules: the override of one layer, and the result of all layers.

use super::MethodKinds;
use crate::{
    account::groups::GroupName,
    challenge::code::DigitCount,
    method::{MethodKind, MethodStrength},
    refusal::Refusal,
    value::{country::Country, destination::Destination, time::Timestamp},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The values that one layer decides: operator or administrator. The layer below decides the values that are `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PolicyOverride {
    /// Whether a second factor is off, optional or required.
    pub two_factor: Option<TwoFactorMode>,
    /// The date from which it is required. Before, it is optional.
    pub required_from: Option<Timestamp>,
    /// The groups for which it is required; everyone if the list is empty.
    pub required_groups: Option<Vec<GroupName>>,
    /// How long a user may postpone enrollment, from the date or from the creation of the user, whichever is later.
    pub grace_period: Option<Duration>,
    /// Kinds that may answer challenges.
    pub allowed_kinds: Option<MethodKinds>,
    /// Kinds whose methods users can't add, replace or remove. Enrolled ones can still answer.
    pub locked_kinds: Option<MethodKinds>,
    /// The kind of the default method.
    pub default_kind: Option<MethodKind>,
    /// Whether users can't change the default.
    pub default_locked: Option<bool>,
    /// Whether users may change their methods once they have one.
    pub users_may_change: Option<bool>,
    /// Whether a user has at most one method.
    pub single_method: Option<bool>,
    /// Changes for which the account password suffices while two-factor is on.
    pub password_suffices: Option<Vec<ProtectedChange>>,
    /// Changes for which an attestation suffices while two-factor is on.
    pub attestation_suffices: Option<Vec<ProtectedChange>>,
    /// Changes for which a code to the user's mailbox suffices, though stronger methods are enrolled.
    pub mailbox_code_suffices: Option<Vec<ProtectedChange>>,
    /// Whether the approval of a sign-in authorizes new recovery codes.
    pub sign_in_authorizes_recovery_codes: Option<bool>,
    /// Whether an added method leaves the default as it was.
    pub added_method_keeps_default: Option<bool>,
    /// The minimum strength for sign-in.
    pub sign_in_strength: Option<MethodStrength>,
    /// The minimum strength for step-up.
    pub step_up_strength: Option<MethodStrength>,
    /// How users sign in who lost their methods.
    pub recovery_style: Option<RecoveryStyle>,
    /// The number of recovery codes of a set.
    pub recovery_codes: Option<u8>,
    /// Whether devices may be trusted.
    pub trusted_devices: Option<bool>,
    /// How long trust in a device lasts.
    pub trust_lifetime: Option<Duration>,
    /// Whether the tenant's mobile app is trusted at its first sign-in.
    pub mobile_trusted_automatically: Option<bool>,
    /// Whether every sign-in is challenged, even on trusted devices.
    pub challenge_every_sign_in: Option<bool>,
    /// Whether a user who can't sign in may request a reset.
    pub logged_out_reset: Option<bool>,
    /// The waiting period of such a reset.
    pub reset_hold: Option<Duration>,
    /// Whether such a reset is permitted if the password is reset through the same mailbox.
    pub reset_beside_mailed_password: Option<bool>,
    /// Whether users are notified of changes that they made themselves.
    pub change_notices: Option<bool>,
    /// Whether messages name the account in a masked form only.
    pub mask_account_name: Option<bool>,
    /// Whether the e-mail address must be verified before a method is enrolled.
    pub email_must_be_verified: Option<bool>,
    /// Whether user ids that differ only in case belong to different users.
    pub case_sensitive_ids: Option<bool>,
    /// The number of digits of a delivered code.
    pub code_digits: Option<DigitCount>,
    /// How long a challenge can be answered.
    pub challenge_lifetime: Option<Duration>,
    /// Attempts allowed for one challenge.
    pub attempts_per_challenge: Option<u8>,
    /// Whether TOTP codes of a future time step are rejected.
    pub strict_totp: Option<bool>,
    /// Countries whose phone numbers can be enrolled. Numbers that are enrolled can still answer.
    pub sms_countries: Option<Vec<Country>>,
}

/// The merged rules of all layers. Each value is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a question of its own, and named where it is asked"
)]
pub struct PolicyRules {
    /// Whether a second factor is off, optional or required.
    pub two_factor: TwoFactorMode,
    /// The date from which it is required.
    pub required_from: Option<Timestamp>,
    /// The groups for which it is required; everyone if the list is empty.
    pub required_groups: Vec<GroupName>,
    /// How long a user may postpone enrollment.
    pub grace_period: Duration,
    /// Kinds that may answer challenges.
    pub allowed_kinds: MethodKinds,
    /// Kinds whose methods users can't add, replace or remove.
    pub locked_kinds: MethodKinds,
    /// The kind of the default method.
    pub default_kind: Option<MethodKind>,
    /// Whether users can't change the default.
    pub default_locked: bool,
    /// Whether users may change their methods once they have one.
    pub users_may_change: bool,
    /// Whether a user has at most one method.
    pub single_method: bool,
    /// Changes for which the account password suffices while two-factor is on.
    pub password_suffices: Vec<ProtectedChange>,
    /// Changes for which an attestation suffices while two-factor is on.
    pub attestation_suffices: Vec<ProtectedChange>,
    /// Changes for which a code to the user's mailbox suffices, though stronger methods are enrolled.
    pub mailbox_code_suffices: Vec<ProtectedChange>,
    /// Whether the approval of a sign-in authorizes new recovery codes.
    pub sign_in_authorizes_recovery_codes: bool,
    /// Whether an added method leaves the default as it was.
    pub added_method_keeps_default: bool,
    /// The minimum strength for sign-in.
    pub sign_in_strength: MethodStrength,
    /// The minimum strength for step-up.
    pub step_up_strength: MethodStrength,
    /// How users sign in who lost their methods.
    pub recovery_style: RecoveryStyle,
    /// The number of recovery codes of a set.
    pub recovery_codes: u8,
    /// Whether devices may be trusted.
    pub trusted_devices: bool,
    /// How long trust in a device lasts.
    pub trust_lifetime: Duration,
    /// Whether the tenant's mobile app is trusted at its first sign-in.
    pub mobile_trusted_automatically: bool,
    /// Whether every sign-in is challenged, even on trusted devices.
    pub challenge_every_sign_in: bool,
    /// Whether a user who can't sign in may request a reset.
    pub logged_out_reset: bool,
    /// The waiting period of such a reset.
    pub reset_hold: Duration,
    /// Whether such a reset is permitted if the password is reset through the same mailbox.
    pub reset_beside_mailed_password: bool,
    /// Whether users are notified of changes that they made themselves.
    pub change_notices: bool,
    /// Whether messages name the account in a masked form only.
    pub mask_account_name: bool,
    /// Whether the e-mail address must be verified before a method is enrolled.
    pub email_must_be_verified: bool,
    /// Whether user ids that differ only in case belong to different users.
    pub case_sensitive_ids: bool,
    /// Countries whose phone numbers can be enrolled; `None` for all countries.
    pub sms_countries: Option<Vec<Country>>,
}

/// Whether a second factor is requested, least strict first. An unknown stored name is read as the strictest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TwoFactorMode {
    /// No second factor is requested, and no method can be enrolled.
    Off,
    /// Users with a method are challenged.
    Optional,
    /// Every user is challenged, or must enroll.
    #[serde(other)]
    Required,
}

/// How users sign in who lost their methods. An unknown stored name is read as the strictest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RecoveryStyle {
    /// With one of a set of codes. Each works once.
    Codes,
    /// With one long key. Its use returns the next one.
    Key,
    /// Only with the help of an administrator.
    #[serde(other)]
    None,
}

/// A change that needs a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ProtectedChange {
    /// Add a method.
    AddMethod,
    /// Replace a method.
    ReplaceMethod,
    /// Remove a method.
    RemoveMethod,
    /// Change the default method.
    SetDefaultMethod,
    /// Turn two-factor off.
    DisableTwoFactor,
    /// Generate recovery codes or a recovery key.
    GenerateRecoveryCodes,
    /// Trust a device from the settings page.
    TrustDevice,
}

impl ProtectedChange {
    /// Whether the change can end two-factor or give it to an attacker: with a method or recovery codes of their own,
    /// or by repeated removal. Such a change needs no less proof than turning two-factor off.
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

impl ProtectedChange {
    /// Whether a policy may let a code to the mailbox suffice. What adds or replaces a method never goes by less than the
    /// user's strongest method.
    #[must_use]
    pub const fn may_go_by_mailbox(self) -> bool {
        match self {
            Self::DisableTwoFactor | Self::GenerateRecoveryCodes => true,
            Self::AddMethod
            | Self::ReplaceMethod
            | Self::RemoveMethod
            | Self::SetDefaultMethod
            | Self::TrustDevice => false,
        }
    }
}

impl PolicyRules {
    /// The built-in rules. `docs/security.md` gives the reason for each value.
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
            mailbox_code_suffices: Vec::new(),
            sign_in_authorizes_recovery_codes: false,
            added_method_keeps_default: false,
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
            mask_account_name: false,
            email_must_be_verified: true,
            case_sensitive_ids: false,
            sms_countries: None,
        }
    }

    /// Checks that numbers of the destination's country may be enrolled.
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

    /// Whether the policy offers recovery codes or a recovery key.
    #[must_use]
    pub fn has_recovery(&self) -> bool {
        self.recovery_style != RecoveryStyle::None
    }

    /// The rules of an override on top of the built-in rules.
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
            mailbox_code_suffices: given.mailbox_code_suffices.unwrap_or_default(),
            sign_in_authorizes_recovery_codes: given
                .sign_in_authorizes_recovery_codes
                .unwrap_or(built_in.sign_in_authorizes_recovery_codes),
            added_method_keeps_default: given
                .added_method_keeps_default
                .unwrap_or(built_in.added_method_keeps_default),
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
            mask_account_name: given
                .mask_account_name
                .unwrap_or(built_in.mask_account_name),
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
