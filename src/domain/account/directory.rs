//! The directory of a tenant's users: what an administrator may ask for, and of whom it holds.

use crate::{
    account::{Account, profile::Profile},
    decisions::sign_in::{SecondFactorExemption, SignIn, SignInRequirement},
    limits::budget::AttemptClass,
    method::{MethodKind, MethodStrength},
    policy::Policy,
    refusal::Refusal,
    value::{malformed::MalformedValue, text, time::Timestamp},
};
use serde::{Deserialize, Serialize};

/// What an administrator may ask who it holds of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum UserCondition {
    /// No method is enrolled.
    NotEnrolled,
    /// Methods are enrolled, and all of them are numbers.
    OnlySms,
    /// Methods are enrolled, and none of them is strong.
    NoStrongMethod,
    /// A budget of wrong codes is used up.
    Throttled,
    /// A method is disabled after too many consecutive failures.
    MethodDisabled,
    /// A method has to be enrolled, but not yet.
    InGrace,
    /// The next sign-in leads to set-up.
    MustEnroll,
    /// The policy names groups, and those of the user are not known: sign-ins are refused.
    GroupsUnknown,
    /// A method is suspended: whoever was told of it said that it was not they who enrolled it.
    MethodSuspended,
    /// Sign-ins wait for an administrator: two-factor was turned off by somebody who was not the user.
    PendingReview,
}

/// A coarse filter on indexed columns: it may match too many users, never too few.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DirectoryProjection {
    /// Nothing: it may hold of anyone.
    Anyone,
    /// No method.
    WithoutMethod,
    /// Methods, and no strong one among them.
    WithoutStrongMethod,
    /// A failure that may still fill a window.
    WithFailure,
    /// A method that is disabled or suspended.
    WithMethodOutOfUse,
}

/// A user of the directory, under what holds for them.
#[derive(Debug, Clone, Copy)]
pub struct DirectoryEntry<'a> {
    /// The user.
    pub account: &'a Account,
    /// What is on file of them.
    pub profile: &'a Profile,
    /// What holds for them.
    pub policy: &'a Policy,
    /// When.
    pub now: Timestamp,
}

/// Which users are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserFilter {
    /// At least one of these holds; anything, where there are none.
    pub conditions: Vec<UserCondition>,
    /// How their ids begin.
    pub prefix: UserIdPrefix,
}

/// How a user's id begins, in small letters: 0 to 128 characters of `a–z 0–9 . _ ~ @ + : -`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserIdPrefix(String);

impl UserCondition {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::NotEnrolled,
        Self::OnlySms,
        Self::NoStrongMethod,
        Self::Throttled,
        Self::MethodDisabled,
        Self::InGrace,
        Self::MustEnroll,
        Self::GroupsUnknown,
        Self::MethodSuspended,
        Self::PendingReview,
    ];

    /// What can be seen of whom it holds of.
    #[must_use]
    pub const fn projection(self) -> DirectoryProjection {
        match self {
            Self::NotEnrolled => DirectoryProjection::WithoutMethod,
            Self::OnlySms | Self::NoStrongMethod => DirectoryProjection::WithoutStrongMethod,
            Self::Throttled => DirectoryProjection::WithFailure,
            Self::MethodDisabled | Self::MethodSuspended => DirectoryProjection::WithMethodOutOfUse,
            Self::InGrace | Self::MustEnroll | Self::GroupsUnknown | Self::PendingReview => {
                DirectoryProjection::Anyone
            }
        }
    }
}

impl DirectoryEntry<'_> {
    /// All that holds of the user.
    #[must_use]
    pub fn conditions(&self) -> Vec<UserCondition> {
        let holding = UserCondition::ALL.into_iter();
        holding.filter(|condition| self.is(*condition)).collect()
    }

    /// Until when a budget of wrong codes is used up; nothing if there is room in all of them.
    #[must_use]
    pub fn locked_until(&self) -> Option<Timestamp> {
        let full_until = |class| {
            let windows = self.policy.wrong_codes.of(class);
            windows.full_until(self.account.failures_of(class), self.now)
        };
        AttemptClass::ALL.into_iter().filter_map(full_until).max()
    }

    /// By when the user has to have enrolled, if a date is set and they have not.
    #[must_use]
    pub fn enroll_by(&self) -> Option<Timestamp> {
        match self.need() {
            Ok(SignInRequirement::Nothing(pass)) => pass.enroll_by(),
            Ok(SignInRequirement::Challenge | SignInRequirement::Enrollment) | Err(_) => None,
        }
    }

    fn is(&self, condition: UserCondition) -> bool {
        let methods = &self.account.methods;
        let all = |is: fn(MethodKind) -> bool| {
            !methods.is_empty() && methods.iter().all(|method| is(method.kind))
        };
        match condition {
            UserCondition::NotEnrolled => methods.is_empty(),
            UserCondition::OnlySms => all(|kind| kind == MethodKind::Sms),
            UserCondition::NoStrongMethod => all(|kind| kind.strength() < MethodStrength::Strong),
            UserCondition::Throttled => self.locked_until().is_some(),
            UserCondition::MethodDisabled => methods.iter().any(|method| method.disabled),
            UserCondition::InGrace => {
                matches!(
                    self.need(),
                    Ok(SignInRequirement::Nothing(
                        SecondFactorExemption::GracePeriod { .. }
                    ))
                )
            }
            UserCondition::MustEnroll => self.need() == Ok(SignInRequirement::Enrollment),
            UserCondition::GroupsUnknown => self.need() == Err(Refusal::GroupsUnknown),
            UserCondition::MethodSuspended => methods.iter().any(|method| method.suspended),
            UserCondition::PendingReview => self.account.pending_review,
        }
    }

    /// What the user's next sign-in needs, on a device that is not trusted.
    fn need(&self) -> Result<SignInRequirement, Refusal> {
        let sign_in = SignIn {
            account: self.account,
            profile: self.profile,
            rules: &self.policy.rules,
            on_trusted_device: false,
            now: self.now,
        };
        sign_in.need()
    }
}

impl UserFilter {
    /// Whether it asks for a user, as far as the conditions go.
    #[must_use]
    pub fn matches(&self, entry: &DirectoryEntry<'_>) -> bool {
        let mut conditions = self.conditions.iter();
        self.conditions.is_empty() || conditions.any(|condition| entry.is(*condition))
    }

    /// What can be seen of those that it asks for: one of these.
    #[must_use]
    pub fn projections(&self) -> Vec<DirectoryProjection> {
        if self.conditions.is_empty() {
            return vec![DirectoryProjection::Anyone];
        }
        let conditions = self.conditions.iter();
        conditions.map(|condition| condition.projection()).collect()
    }
}

impl UserIdPrefix {
    /// From what the caller sent, in whatever case.
    ///
    /// # Errors
    /// Tells what is malformed.
    pub fn parse(text: &str) -> Result<Self, MalformedValue> {
        fn allowed(byte: u8) -> bool {
            byte.is_ascii_alphanumeric() || b"._~@+:-".contains(&byte)
        }
        if text.is_empty() {
            return Ok(Self::default());
        }
        let text = text::restricted(text, 128, allowed, "A–Z a–z 0–9 . _ ~ @ + : -")?;
        Ok(Self(text.to_ascii_lowercase()))
    }

    /// The small letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests;
