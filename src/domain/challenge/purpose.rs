//! The purposes of a challenge.

use crate::{
    authorization::action::{Action, Transaction},
    method::MethodLabel,
    notice::message::CodePurpose,
    value::id::{MethodId, ResetId},
};
use serde::{Deserialize, Serialize};

/// The purpose of a challenge and of its approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// The second factor of a sign-in.
    SignIn,
    /// Proof before an action.
    StepUp {
        /// The action.
        action: Action,
        /// The transaction that the user sees.
        transaction: Option<Transaction>,
    },
    /// Proof that the user controls their e-mail address, at this version.
    VerifyEmail {
        /// Grows with each change of the address.
        version: u32,
    },
    /// Confirmation of a new method.
    Enrollment(PendingEnrollment),
    /// Confirmation of a reset whose waiting period is over.
    Reset(ResetId),
}

/// A method that is enrolled when its code is confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingEnrollment {
    /// The id that the method will have.
    pub method: MethodId,
    /// The label that the method will have.
    pub label: MethodLabel,
    /// The method that is removed in the same change.
    pub replaced_method_id: Option<MethodId>,
    /// What authorized the enrollment.
    pub enrollment_authorization: EnrollmentAuthorization,
}

/// What authorized an enrollment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EnrollmentAuthorization {
    /// A proof that a user with a second factor can give.
    Proof,
    /// The first factor alone, because no method counts. Void as soon as one does.
    FirstFactor,
    /// The ticket of a sign-in that requires enrollment. Void as soon as a method counts.
    Ticket,
    /// A sign-in by recovery code or key, which implies that the earlier methods are lost. It is reverted only with the
    /// codes.
    Recovery,
    /// A sign-in by bypass code, which implies the same. It can't be reverted.
    Bypass,
}

impl EnrollmentAuthorization {
    /// Whether no second factor was needed.
    #[must_use]
    pub const fn is_first_factor(self) -> bool {
        match self {
            Self::FirstFactor | Self::Ticket => true,
            Self::Proof | Self::Recovery | Self::Bypass => false,
        }
    }
}

impl EnrollmentAuthorization {
    /// The name in events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Proof => "PROOF",
            Self::FirstFactor => "FIRST_FACTOR",
            Self::Ticket => "TICKET",
            Self::Recovery => "RECOVERY",
            Self::Bypass => "BYPASS",
        }
    }
}

impl Purpose {
    /// The name in stores, assertions, events and metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::SignIn => "SIGN_IN",
            Self::StepUp { .. } => "STEP_UP",
            Self::VerifyEmail { .. } => "VERIFY_EMAIL",
            Self::Enrollment(_) => "ENROLLMENT",
            Self::Reset(_) => "RESET",
        }
    }

    /// Whether the code goes to an unconfirmed destination, which the right answer confirms.
    #[must_use]
    pub const fn confirms_destination(&self) -> bool {
        matches!(self, Self::VerifyEmail { .. } | Self::Enrollment(_))
    }

    /// The purpose that a message with the code states.
    #[must_use]
    pub const fn of_code(&self) -> CodePurpose {
        match self {
            Self::SignIn => CodePurpose::SignIn,
            Self::StepUp { .. } => CodePurpose::StepUp,
            Self::VerifyEmail { .. } => CodePurpose::VerifyEmail,
            Self::Enrollment(_) => CodePurpose::Enrollment,
            Self::Reset(_) => CodePurpose::Reset,
        }
    }

    /// Whether the message must show the transaction.
    #[must_use]
    pub const fn shows_transaction(&self) -> bool {
        matches!(
            self,
            Self::StepUp {
                transaction: Some(_),
                ..
            }
        )
    }

    /// The part of the purpose that a code is bound to: another action or transaction makes another code.
    #[must_use]
    pub fn binding(&self) -> String {
        match self {
            Self::SignIn => "SIGN_IN".to_owned(),
            Self::StepUp {
                action,
                transaction,
            } => {
                let digest = transaction.as_ref().map(|text| text.digest().to_string());
                format!("STEP_UP {action} {}", digest.unwrap_or_default())
            }
            Self::VerifyEmail { version } => format!("VERIFY_EMAIL {version}"),
            Self::Enrollment(enrollment) => format!("ENROLLMENT {}", enrollment.method),
            Self::Reset(id) => format!("RESET {id}"),
        }
    }
}
