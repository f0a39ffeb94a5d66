//! The directory of a tenant's users, and the conditions by which administrators filter it.

use crate::{
    account::{Account, profile::Profile},
    decisions::sign_in::{SecondFactorExemption, SignIn, SignInRequirement},
    limits::budget::AttemptClass,
    method::{MethodKind, MethodStrength},
    policy::Policy,
    refusal::Refusal,
    value::{id::UserId, malformed::MalformedValue, time::Timestamp},
};
use serde::{Deserialize, Serialize};

/// A condition by which administrators filter users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum UserCondition {
    /// No method is enrolled.
    NotEnrolled,
    /// Methods are enrolled, and all are phone numbers.
    OnlySms,
    /// Methods are enrolled, and none of them is strong.
    NoStrongMethod,
    /// A budget of wrong codes is used up.
    Throttled,
    /// A method is disabled after too many consecutive failures.
    MethodDisabled,
    /// Enrollment is required, and the grace period is not over.
    InGrace,
    /// The next sign-in leads to enrollment.
    MustEnroll,
    /// The policy names groups, and the user's groups are unknown. Sign-ins are refused.
    GroupsUnknown,
    /// A method is suspended, because its enrollment was reverted.
    MethodSuspended,
    /// Sign-in is suspended pending administrator review, because somebody else turned two-factor off.
    PendingReview,
}

/// A coarse filter on indexed columns: it may match too many users, never too few.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DirectoryProjection {
    /// Matches every user.
    Anyone,
    /// Matches users without a method.
    WithoutMethod,
    /// Matches users with methods, none of which is strong.
    WithoutStrongMethod,
    /// Matches users with a wrong attempt that may still count in a window.
    WithFailure,
    /// Matches users with a disabled or suspended method.
    WithMethodOutOfUse,
}

/// A user of the directory, with the policy that applies to them.
#[derive(Debug, Clone, Copy)]
pub struct DirectoryEntry<'a> {
    /// The account.
    pub account: &'a Account,
    /// The profile.
    pub profile: &'a Profile,
    /// The policy that applies to the user.
    pub policy: &'a Policy,
    /// The time of the call.
    pub now: Timestamp,
}

/// A filter of the directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserFilter {
    /// At least one of these conditions holds; every user matches if the list is empty.
    pub conditions: Vec<UserCondition>,
    /// The prefix of the user ids.
    pub prefix: UserIdPrefix,
}

/// The beginning of ids of users, as a skeleton: it regards neither case nor accents.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserIdPrefix(String);

impl UserCondition {
    /// All conditions.
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

    /// The coarse filter that includes all users with this condition.
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
    /// All conditions that hold for the user.
    #[must_use]
    pub fn conditions(&self) -> Vec<UserCondition> {
        let holding = UserCondition::ALL.into_iter();
        holding.filter(|condition| self.is(*condition)).collect()
    }

    /// Until when a budget of wrong codes is used up; `None` if every budget has room.
    #[must_use]
    pub fn locked_until(&self) -> Option<Timestamp> {
        let budgets = &self.policy.wrong_codes;
        let throttled_until = |class| self.account.throttled_until(budgets, class, self.now);
        AttemptClass::ALL
            .into_iter()
            .filter_map(throttled_until)
            .max()
    }

    /// By when the user must enroll; `None` without a date, or if they enrolled.
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

    /// What the user's next sign-in on an untrusted device needs.
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
    /// Whether one of the conditions holds for a user.
    #[must_use]
    pub fn matches(&self, entry: &DirectoryEntry<'_>) -> bool {
        let mut conditions = self.conditions.iter();
        self.conditions.is_empty() || conditions.any(|condition| entry.is(*condition))
    }

    /// The coarse filters, one for each condition. A user who matches the conditions is in at least one of them.
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
    /// Reads what an id may begin with; it may end with a space.
    ///
    /// # Errors
    /// [`MalformedValue`] says what is wrong.
    pub fn parse(text: &str) -> Result<Self, MalformedValue> {
        if !text.trim_end().is_empty() {
            let _begins_an_id = UserId::parse(text.trim_end())?;
        }
        if text.len() > UserId::MAX_BYTES || text.chars().any(char::is_control) {
            return Err(MalformedValue::NotAUserId);
        }
        Ok(Self(UserId::skeleton_of(text)))
    }

    /// The skeleton.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests;
