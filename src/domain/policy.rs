//! The policy: what a tenant allows, requires, locks; and the numbers that hold for everyone.

mod bounds;
mod conflict;
mod decided;
mod demands;
mod field;
mod kinds;
mod merge;
mod odds;
mod provenance;
mod rules;

pub use conflict::{Conflict, Weakness};
pub use decided::{Author, Decided, PolicyChange};
pub use demands::Requirement;
pub use field::Field;
pub use kinds::Kinds;
pub use odds::Odds;
pub use provenance::{Provenance, Source, provenance};
pub use rules::{ChangeKind, Layer, RecoveryStyle, Rules, TwoFactorMode};

use crate::{
    budget::{GuessClass, Limit, Windows},
    code::DigitCount,
    totp::{Tolerance, TotpParameters},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// What holds for one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What its administrator decides.
    pub rules: Rules,
    /// How long a delivered code is.
    pub code_digits: DigitCount,
    /// How long a challenge can be answered.
    pub challenge_life: Duration,
    /// How long an enrolment waits for its code.
    pub enrollment_life: Duration,
    /// How many wrong codes one challenge bears.
    pub attempts_per_challenge: u8,
    /// How many challenges of one user are open at once.
    pub live_challenges: u32,
    /// Wrong codes of a user, everything together, by class of client.
    pub wrong_codes: WrongCodes,
    /// Consecutive failures after which a method is disabled.
    pub failures_until_disabled: u32,
    /// Messages.
    pub sends: Sends,
    /// How apps make codes.
    pub totp: TotpParameters,
    /// Which steps are accepted.
    pub totp_tolerance: Tolerance,
    /// How many methods a user may have.
    pub methods_per_user: usize,
    /// How many devices of a user are remembered; the one not seen for longest goes first.
    pub devices_per_user: u32,
    /// How old the proof of a first factor may be, and how long an approval authorises a change.
    pub authorization_life: Duration,
    /// How long a sign-in by recovery code authorises one enrolment.
    pub recovery_authorization_life: Duration,
}

/// Budgets of wrong codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrongCodes {
    /// Clients that proved nothing.
    pub unknown: Windows,
    /// Known devices, together.
    pub known: Windows,
    /// Recovery codes, from anywhere.
    pub recovery: Windows,
}

/// Budgets of messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sends {
    /// To one confirmed destination, for one user.
    pub confirmed: Windows,
    /// To one destination that nobody confirmed yet, across users and tenants.
    pub unconfirmed: Windows,
    /// Text messages of one tenant to the numbers of one country.
    pub per_country: SpanningSends,
    /// Text messages of one tenant, wherever to.
    pub per_tenant: SpanningSends,
    /// E-mails of one tenant to addresses that nobody confirmed yet.
    pub unconfirmed_emails: Windows,
    /// How many messages one challenge may send.
    pub per_challenge: u32,
    /// The waits after the first, second, third message to a destination; the last repeats.
    pub waits: [Duration; 3],
}

/// Budgets of messages over all users of a tenant. They are apart so that who has messages sent to strangers' numbers
/// closes nobody's sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanningSends {
    /// To numbers that nobody confirmed yet.
    pub unconfirmed: Windows,
    /// To confirmed numbers.
    pub confirmed: Windows,
}

impl WrongCodes {
    /// The budget of a class.
    #[must_use]
    pub const fn of(&self, class: GuessClass) -> Windows {
        match class {
            GuessClass::Unknown => self.unknown,
            GuessClass::Known => self.known,
            GuessClass::Recovery => self.recovery,
        }
    }
}

impl Sends {
    /// What holds where nobody set anything.
    const fn built_in() -> Self {
        Self {
            confirmed: Windows {
                short: Limit::new(5, Duration::from_mins(10)),
                long: Limit::new(10, DAY),
            },
            unconfirmed: Windows {
                short: Limit::new(3, Duration::from_mins(10)),
                long: Limit::new(5, DAY),
            },
            per_country: SpanningSends {
                unconfirmed: Windows {
                    short: Limit::new(200, HOUR),
                    long: Limit::new(1000, DAY),
                },
                confirmed: Windows {
                    short: Limit::new(5000, HOUR),
                    long: Limit::new(20_000, DAY),
                },
            },
            per_tenant: SpanningSends {
                unconfirmed: Windows {
                    short: Limit::new(400, HOUR),
                    long: Limit::new(2000, DAY),
                },
                confirmed: Windows {
                    short: Limit::new(10_000, HOUR),
                    long: Limit::new(40_000, DAY),
                },
            },
            unconfirmed_emails: Windows {
                short: Limit::new(2000, HOUR),
                long: Limit::new(10_000, DAY),
            },
            per_challenge: 5,
            waits: [
                Duration::from_secs(30),
                Duration::from_mins(1),
                Duration::from_mins(2),
            ],
        }
    }

    /// To one destination.
    #[must_use]
    pub const fn to_destination(&self, confirmed: bool) -> Windows {
        if confirmed {
            self.confirmed
        } else {
            self.unconfirmed
        }
    }

    /// When the next message goes to a destination that nobody confirmed, whoever asks. The longer window is as long as
    /// request ids are remembered, so that a repeat is not charged again.
    #[must_use]
    pub const fn wait_of_unconfirmed(&self) -> Windows {
        let [first, ..] = self.waits;
        Windows {
            short: Limit::new(1, first),
            long: self.unconfirmed.short,
        }
    }
}

impl SpanningSends {
    /// The budget of numbers that are confirmed, or not yet.
    #[must_use]
    pub const fn of(&self, confirmed: bool) -> Windows {
        if confirmed {
            self.confirmed
        } else {
            self.unconfirmed
        }
    }
}

impl Policy {
    /// What holds where nobody set anything. Each value has its reason in `docs/security.md`.
    #[must_use]
    pub const fn built_in() -> Self {
        Self {
            rules: Rules::built_in(),
            code_digits: DigitCount::SIX,
            challenge_life: Duration::from_mins(5),
            enrollment_life: Duration::from_mins(10),
            attempts_per_challenge: 5,
            live_challenges: 5,
            wrong_codes: WrongCodes {
                unknown: Windows {
                    short: Limit::new(10, Duration::from_mins(15)),
                    long: Limit::new(14, DAY),
                },
                known: Windows {
                    short: Limit::new(5, Duration::from_mins(15)),
                    long: Limit::new(6, DAY),
                },
                recovery: Windows::only(Limit::new(5, Duration::from_mins(15))),
            },
            failures_until_disabled: 100,
            sends: Sends::built_in(),
            totp: TotpParameters::UNIVERSAL,
            totp_tolerance: Tolerance { past: 1, future: 1 },
            methods_per_user: 10,
            devices_per_user: 20,
            authorization_life: Duration::from_mins(5),
            recovery_authorization_life: Duration::from_mins(10),
        }
    }

    /// What holds under what was decided, this policy standing in where nobody decided anything.
    #[must_use]
    pub fn under(&self, decided: &Layer) -> Self {
        let Self {
            code_digits,
            challenge_life,
            attempts_per_challenge,
            totp_tolerance,
            ..
        } = *self;
        let strict = decided.strict_totp == Some(true);
        Self {
            rules: Rules::of(decided),
            code_digits: decided.code_digits.unwrap_or(code_digits),
            challenge_life: decided.challenge_life.unwrap_or(challenge_life),
            attempts_per_challenge: decided
                .attempts_per_challenge
                .unwrap_or(attempts_per_challenge),
            totp_tolerance: Tolerance {
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
