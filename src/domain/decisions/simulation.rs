//! Simulations: what another policy would do to a user, told before anyone decides it. It is the decision of `BeginSignIn`,
//! asked twice.

use crate::{
    account::{Account, AvailableChannels, MethodRequirements, profile::Profile},
    decisions::{
        settings::{MethodKindStatus, SettingsPage},
        sign_in::{SecondFactorExemption, SignIn, SignInRequirement},
    },
    method::ineligibility::MethodIneligibility,
    policy::{Policy, PolicyOverride},
    refusal::Refusal,
    value::time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// A user, under what holds and under what is tried.
#[derive(Debug, Clone, Copy)]
pub struct SimulationTrial<'a> {
    /// The user.
    pub account: &'a Account,
    /// What is on file of them.
    pub profile: &'a Profile,
    /// What holds for them.
    pub before: &'a Policy,
    /// What is tried.
    pub after: &'a Policy,
    /// What the service can do.
    pub served: AvailableChannels,
    /// When.
    pub now: Timestamp,
}

/// What a policy would do to a user that the present one does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SimulationOutcome {
    /// Nothing that the user can do lets them sign in.
    Blocked,
    /// The next sign-in leads to set-up.
    MustEnroll,
    /// A method has to be enrolled, but not yet.
    MustEnrollLater,
    /// No method counts any more that is enrolled.
    LosesOnlyMethod,
    /// Sign-ins go on without the second factor that is asked for now.
    NotChallenged,
}

/// What a simulation came to so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimulationCounts {
    /// Users that were looked at.
    pub seen: u64,
    /// Those to whom the policy would do anything.
    pub affected: u64,
    /// To how many it would do each, in the order of [`SimulationOutcome::ALL`].
    by_effect: [u64; SimulationOutcome::ALL.len()],
}

/// What a policy means for a user.
struct SimulatedState {
    need: Result<SignInRequirement, Refusal>,
    is_protected: bool,
    is_blocked: bool,
}

impl SimulationOutcome {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Blocked,
        Self::MustEnroll,
        Self::MustEnrollLater,
        Self::LosesOnlyMethod,
        Self::NotChallenged,
    ];
}

impl SimulationTrial<'_> {
    /// What the tried policy would do, and by when the user would have to have enrolled.
    #[must_use]
    pub fn effects(&self) -> (Vec<SimulationOutcome>, Option<Timestamp>) {
        let (before, after) = (
            self.simulated_state(self.before),
            self.simulated_state(self.after),
        );
        let new = |effect: &SimulationOutcome| before.becomes(&after, *effect);
        let effects = SimulationOutcome::ALL.into_iter().filter(new);
        (effects.collect(), after.enroll_by())
    }

    fn simulated_state(&self, policy: &Policy) -> SimulatedState {
        let sign_in = SignIn {
            account: self.account,
            profile: self.profile,
            rules: &policy.rules,
            on_trusted_device: false,
            now: self.now,
        };
        let need = sign_in.need();
        let is_blocked = match need {
            Ok(SignInRequirement::Nothing(_)) => false,
            Ok(SignInRequirement::Challenge) => !self.can_answer(policy),
            Ok(SignInRequirement::Enrollment) => !self.can_enroll(policy),
            Err(_) => true,
        };
        SimulatedState {
            need,
            is_protected: self.account.is_protected(&policy.rules),
            is_blocked,
        }
    }

    fn can_answer(&self, policy: &Policy) -> bool {
        let terms = MethodRequirements::of_sign_in(&policy.rules, self.served);
        self.account.default_method(terms).is_some() || self.account.can_recover(policy, self.now)
    }

    /// Whether there is a kind that nothing keeps the user from but what they can mend themselves.
    fn can_enroll(&self, policy: &Policy) -> bool {
        let page = SettingsPage {
            account: self.account,
            has_email: self.profile.email.is_some(),
            policy,
            service_layer: &PolicyOverride::default(),
            served: self.served,
            pending: None,
        };
        let is_open = |status: &MethodKindStatus| match status.ineligibility {
            None
            | Some(MethodIneligibility::TooManyMethods | MethodIneligibility::EmailNotVerified) => {
                true
            }
            Some(_) => false,
        };
        page.kinds().iter().any(is_open)
    }
}

impl SimulatedState {
    /// Whether an effect is there afterwards that was not there before.
    fn becomes(&self, after: &Self, effect: SimulationOutcome) -> bool {
        let must_enroll = Ok(SignInRequirement::Enrollment);
        match effect {
            SimulationOutcome::Blocked => after.is_blocked && !self.is_blocked,
            SimulationOutcome::MustEnroll => after.need == must_enroll && self.need != must_enroll,
            SimulationOutcome::MustEnrollLater => {
                let has_to = self.need == must_enroll || self.enroll_by().is_some();
                after.enroll_by().is_some() && !has_to
            }
            SimulationOutcome::LosesOnlyMethod => self.is_protected && !after.is_protected,
            SimulationOutcome::NotChallenged => {
                self.need == Ok(SignInRequirement::Challenge)
                    && matches!(after.need, Ok(SignInRequirement::Nothing(_)))
            }
        }
    }

    fn enroll_by(&self) -> Option<Timestamp> {
        match self.need {
            Ok(SignInRequirement::Nothing(pass)) => SecondFactorExemption::enroll_by(pass),
            Ok(SignInRequirement::Challenge | SignInRequirement::Enrollment) | Err(_) => None,
        }
    }
}

impl SimulationCounts {
    /// One user more, and what the policy would do to them.
    pub fn count(&mut self, effects: &[SimulationOutcome]) {
        self.seen = self.seen.saturating_add(1);
        self.affected = self.affected.saturating_add(u64::from(!effects.is_empty()));
        for (effect, count) in SimulationOutcome::ALL.iter().zip(&mut self.by_effect) {
            *count = count.saturating_add(u64::from(effects.contains(effect)));
        }
    }

    /// To how many users it would do each.
    pub fn by_effect(&self) -> impl Iterator<Item = (SimulationOutcome, u64)> {
        SimulationOutcome::ALL.into_iter().zip(self.by_effect)
    }
}

#[cfg(test)]
mod tests;
