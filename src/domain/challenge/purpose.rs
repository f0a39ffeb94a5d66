//! What a challenge is for.

use crate::{
    authorization::action::{Action, Transaction},
    method::MethodLabel,
    notice::message::CodePurpose,
    value::id::{MethodId, ResetId},
};
use serde::{Deserialize, Serialize};

/// What an approval will be good for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// The second factor of a sign-in.
    SignIn,
    /// Proof before an action.
    StepUp {
        /// The action.
        action: Action,
        /// What the person was shown.
        transaction: Option<Transaction>,
    },
    /// Proof of control of the address on file, as it stood at this version.
    VerifyEmail {
        /// Grows with each change of the address.
        version: u32,
    },
    /// Confirmation of a new method.
    Enrollment(PendingEnrollment),
    /// Confirmation of a reset whose hold is over.
    Reset(ResetId),
}

/// A method that waits for its set-up code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingEnrollment {
    /// The id that it will have.
    pub method: MethodId,
    /// Its name.
    pub label: MethodLabel,
    /// A method that goes in the same step.
    pub replaced_method_id: Option<MethodId>,
    /// What let it begin.
    pub enrollment_authorization: EnrollmentAuthorization,
}

/// What let an enrollment begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EnrollmentAuthorization {
    /// A proof that a user with a second factor can give.
    Proof,
    /// A first factor alone, because no method counted; void as soon as one does.
    FirstFactor,
    /// The ticket of a sign-in that waits for it; as void.
    Ticket,
    /// A sign-in by a recovery code or key, which said that the methods before it are lost: so nobody can revert it alone.
    Recovery,
    /// A sign-in by an administrator's bypass code, which said the same: so nobody can revert it.
    Bypass,
}

impl EnrollmentAuthorization {
    /// Whether it took no second factor.
    #[must_use]
    pub const fn is_first_factor(self) -> bool {
        match self {
            Self::FirstFactor | Self::Ticket => true,
            Self::Proof | Self::Recovery | Self::Bypass => false,
        }
    }
}

impl EnrollmentAuthorization {
    /// Its name in events.
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
    /// Its name in stores, assertions, events and metrics.
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

    /// Whether the code goes to a destination that nobody confirmed yet, and the right answer confirms it.
    #[must_use]
    pub const fn confirms_destination(&self) -> bool {
        matches!(self, Self::VerifyEmail { .. } | Self::Enrollment(_))
    }

    /// What a message with a code says that it is for.
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

    /// Whether the message has to show what the person is about to confirm.
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

    /// All that a code is bound to on behalf of the purpose: another action or transaction makes another code.
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
