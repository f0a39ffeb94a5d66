//! Sign-ins: what one needs once its first factor has passed (A25). One decision, whatever the first factor was.

use crate::{
    account::{Account, profile::Profile},
    policy::{PolicyRules, SecondFactorRequirement},
    refusal::Refusal,
    value::time::Timestamp,
};

/// Who signs in, and under what.
#[derive(Debug, Clone, Copy)]
pub struct SignIn<'a> {
    /// The user.
    pub account: &'a Account,
    /// What is on file of them.
    pub profile: &'a Profile,
    /// What holds for them.
    pub rules: &'a PolicyRules,
    /// Whether the client proved to be a device that the user trusts.
    pub on_trusted_device: bool,
    /// When.
    pub now: Timestamp,
}

/// What a sign-in needs beyond its first factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInRequirement {
    /// Nothing.
    Nothing(SecondFactorExemption),
    /// A second factor.
    Challenge,
    /// A method, before anything else.
    Enrollment,
}

/// Why a sign-in needs nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondFactorExemption {
    /// The policy has two-factor off: what is enrolled is not asked for.
    TwoFactorOff,
    /// Nothing is enrolled that counts, and nothing has to be.
    NotRequired {
        /// By when it will have to be, if a date is set.
        enroll_by: Option<Timestamp>,
    },
    /// The user trusts this device.
    TrustedDevice,
    /// Something has to be enrolled, but not yet.
    GracePeriod {
        /// Until when it may be put off.
        enroll_by: Timestamp,
    },
}

impl SecondFactorExemption {
    /// Its name in assertions and events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TwoFactorOff => "TWO_FACTOR_OFF",
            Self::NotRequired { .. } => "NOT_REQUIRED",
            Self::TrustedDevice => "TRUSTED_DEVICE",
            Self::GracePeriod { .. } => "GRACE_PERIOD",
        }
    }

    /// By when the user has to have enrolled.
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
    /// What it needs. Whoever has a method that counts is challenged, required or not; a trusted device spares them
    /// that, and spares nobody the enrollment.
    ///
    /// # Errors
    /// [`Refusal::GroupsUnknown`], or [`Refusal::PolicyContradictsItself`]: whoever enrolled does not sign in without a
    /// second factor because two layers of the policy leave none.
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
