//! Which methods can answer a challenge, and which one is the default.

use super::Account;
use crate::{
    authorization::{action::Action, strength_needed},
    method::{Method, MethodKind, MethodStrength, ineligibility::MethodIneligibility},
    policy::PolicyRules,
    refusal::Refusal,
    value::{destination::Channel, id::MethodId, time::Timestamp},
};

/// The default method, and the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DefaultMethod {
    /// The method.
    pub id: MethodId,
    /// Why this method is the default.
    pub reason: DefaultReason,
}

/// Why a method is the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultReason {
    /// It is the only method that can answer.
    OnlyMethod,
    /// The administrator chose its kind.
    SetByAdministrator,
    /// The user chose it.
    SetByUser,
    /// The user's choice can't answer, or there is none, and the policy keeps the oldest method as the default.
    Oldest,
    /// The user's choice can't answer, or there is none. This is the strongest method.
    Strongest,
}

/// The channels that have a notifier.
#[derive(Debug, Clone, Copy)]
pub struct AvailableChannels {
    /// A notifier delivers text messages.
    pub sms: bool,
    /// A notifier delivers e-mail.
    pub email: bool,
}

/// The requirements on a method that answers a challenge.
#[derive(Debug, Clone, Copy)]
pub struct MethodRequirements<'a> {
    /// The rules that apply to the user.
    pub rules: &'a PolicyRules,
    /// The channels that have a notifier.
    pub served: AvailableChannels,
    /// The required strength.
    pub at_least: MethodStrength,
}

impl AvailableChannels {
    /// Whether codes of a method of this kind can reach the user.
    #[must_use]
    pub const fn serves(self, kind: MethodKind) -> bool {
        match kind {
            MethodKind::Totp => true,
            MethodKind::Sms => self.sms,
            MethodKind::Email => self.email,
        }
    }

    /// Whether a notifier delivers messages by this channel.
    #[must_use]
    pub const fn goes_by(self, channel: Channel) -> bool {
        match channel {
            Channel::Sms => self.sms,
            Channel::Email => self.email,
        }
    }
}

impl<'a> MethodRequirements<'a> {
    /// The requirements of a sign-in.
    #[must_use]
    pub const fn of_sign_in(rules: &'a PolicyRules, served: AvailableChannels) -> Self {
        Self {
            rules,
            served,
            at_least: rules.sign_in_strength,
        }
    }

    /// The requirements of a step-up. To enroll a method, they don't exceed the strength that the user has. Otherwise
    /// users whose methods became too weak could not enroll a stronger one.
    #[must_use]
    pub fn of_step_up(
        rules: &'a PolicyRules,
        served: AvailableChannels,
        action: &Action,
        account: &Account,
    ) -> Self {
        let requested = rules.step_up_strength;
        let at_least = if action.enrolls() {
            account
                .strongest(rules)
                .map_or(requested, |has| has.min(requested))
        } else {
            requested
        };
        Self {
            rules,
            served,
            at_least,
        }
    }

    /// Requires the strength that `action` needs, if a method of the user has it. Otherwise a weak default would have
    /// the user submit a code for a change that is then refused.
    #[must_use]
    pub fn preferring_sufficient(self, action: &Action, account: &Account, now: Timestamp) -> Self {
        let needed = strength_needed(action, account, self.rules, now);
        let strict = Self {
            at_least: needed.map_or(self.at_least, |needed| needed.max(self.at_least)),
            ..self
        };
        let mut methods = account.methods.iter();
        if methods.any(|method| strict.ineligibility(method).is_none()) {
            strict
        } else {
            self
        }
    }

    /// Why a method can't answer now, policy reasons first; `None` if it can.
    #[must_use]
    pub fn ineligibility(self, method: &Method) -> Option<MethodIneligibility> {
        if !self.rules.allowed_kinds.contain(method.kind) {
            Some(MethodIneligibility::NotAllowed)
        } else if method.kind.strength() < self.at_least {
            Some(MethodIneligibility::TooWeak)
        } else if method.suspended {
            Some(MethodIneligibility::Suspended)
        } else if method.disabled {
            Some(MethodIneligibility::Disabled)
        } else if self.served.serves(method.kind) {
            None
        } else {
            Some(MethodIneligibility::NoNotifier)
        }
    }
}

impl Account {
    /// The default method; `None` if no method can answer.
    #[must_use]
    pub fn default_method(&self, terms: MethodRequirements<'_>) -> Option<DefaultMethod> {
        let can_answer = |method: &&Method| terms.ineligibility(method).is_none();
        let usable: Vec<&Method> = self.methods.iter().filter(can_answer).collect();
        let user_choice = usable
            .iter()
            .find(|method| Some(method.id) == self.user_default);
        let of_kind = |kind: &MethodKind| usable.iter().find(|method| method.kind == *kind);
        let set = terms.rules.default_kind.as_ref().and_then(of_kind);
        // Among methods of the administrator's kind, the user's choice has precedence.
        let user_choice_of_kind =
            user_choice.filter(|user_choice| Some(user_choice.kind) == terms.rules.default_kind);
        let (method, reason) = match (usable.as_slice(), user_choice, set) {
            (_, _, Some(set)) if terms.rules.default_locked => {
                let set = user_choice_of_kind.unwrap_or(set);
                (*set, DefaultReason::SetByAdministrator)
            }
            ([only], _, set) => {
                let reason = set.map_or(DefaultReason::OnlyMethod, |_| {
                    DefaultReason::SetByAdministrator
                });
                (*only, reason)
            }
            (_, Some(user_choice), _) => (*user_choice, DefaultReason::SetByUser),
            (_, None, Some(set)) => (*set, DefaultReason::SetByAdministrator),
            ([oldest, ..], None, None) if terms.rules.added_method_keeps_default => {
                (*oldest, DefaultReason::Oldest)
            }
            (several, None, None) => {
                let newest_first = several.iter().rev();
                let strongest = newest_first.max_by_key(|method| method.kind.strength())?;
                (*strongest, DefaultReason::Strongest)
            }
        };
        Some(DefaultMethod {
            id: method.id,
            reason,
        })
    }

    /// Checks that a method is left that can answer a sign-in after `gone` was removed. Users who declared their methods
    /// lost must not be left without one.
    ///
    /// # Errors
    /// [`Refusal::NoMethodLeft`].
    pub fn keeps_a_method_without(
        &self,
        gone: MethodId,
        sign_in: MethodRequirements<'_>,
    ) -> Result<(), Refusal> {
        let mut others = self.methods.iter().filter(|method| method.id != gone);
        if others.any(|method| sign_in.ineligibility(method).is_none()) {
            return Ok(());
        }
        Err(Refusal::NoMethodLeft)
    }
}

#[cfg(test)]
mod tests;
