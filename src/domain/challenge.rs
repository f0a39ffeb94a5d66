//! Challenges: one request for a code from one user for one purpose.

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
    notice::{account_label::AccountLabel, message::ClientDescription},
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

/// A challenge with everything needed to judge its answer. Redis keeps it sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Challenge {
    /// The id.
    pub id: ChallengeId,
    /// The user.
    pub subject: Subject,
    /// The caller that issued it. Only this caller can use it.
    pub caller: CallerName,
    /// The relying service that the assertion is for; `None` without an assertion.
    pub audience: Option<Audience>,
    /// The purpose of its approval.
    pub purpose: Purpose,
    /// The answer that it expects.
    pub expected_answer: ExpectedAnswer,
    /// The credential epoch at issue. The challenge is over when the user's epoch grows.
    pub epoch: Epoch,
    /// The known device that requested it, and the hash of the token that the device presented.
    pub device: Option<(DeviceId, DeviceTokenHash)>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
    /// Attempts allowed. Fixed at issue.
    pub attempts: u8,
    /// The budgets of its attempts. Fixed at issue.
    pub wrong_codes: AttemptBudgets,
    /// The client that requested the code, for the text of its messages.
    pub client_description: ClientDescription,
    /// The language of its messages.
    pub locale: Option<String>,
    /// The account as its messages name it; `None` if the challenge sends none.
    pub account: Option<AccountLabel>,
    /// The user's own key, which seals personal fields in the audit event of its verdict.
    pub user_key: SecretBytes,
    /// The user's recovery options at issue.
    pub recovery: RecoveryStatus,
    /// The policy's terms for trusted devices; `None` if no device can be trusted.
    pub trust: Option<DeviceTrustTerms>,
}

/// The answer that a challenge expects.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum ExpectedAnswer {
    /// The code of an authenticator app.
    Totp {
        /// The method and its version.
        method: (MethodId, u32),
        /// The shared secret.
        secret: TotpSecret,
        /// How codes are computed.
        parameters: TotpParameters,
        /// The accepted time steps.
        tolerance: StepTolerance,
    },
    /// A code that Countersign makes and sends.
    Delivered {
        /// What the code is made from.
        code: DeliveredCode,
        /// The destination of the code.
        destination: Destination,
    },
    /// A recovery or bypass code only.
    RecoveryCode,
    /// A code that a provider makes, sends and checks.
    OfProvider {
        /// The provider and the id of its verification.
        verification: ProviderVerification,
        /// The destination of the code.
        destination: Destination,
    },
}

/// The judgment of a code, before the verdict on the durable record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptJudgment {
    /// The code is right. The value says what accepting it changes.
    Right(AttemptEffect),
    /// The code is wrong.
    Wrong {
        /// The clock skew, if the code is right for another time.
        skew: Option<ClockSkew>,
    },
}

/// What accepting a code changes, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptEffect {
    /// Raises the last time step of the method.
    Step {
        /// The step of the code.
        step: TimeStep,
        /// The earliest instant at which the code was acceptable. It can be before the step starts.
        acceptable_from: Timestamp,
    },
    /// Only the approval is written.
    Plain,
    /// Uses up a recovery code. The epoch grows.
    RecoveryCode {
        /// The set of the code.
        set: RecoverySetId,
        /// The slot of the code in the set.
        slot: CodeSlot,
    },
    /// Uses up a recovery key and replaces it by a new one. The epoch grows.
    RecoveryKey {
        /// The set with this key.
        set: RecoverySetId,
    },
    /// Uses up a bypass code. The epoch grows.
    BypassCode {
        /// The bypass code.
        id: BypassCodeId,
    },
    /// Verifies the e-mail address, if its version did not change.
    EmailVerified {
        /// The version of the address at issue.
        version: u32,
    },
}

impl ExpectedAnswer {
    /// The kind of method whose code is expected; `None` for recovery codes.
    #[must_use]
    pub const fn kind(&self) -> Option<MethodKind> {
        match (self, self.destination()) {
            (Self::Totp { .. }, _) => Some(MethodKind::Totp),
            (_, Some(Destination::Phone(_))) => Some(MethodKind::Sms),
            (_, Some(Destination::Email(_))) => Some(MethodKind::Email),
            (_, None) => None,
        }
    }

    /// The destination of the code; `None` if no code is sent.
    #[must_use]
    pub const fn destination(&self) -> Option<&Destination> {
        match self {
            Self::Delivered { destination, .. } | Self::OfProvider { destination, .. } => {
                Some(destination)
            }
            Self::Totp { .. } | Self::RecoveryCode => None,
        }
    }

    /// The number of digits of the code; 0 for recovery codes.
    #[must_use]
    pub const fn digits(&self) -> u8 {
        match self {
            Self::Totp { parameters, .. } => parameters.digits,
            Self::Delivered { code, .. } => code.digits.get(),
            Self::OfProvider { verification, .. } => verification.digits.get(),
            Self::RecoveryCode => 0,
        }
    }

    /// The secret or destination of the method that the answer would enroll.
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
    /// The enrolled method that must answer, and its version.
    #[must_use]
    pub const fn asked_method(&self) -> Option<(MethodId, u32)> {
        match (&self.purpose, &self.expected_answer) {
            (Purpose::Enrollment(_), _) | (_, ExpectedAnswer::RecoveryCode) => None,
            (_, ExpectedAnswer::Totp { method, .. }) => Some(*method),
            (_, ExpectedAnswer::Delivered { code, .. }) => code.method,
            (_, ExpectedAnswer::OfProvider { verification, .. }) => verification.method,
        }
    }

    /// The id of the key that makes the code; `None` unless Countersign makes it.
    #[must_use]
    pub const fn code_key(&self) -> Option<&KeyId> {
        match &self.expected_answer {
            ExpectedAnswer::Delivered { code, .. } => Some(&code.key),
            ExpectedAnswer::Totp { .. }
            | ExpectedAnswer::RecoveryCode
            | ExpectedAnswer::OfProvider { .. } => None,
        }
    }

    /// Whether this fallback may answer: only at sign-in, after the first factor. Recovery codes and keys are accepted
    /// only if the policy offers them.
    #[must_use]
    pub fn takes(&self, fallback: AnsweredBy) -> bool {
        let accepted = self.recovery.accepted || fallback == AnsweredBy::BypassCode;
        self.purpose == Purpose::SignIn && accepted
    }

    /// The code to send, made with the key that [`Self::code_key`] names; `None` if Countersign makes no code.
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

    /// Judges a code as of the instant `at`. `key` is the one that [`Self::code_key`] names. Without it, no delivered
    /// code is right. Codes that a provider made are always wrong here: use [`Self::judge_checked`].
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

    /// Judges a code by the verdict of its provider. Provider approval counts only for provider-made codes. A
    /// verification that ended is judged wrong, because the code was not shown to be right.
    #[must_use]
    pub const fn judge_checked(&self, checked: ProviderCodeVerdict) -> AttemptJudgment {
        match (&self.expected_answer, checked) {
            (ExpectedAnswer::OfProvider { .. }, ProviderCodeVerdict::Approved) => {
                AttemptJudgment::Right(self.effect_of_delivered())
            }
            _ => AttemptJudgment::Wrong { skew: None },
        }
    }

    /// The budget of an attempt class, fixed at issue.
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
