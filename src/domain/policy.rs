//! The policy of a tenant: what it allows, requires and locks, and the limits that apply to all tenants.

mod bounds;
mod conflict;
mod field;
mod guess_probability;
mod kinds;
mod merge;
mod provenance;
mod rules;
mod second_factor;
mod stored_policy;

pub use conflict::{PolicyConflict, PolicyWeakness};
pub use field::PolicyField;
pub use guess_probability::GuessProbability;
pub use kinds::MethodKinds;
pub use provenance::{PolicySource, Provenance, provenance};
pub use rules::{PolicyOverride, PolicyRules, ProtectedChange, RecoveryStyle, TwoFactorMode};
pub use second_factor::SecondFactorRequirement;
pub use stored_policy::{PolicyAuthor, PolicyChange, StoredPolicy};

use crate::{
    challenge::{
        code::DigitCount,
        totp::{StepTolerance, TotpParameters},
    },
    limits::budget::{AttemptClass, RateLimit, RateLimitWindows},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// The policy that applies to one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The rules that operator and administrator can change.
    pub rules: PolicyRules,
    /// The number of digits of a delivered code.
    pub code_digits: DigitCount,
    /// How long a challenge can be answered.
    pub challenge_lifetime: Duration,
    /// How long an enrollment challenge can be answered.
    pub enrollment_lifetime: Duration,
    /// Attempts allowed for one challenge.
    pub attempts_per_challenge: u8,
    /// The largest number of open challenges of one user.
    pub live_challenges: u32,
    /// The budgets of a user's attempts, for all challenges together.
    pub wrong_codes: AttemptBudgets,
    /// Consecutive failures after which a method is disabled.
    pub failures_until_disabled: u32,
    /// The budgets of messages.
    pub sends: MessageBudgets,
    /// How authenticator apps compute codes.
    pub totp: TotpParameters,
    /// The accepted time steps.
    pub totp_tolerance: StepTolerance,
    /// The largest number of methods of a user.
    pub methods_per_user: usize,
    /// The largest number of devices of a user. The one not seen for longest is removed first.
    pub devices_per_user: u32,
    /// How old the proof of a first factor may be, and how long an approval authorizes a change.
    pub authorization_lifetime: Duration,
    /// How long a sign-in by recovery code authorizes one enrollment.
    pub recovery_authorization_lifetime: Duration,
    /// How long a sign-in authorizes new recovery codes, if the policy permits it.
    pub sign_in_authorization_lifetime: Duration,
}

/// The budgets of attempts, by class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptBudgets {
    /// Attempts from unknown clients.
    pub unknown: RateLimitWindows,
    /// Attempts from known devices, together.
    pub known: RateLimitWindows,
    /// Attempts with recovery codes, from any client.
    pub recovery: RateLimitWindows,
}

/// The budgets of messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageBudgets {
    /// Messages to one confirmed destination, for one user.
    pub confirmed: RateLimitWindows,
    /// Messages to one unconfirmed destination, for all users and tenants.
    pub unconfirmed: RateLimitWindows,
    /// Text messages of one tenant to the numbers of one country.
    pub per_country: TenantMessageBudgets,
    /// Text messages of one tenant to all countries.
    pub per_tenant: TenantMessageBudgets,
    /// E-mails of one tenant to unconfirmed addresses.
    pub unconfirmed_emails: RateLimitWindows,
    /// Messages allowed for one challenge.
    pub per_challenge: u32,
    /// The waits after the first, second and third message to a destination. The last one repeats.
    pub waits: [Duration; 3],
}

/// The budgets of text messages over all users of a tenant. They are separate, so that an attacker who has messages
/// sent to unconfirmed numbers can't block sign-ins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TenantMessageBudgets {
    /// Messages to unconfirmed numbers.
    pub unconfirmed: RateLimitWindows,
    /// Messages to confirmed numbers.
    pub confirmed: RateLimitWindows,
}

impl AttemptBudgets {
    /// The budget of a class.
    #[must_use]
    pub const fn of(&self, class: AttemptClass) -> RateLimitWindows {
        match class {
            AttemptClass::Unknown => self.unknown,
            AttemptClass::Known => self.known,
            AttemptClass::Recovery => self.recovery,
        }
    }
}

impl MessageBudgets {
    /// The built-in budgets.
    const fn built_in() -> Self {
        Self {
            confirmed: RateLimitWindows {
                short: RateLimit::new(5, Duration::from_mins(10)),
                long: RateLimit::new(10, DAY),
            },
            unconfirmed: RateLimitWindows {
                short: RateLimit::new(3, Duration::from_mins(10)),
                long: RateLimit::new(5, DAY),
            },
            per_country: TenantMessageBudgets {
                unconfirmed: RateLimitWindows {
                    short: RateLimit::new(200, HOUR),
                    long: RateLimit::new(1000, DAY),
                },
                confirmed: RateLimitWindows {
                    short: RateLimit::new(5000, HOUR),
                    long: RateLimit::new(20_000, DAY),
                },
            },
            per_tenant: TenantMessageBudgets {
                unconfirmed: RateLimitWindows {
                    short: RateLimit::new(400, HOUR),
                    long: RateLimit::new(2000, DAY),
                },
                confirmed: RateLimitWindows {
                    short: RateLimit::new(10_000, HOUR),
                    long: RateLimit::new(40_000, DAY),
                },
            },
            unconfirmed_emails: RateLimitWindows {
                short: RateLimit::new(2000, HOUR),
                long: RateLimit::new(10_000, DAY),
            },
            per_challenge: 5,
            waits: [
                Duration::from_secs(30),
                Duration::from_mins(1),
                Duration::from_mins(2),
            ],
        }
    }

    /// The budget of one destination.
    #[must_use]
    pub const fn to_destination(&self, confirmed: bool) -> RateLimitWindows {
        if confirmed {
            self.confirmed
        } else {
            self.unconfirmed
        }
    }

    /// The wait between messages to an unconfirmed destination, for all users. The long window is as long as request
    /// ids are remembered, so that a repeat is not charged again.
    #[must_use]
    pub const fn wait_of_unconfirmed(&self) -> RateLimitWindows {
        let [first, ..] = self.waits;
        RateLimitWindows {
            short: RateLimit::new(1, first),
            long: self.unconfirmed.short,
        }
    }
}

impl TenantMessageBudgets {
    /// The budget of confirmed or unconfirmed numbers.
    #[must_use]
    pub const fn of(&self, confirmed: bool) -> RateLimitWindows {
        if confirmed {
            self.confirmed
        } else {
            self.unconfirmed
        }
    }
}

impl Policy {
    /// The built-in policy. `docs/security.md` gives the reason for each value.
    #[must_use]
    pub const fn built_in() -> Self {
        Self {
            rules: PolicyRules::built_in(),
            code_digits: DigitCount::SIX,
            challenge_lifetime: Duration::from_mins(5),
            enrollment_lifetime: Duration::from_mins(10),
            attempts_per_challenge: 5,
            live_challenges: 5,
            wrong_codes: AttemptBudgets {
                unknown: RateLimitWindows {
                    short: RateLimit::new(10, Duration::from_mins(15)),
                    long: RateLimit::new(14, DAY),
                },
                known: RateLimitWindows {
                    short: RateLimit::new(5, Duration::from_mins(15)),
                    long: RateLimit::new(6, DAY),
                },
                recovery: RateLimitWindows::only(RateLimit::new(5, Duration::from_mins(15))),
            },
            failures_until_disabled: 100,
            sends: MessageBudgets::built_in(),
            totp: TotpParameters::UNIVERSAL,
            totp_tolerance: StepTolerance { past: 1, future: 1 },
            methods_per_user: 10,
            devices_per_user: 20,
            authorization_lifetime: Duration::from_mins(5),
            recovery_authorization_lifetime: Duration::from_mins(10),
            sign_in_authorization_lifetime: Duration::from_mins(15),
        }
    }

    /// This policy with an override applied. Values that the override leaves open stay.
    #[must_use]
    pub fn under(&self, decided: &PolicyOverride) -> Self {
        let Self {
            code_digits,
            challenge_lifetime,
            attempts_per_challenge,
            totp_tolerance,
            ..
        } = *self;
        let strict = decided.strict_totp == Some(true);
        Self {
            rules: PolicyRules::of(decided),
            code_digits: decided.code_digits.unwrap_or(code_digits),
            challenge_lifetime: decided.challenge_lifetime.unwrap_or(challenge_lifetime),
            attempts_per_challenge: decided
                .attempts_per_challenge
                .unwrap_or(attempts_per_challenge),
            totp_tolerance: StepTolerance {
                future: if strict { 0 } else { totp_tolerance.future },
                ..totp_tolerance
            },
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;
