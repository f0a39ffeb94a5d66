//! What a sign-in needs after its first factor (A25). The decision does not depend on the kind of first factor.

use crate::{
    account::{Account, profile::Profile},
    policy::{PolicyRules, SecondFactorRequirement},
    refusal::Refusal,
    value::time::Timestamp,
};

/// The inputs of the decision.
#[derive(Debug, Clone, Copy)]
pub struct SignIn<'a> {
    /// The user.
    pub account: &'a Account,
    /// The profile.
    pub profile: &'a Profile,
    /// The rules that apply to the user.
    pub rules: &'a PolicyRules,
    /// Whether the client proved to be a device that the user trusts.
    pub on_trusted_device: bool,
    /// The time of the call.
    pub now: Timestamp,
}

/// What a sign-in needs after its first factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInRequirement {
    /// Nothing.
    Nothing(SecondFactorExemption),
    /// A second factor.
    Challenge,
    /// The enrollment of a method.
    Enrollment,
}

/// Why a sign-in needs nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondFactorExemption {
    /// The policy turned two-factor off. Enrolled methods are not used.
    TwoFactorOff,
    /// No method that counts is enrolled, and none is required.
    NotRequired {
        /// By when one will be required; `None` without a date.
        enroll_by: Option<Timestamp>,
    },
    /// The user trusts this device.
    TrustedDevice,
    /// A method is required, but the grace period is not over.
    GracePeriod {
        /// When the grace period ends.
        enroll_by: Timestamp,
    },
}

impl SecondFactorExemption {
    /// The name in assertions and events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TwoFactorOff => "TWO_FACTOR_OFF",
            Self::NotRequired { .. } => "NOT_REQUIRED",
            Self::TrustedDevice => "TRUSTED_DEVICE",
            Self::GracePeriod { .. } => "GRACE_PERIOD",
        }
    }

    /// By when the user must enroll; `None` without a date.
    #[must_use]
    pub const fn enroll_by(self) -> Option<Timestamp> {
        match self {
            Self::NotRequired { enroll_by } => enroll_by,
            Self::GracePeriod { enroll_by } => Some(enroll_by),
            Self::TwoFactorOff | Self::TrustedDevice => None,
        }
    }
}

impl SignIn<'_> {
    /// Decides what the sign-in needs. Users with a method that counts are challenged, even if none is required. A
    /// trusted device skips the challenge, but not the enrollment.
    ///
    /// # Errors
    /// [`Refusal::GroupsUnknown`], or [`Refusal::PolicyContradictsItself`] if two policy layers leave no kind that
    /// counts. Enrolled users must not sign in without a second factor because of such a policy.
    pub fn need(&self) -> Result<SignInRequirement, Refusal> {
        let requirement = self
            .rules
            .requirement(self.account, self.profile, self.now)?;
        let enrolled = self.account.is_protected(self.rules);
        let has_methods = self.account.two_factor_enabled();
        Ok(match requirement {
            SecondFactorRequirement::Off => {
                SignInRequirement::Nothing(SecondFactorExemption::TwoFactorOff)
            }
            _ if enrolled && self.trust_skips_second_factor() => {
                SignInRequirement::Nothing(SecondFactorExemption::TrustedDevice)
            }
            _ if enrolled => SignInRequirement::Challenge,
            _ if has_methods && self.rules.nothing_qualifies() => {
                return Err(Refusal::PolicyContradictsItself);
            }
            SecondFactorRequirement::Optional { enroll_by } => {
                SignInRequirement::Nothing(SecondFactorExemption::NotRequired { enroll_by })
            }
            SecondFactorRequirement::Required { enroll_by } if self.now < enroll_by => {
                SignInRequirement::Nothing(SecondFactorExemption::GracePeriod { enroll_by })
            }
            SecondFactorRequirement::Required { .. } => SignInRequirement::Enrollment,
        })
    }

    const fn trust_skips_second_factor(&self) -> bool {
        self.on_trusted_device && self.rules.trusted_devices && !self.rules.challenge_every_sign_in
    }
}

#[cfg(test)]
mod tests;
