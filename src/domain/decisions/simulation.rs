//! Simulations: what another policy would change for a user. Each makes the decision of `BeginSignIn` twice.

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

/// A user, the current policy and the simulated one.
#[derive(Debug, Clone, Copy)]
pub struct SimulationTrial<'a> {
    /// The user.
    pub account: &'a Account,
    /// The profile.
    pub profile: &'a Profile,
    /// The current policy.
    pub before: &'a Policy,
    /// The simulated policy.
    pub after: &'a Policy,
    /// The channels that have a notifier.
    pub served: AvailableChannels,
    /// The time of the call.
    pub now: Timestamp,
}

/// An effect that the simulated policy has on a user and the current one has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SimulationOutcome {
    /// The user can't sign in, whatever they do.
    Blocked,
    /// The next sign-in leads to enrollment.
    MustEnroll,
    /// A method will be required when the grace period ends.
    MustEnrollLater,
    /// No enrolled method counts.
    LosesOnlyMethod,
    /// Sign-ins need no second factor, which the current policy requires.
    NotChallenged,
}

/// The results of a simulation so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimulationCounts {
    /// The number of users evaluated.
    pub seen: u64,
    /// The number of users with any effect.
    pub affected: u64,
    /// The number of users with each effect, in the order of [`SimulationOutcome::ALL`].
    by_effect: [u64; SimulationOutcome::ALL.len()],
}

/// The state of a user under one policy.
struct SimulatedState {
    need: Result<SignInRequirement, Refusal>,
    is_protected: bool,
    is_blocked: bool,
}

impl SimulationOutcome {
    /// All outcomes.
    pub const ALL: [Self; 5] = [
        Self::Blocked,
        Self::MustEnroll,
        Self::MustEnrollLater,
        Self::LosesOnlyMethod,
        Self::NotChallenged,
    ];
}

impl SimulationTrial<'_> {
    /// The effects of the simulated policy, and by when the user would have to enroll.
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

    /// Whether the user can enroll a method of some kind, if need be after they verify their address or remove a
    /// method.
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
    /// Whether an effect occurs in the state `after`, but not in this one.
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
    /// Counts one more user and the effects on them.
    pub fn count(&mut self, effects: &[SimulationOutcome]) {
        self.seen = self.seen.saturating_add(1);
        self.affected = self.affected.saturating_add(u64::from(!effects.is_empty()));
        for (effect, count) in SimulationOutcome::ALL.iter().zip(&mut self.by_effect) {
            *count = count.saturating_add(u64::from(effects.contains(effect)));
        }
    }

    /// The number of users with each effect.
    pub fn by_effect(&self) -> impl Iterator<Item = (SimulationOutcome, u64)> {
        SimulationOutcome::ALL.into_iter().zip(self.by_effect)
    }
}

#[cfg(test)]
mod tests;
