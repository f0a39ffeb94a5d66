//! The names of policy fields in masks, explanations and the configuration.

use super::PolicyOverride;

/// A field of a policy override. See the field of [`PolicyOverride`] with the same name.
#[expect(
    missing_docs,
    reason = "the fields of `PolicyOverride` say what each is"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PolicyField {
    TwoFactor,
    RequiredFrom,
    RequiredGroups,
    GracePeriod,
    AllowedKinds,
    LockedKinds,
    DefaultKind,
    DefaultLocked,
    UsersMayChange,
    SingleMethod,
    PasswordSuffices,
    AttestationSuffices,
    MailboxCodeSuffices,
    SignInAuthorizesRecoveryCodes,
    AddedMethodKeepsDefault,
    SignInStrength,
    StepUpStrength,
    RecoveryStyle,
    RecoveryCodes,
    TrustedDevices,
    TrustLifetime,
    MobileTrustedAutomatically,
    ChallengeEverySignIn,
    LoggedOutReset,
    ResetHold,
    ResetBesideMailedPassword,
    ChangeNotices,
    MaskAccountName,
    EmailMustBeVerified,
    CaseSensitiveIds,
    CodeDigits,
    ChallengeLifetime,
    AttemptsPerChallenge,
    StrictTotp,
    SmsCountries,
}

impl PolicyField {
    /// All fields, in the order of [`PolicyOverride`].
    pub const ALL: [Self; 35] = [
        Self::TwoFactor,
        Self::RequiredFrom,
        Self::RequiredGroups,
        Self::GracePeriod,
        Self::AllowedKinds,
        Self::LockedKinds,
        Self::DefaultKind,
        Self::DefaultLocked,
        Self::UsersMayChange,
        Self::SingleMethod,
        Self::PasswordSuffices,
        Self::AttestationSuffices,
        Self::MailboxCodeSuffices,
        Self::SignInAuthorizesRecoveryCodes,
        Self::AddedMethodKeepsDefault,
        Self::SignInStrength,
        Self::StepUpStrength,
        Self::RecoveryStyle,
        Self::RecoveryCodes,
        Self::TrustedDevices,
        Self::TrustLifetime,
        Self::MobileTrustedAutomatically,
        Self::ChallengeEverySignIn,
        Self::LoggedOutReset,
        Self::ResetHold,
        Self::ResetBesideMailedPassword,
        Self::ChangeNotices,
        Self::MaskAccountName,
        Self::EmailMustBeVerified,
        Self::CaseSensitiveIds,
        Self::CodeDigits,
        Self::ChallengeLifetime,
        Self::AttemptsPerChallenge,
        Self::StrictTotp,
        Self::SmsCountries,
    ];

    /// The path in requests and in the configuration, such as `policy.two_factor`.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::TwoFactor => "policy.two_factor",
            Self::RequiredFrom => "policy.required_from",
            Self::RequiredGroups => "policy.required_groups",
            Self::GracePeriod => "policy.grace_period",
            Self::AllowedKinds => "policy.allowed_kinds",
            Self::LockedKinds => "policy.locked_kinds",
            Self::DefaultKind => "policy.default_kind",
            Self::DefaultLocked => "policy.default_locked",
            Self::UsersMayChange => "policy.users_may_change",
            Self::SingleMethod => "policy.single_method",
            Self::PasswordSuffices => "policy.password_suffices",
            Self::AttestationSuffices => "policy.attestation_suffices",
            Self::MailboxCodeSuffices => "policy.mailbox_code_suffices",
            Self::SignInAuthorizesRecoveryCodes => "policy.sign_in_authorizes_recovery_codes",
            Self::AddedMethodKeepsDefault => "policy.added_method_keeps_default",
            Self::SignInStrength => "policy.sign_in_strength",
            Self::StepUpStrength => "policy.step_up_strength",
            Self::RecoveryStyle => "policy.recovery_style",
            Self::RecoveryCodes => "policy.recovery_codes",
            Self::TrustedDevices => "policy.trusted_devices",
            Self::TrustLifetime => "policy.trust_lifetime",
            Self::MobileTrustedAutomatically => "policy.mobile_trusted_automatically",
            Self::ChallengeEverySignIn => "policy.challenge_every_sign_in",
            Self::LoggedOutReset => "policy.logged_out_reset",
            Self::ResetHold => "policy.reset_hold",
            Self::ResetBesideMailedPassword => "policy.reset_beside_mailed_password",
            Self::ChangeNotices => "policy.change_notices",
            Self::MaskAccountName => "policy.mask_account_name",
            Self::EmailMustBeVerified => "policy.email_must_be_verified",
            Self::CaseSensitiveIds => "policy.case_sensitive_ids",
            Self::CodeDigits => "policy.code_digits",
            Self::ChallengeLifetime => "policy.challenge_lifetime",
            Self::AttemptsPerChallenge => "policy.attempts_per_challenge",
            Self::StrictTotp => "policy.strict_totp",
            Self::SmsCountries => "policy.sms_countries",
        }
    }

    /// The name of the field.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.path().trim_start_matches("policy.")
    }

    /// Finds a field by its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }
}

impl PolicyOverride {
    /// Copies one field of another override, also if that leaves it open.
    pub fn take(&mut self, field: PolicyField, from: &Self) {
        match field {
            PolicyField::TwoFactor => self.two_factor = from.two_factor,
            PolicyField::RequiredFrom => self.required_from = from.required_from,
            PolicyField::RequiredGroups => self.required_groups.clone_from(&from.required_groups),
            PolicyField::GracePeriod => self.grace_period = from.grace_period,
            PolicyField::AllowedKinds => self.allowed_kinds = from.allowed_kinds,
            PolicyField::LockedKinds => self.locked_kinds = from.locked_kinds,
            PolicyField::DefaultKind => self.default_kind = from.default_kind,
            PolicyField::DefaultLocked => self.default_locked = from.default_locked,
            PolicyField::UsersMayChange => self.users_may_change = from.users_may_change,
            PolicyField::SingleMethod => self.single_method = from.single_method,
            PolicyField::PasswordSuffices => {
                self.password_suffices.clone_from(&from.password_suffices);
            }
            PolicyField::AttestationSuffices => self
                .attestation_suffices
                .clone_from(&from.attestation_suffices),
            PolicyField::MailboxCodeSuffices => self
                .mailbox_code_suffices
                .clone_from(&from.mailbox_code_suffices),
            PolicyField::SignInAuthorizesRecoveryCodes => {
                self.sign_in_authorizes_recovery_codes = from.sign_in_authorizes_recovery_codes;
            }
            PolicyField::AddedMethodKeepsDefault => {
                self.added_method_keeps_default = from.added_method_keeps_default;
            }
            PolicyField::SignInStrength => self.sign_in_strength = from.sign_in_strength,
            PolicyField::StepUpStrength => self.step_up_strength = from.step_up_strength,
            PolicyField::RecoveryStyle => self.recovery_style = from.recovery_style,
            PolicyField::RecoveryCodes => self.recovery_codes = from.recovery_codes,
            PolicyField::TrustedDevices => self.trusted_devices = from.trusted_devices,
            PolicyField::TrustLifetime => self.trust_lifetime = from.trust_lifetime,
            PolicyField::MobileTrustedAutomatically => {
                self.mobile_trusted_automatically = from.mobile_trusted_automatically;
            }
            PolicyField::ChallengeEverySignIn => {
                self.challenge_every_sign_in = from.challenge_every_sign_in;
            }
            PolicyField::LoggedOutReset => self.logged_out_reset = from.logged_out_reset,
            PolicyField::ResetHold => self.reset_hold = from.reset_hold,
            PolicyField::ResetBesideMailedPassword => {
                self.reset_beside_mailed_password = from.reset_beside_mailed_password;
            }
            PolicyField::ChangeNotices => self.change_notices = from.change_notices,
            PolicyField::MaskAccountName => self.mask_account_name = from.mask_account_name,
            PolicyField::EmailMustBeVerified => {
                self.email_must_be_verified = from.email_must_be_verified;
            }
            PolicyField::CaseSensitiveIds => self.case_sensitive_ids = from.case_sensitive_ids,
            PolicyField::CodeDigits => self.code_digits = from.code_digits,
            PolicyField::ChallengeLifetime => self.challenge_lifetime = from.challenge_lifetime,
            PolicyField::AttemptsPerChallenge => {
                self.attempts_per_challenge = from.attempts_per_challenge;
            }
            PolicyField::StrictTotp => self.strict_totp = from.strict_totp,
            PolicyField::SmsCountries => self.sms_countries.clone_from(&from.sms_countries),
        }
    }

    /// An override that decides only this field.
    #[must_use]
    pub fn only(&self, field: PolicyField) -> Self {
        let mut only = Self::default();
        only.take(field, self);
        only
    }

    /// Whether this override decides a field.
    #[must_use]
    pub fn decides(&self, field: PolicyField) -> bool {
        self.only(field) != Self::default()
    }

    /// The fields that differ from another override.
    pub fn differences<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = PolicyField> + 'a {
        let differs = |field: &PolicyField| self.only(*field) != other.only(*field);
        PolicyField::ALL.into_iter().filter(differs)
    }
}

#[cfg(test)]
mod tests;
