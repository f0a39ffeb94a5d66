//! What a caller asks of a challenge.

use countersign_domain::{
    authorization::action::{Action, Transaction},
    value::id::{ChallengeId, MethodId},
};

/// What a caller asks for.
pub struct IssueRequest {
    /// What an approval will be good for.
    pub purpose: RequestedPurpose,
    /// What is to answer.
    pub answer_with: AnswerChoice,
    /// An open challenge that dies in the same step.
    pub replaced_challenge_id: Option<ChallengeId>,
    /// The audience that the caller names.
    pub audience: String,
}

/// What an approval will be good for.
pub enum RequestedPurpose {
    /// The second factor of a sign-in.
    SignIn,
    /// Proof before an action.
    StepUp(Action, Option<Transaction>),
    /// Proof of control of the address on file.
    VerifyEmail,
}

/// What is to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerChoice {
    /// The default method.
    Default,
    /// This method.
    Method(MethodId),
    /// A recovery code and nothing else.
    RecoveryOnly,
}
