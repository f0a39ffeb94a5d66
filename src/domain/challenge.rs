//! Challenges: one question put to one user for one purpose.

pub mod answered_by;
pub mod approval;
pub mod assertion;
pub mod code;
pub mod provider_code;
mod purpose;
pub mod totp;
pub mod verdict;

pub use purpose::{EnrollmentAuthorization, PendingEnrollment, Purpose};

use crate::{
    authorization::caller::{Audience, CallerName},
    challenge::{
        answered_by::AnsweredBy,
        code::{DeliveredCode, Digits},
        provider_code::{ProviderCodeVerdict, ProviderVerification},
        totp::{ClockSkew, CodeMatch, StepTolerance, TimeStep, TotpParameters, TotpSecret},
    },
    device::{DeviceTokenHash, DeviceTrustTerms},
    limits::budget::{AttemptClass, RateLimitWindows},
    method::{MethodKind, MethodSecret},
    notice::message::ClientDescription,
    policy::AttemptBudgets,
    recovery::{CodeSlot, RecoveryStatus},
    value::{
        destination::Destination,
        epoch::Epoch,
        id::{BypassCodeId, ChallengeId, DeviceId, MethodId, RecoverySetId, Subject},
        secret::{KeyId, MacKey, SecretBytes},
        time::Timestamp,
    },
};
use serde::{Deserialize, Serialize};

/// A challenge with all that judging it needs. It travels sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Challenge {
    /// Its id.
    pub id: ChallengeId,
    /// Whom it asks.
    pub subject: Subject,
    /// Whose it is.
    pub caller: CallerName,
    /// Whom the assertion is for; none where there is none.
    pub audience: Option<Audience>,
    /// What an approval will be good for.
    pub purpose: Purpose,
    /// What it expects.
    pub expected_answer: ExpectedAnswer,
    /// The user's epoch when it was issued; it dies when that grows.
    pub epoch: Epoch,
    /// The known device that asked for it, and the hash of the token that it showed.
    pub device: Option<(DeviceId, DeviceTokenHash)>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// How many wrong codes it bears, frozen.
    pub attempts: u8,
    /// The budgets of its guesses, frozen.
    pub wrong_codes: AttemptBudgets,
    /// What its messages say of whoever asked.
    pub client_description: ClientDescription,
    /// Language of its messages.
    pub locale: Option<String>,
    /// The user's own key, for the audit record of its verdict.
    pub user_key: SecretBytes,
    /// What was known of the user's way back.
    pub recovery: RecoveryStatus,
    /// What the policy makes of trust in devices; nothing where there is none.
    pub trust: Option<DeviceTrustTerms>,
}

/// What a challenge expects.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum ExpectedAnswer {
    /// The code of an app.
    Totp {
        /// The method and its version.
        method: (MethodId, u32),
        /// The shared secret.
        secret: TotpSecret,
        /// How codes are made.
        parameters: TotpParameters,
        /// Which steps are accepted.
        tolerance: StepTolerance,
    },
    /// A code that was sent.
    Delivered {
        /// How it is made.
        code: DeliveredCode,
        /// Where it went.
        destination: Destination,
    },
    /// A recovery code and nothing else.
    RecoveryCode,
    /// A code that a provider made and sent, and checks.
    OfProvider {
        /// Who checks it, and by which name.
        verification: ProviderVerification,
        /// Where it went.
        destination: Destination,
    },
}

/// Our judgment of a code, before the durable store has ruled on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptJudgment {
    /// It is the code. This is what accepting it does.
    Right(AttemptEffect),
    /// It is not.
    Wrong {
        /// Where it belongs, if to a wrong time.
        skew: Option<ClockSkew>,
    },
}

/// What accepting a code does, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptEffect {
    /// Moves the method's last step upward.
    Step {
        /// To this one.
        step: TimeStep,
        /// Whose code is accepted since then, a little before the step begins.
        acceptable_from: Timestamp,
    },
    /// Nothing beyond the approval.
    Plain,
    /// Spends a recovery code; the epoch grows.
    RecoveryCode {
        /// The set.
        set: RecoverySetId,
        /// The code's place in it.
        slot: CodeSlot,
    },
    /// Spends a recovery key, and the next takes its place; the epoch grows.
    RecoveryKey {
        /// The set of one.
        set: RecoverySetId,
    },
    /// Uses up a bypass code; the epoch grows.
    BypassCode {
        /// Which.
        id: BypassCodeId,
    },
    /// Verifies the address on file, if it is still at this version.
    EmailVerified {
        /// The version.
        version: u32,
    },
}

impl ExpectedAnswer {
    /// Which kind of code is expected; none for recovery codes.
    #[must_use]
    pub const fn kind(&self) -> Option<MethodKind> {
        match (self, self.destination()) {
            (Self::Totp { .. }, _) => Some(MethodKind::Totp),
            (_, Some(Destination::Phone(_))) => Some(MethodKind::Sms),
            (_, Some(Destination::Email(_))) => Some(MethodKind::Email),
            (_, None) => None,
        }
    }

    /// Where the code was sent; nothing where none is.
    #[must_use]
    pub const fn destination(&self) -> Option<&Destination> {
        match self {
            Self::Delivered { destination, .. } | Self::OfProvider { destination, .. } => {
                Some(destination)
            }
            Self::Totp { .. } | Self::RecoveryCode => None,
        }
    }

    /// How long the code is.
    #[must_use]
    pub const fn digits(&self) -> u8 {
        match self {
            Self::Totp { parameters, .. } => parameters.digits,
            Self::Delivered { code, .. } => code.digits.get(),
            Self::OfProvider { verification, .. } => verification.digits.get(),
            Self::RecoveryCode => 0,
        }
    }

    /// What confirming it would enroll.
    #[must_use]
    pub fn method_secret(&self) -> Option<MethodSecret> {
        match self {
            Self::Totp {
                secret, parameters, ..
            } => Some(MethodSecret::Totp {
                secret: secret.clone(),
                parameters: *parameters,
            }),
            Self::Delivered { destination, .. } | Self::OfProvider { destination, .. } => {
                Some(MethodSecret::Destination(destination.clone()))
            }
            Self::RecoveryCode => None,
        }
    }
}

impl Challenge {
    /// The enrolled method that is asked, and its version.
    #[must_use]
    pub const fn asked_method(&self) -> Option<(MethodId, u32)> {
        match (&self.purpose, &self.expected_answer) {
            (Purpose::Enrollment(_), _) | (_, ExpectedAnswer::RecoveryCode) => None,
            (_, ExpectedAnswer::Totp { method, .. }) => Some(*method),
            (_, ExpectedAnswer::Delivered { code, .. }) => code.method,
            (_, ExpectedAnswer::OfProvider { verification, .. }) => verification.method,
        }
    }

    /// The key that made the code, where we sent one.
    #[must_use]
    pub const fn code_key(&self) -> Option<&KeyId> {
        match &self.expected_answer {
            ExpectedAnswer::Delivered { code, .. } => Some(&code.key),
            ExpectedAnswer::Totp { .. }
            | ExpectedAnswer::RecoveryCode
            | ExpectedAnswer::OfProvider { .. } => None,
        }
    }

    /// Whether what stands in for a method may answer: at sign-in only, where another factor has passed; and recovery
    /// codes and keys only where the policy has them.
    #[must_use]
    pub fn takes(&self, fallback: AnsweredBy) -> bool {
        let accepted = self.recovery.accepted || fallback == AnsweredBy::BypassCode;
        self.purpose == Purpose::SignIn && accepted
    }

    /// The code to send, made from the key named by [`Self::code_key`]; nothing where we send none.
    #[must_use]
    pub fn code_to_send(&self, key: &MacKey) -> Option<Digits> {
        match &self.expected_answer {
            ExpectedAnswer::Delivered { code, .. } => {
                Some(code.make(key, &self.subject, self.id, &self.purpose.binding()))
            }
            ExpectedAnswer::Totp { .. }
            | ExpectedAnswer::RecoveryCode
            | ExpectedAnswer::OfProvider { .. } => None,
        }
    }

    /// Judges a code as of the instant `at`. `key` is the one named by [`Self::code_key`]; without it nothing that
    /// was sent is right. Of a provider's code nobody but [`Self::judge_checked`] can tell that it is.
    #[must_use]
    pub fn judge(&self, typed: &Digits, key: Option<&MacKey>, at: Timestamp) -> AttemptJudgment {
        match &self.expected_answer {
            ExpectedAnswer::Totp {
                secret,
                parameters,
                tolerance,
                ..
            } => match secret.match_code(*parameters, typed, at, *tolerance) {
                CodeMatch::Accepted(step) => AttemptJudgment::Right(AttemptEffect::Step {
                    step,
                    acceptable_from: parameters.acceptable_from(step, *tolerance),
                }),
                CodeMatch::Refused { skew } => AttemptJudgment::Wrong { skew },
            },
            ExpectedAnswer::Delivered { .. } => {
                let sent = key.and_then(|key| self.code_to_send(key));
                if sent.is_some_and(|sent| sent.matches(typed)) {
                    AttemptJudgment::Right(self.effect_of_delivered())
                } else {
                    AttemptJudgment::Wrong { skew: None }
                }
            }
            ExpectedAnswer::RecoveryCode | ExpectedAnswer::OfProvider { .. } => {
                AttemptJudgment::Wrong { skew: None }
            }
        }
    }

    /// Judges a code by what its provider says. One that says yes where nobody asked is not heard. A code that ended at
    /// its provider is a wrong one: it was not shown to be right.
    #[must_use]
    pub const fn judge_checked(&self, checked: ProviderCodeVerdict) -> AttemptJudgment {
        match (&self.expected_answer, checked) {
            (ExpectedAnswer::OfProvider { .. }, ProviderCodeVerdict::Approved) => {
                AttemptJudgment::Right(self.effect_of_delivered())
            }
            _ => AttemptJudgment::Wrong { skew: None },
        }
    }

    /// The budget of a class of guesses, frozen at issue.
    #[must_use]
    pub const fn windows(&self, class: AttemptClass) -> RateLimitWindows {
        self.wrong_codes.of(class)
    }

    const fn effect_of_delivered(&self) -> AttemptEffect {
        match self.purpose {
            Purpose::VerifyEmail { version } => AttemptEffect::EmailVerified { version },
            Purpose::SignIn
            | Purpose::StepUp { .. }
            | Purpose::Enrollment(_)
            | Purpose::Reset(_) => AttemptEffect::Plain,
        }
    }
}

#[cfg(test)]
mod tests;
