//! A caller's request for a challenge.

use countersign_domain::{
    authorization::action::{Action, Transaction},
    value::id::{ChallengeId, MethodId},
};

/// A caller's request for a challenge.
pub struct IssueRequest {
    /// What an approval of the challenge authorizes.
    pub purpose: RequestedPurpose,
    /// How the user is to answer.
    pub answer_with: AnswerChoice,
    /// An open challenge that the new one replaces in the same step.
    pub replaced_challenge_id: Option<ChallengeId>,
    /// The audience of the assertion, as the caller names it.
    pub audience: String,
}

/// What an approval of the challenge authorizes.
pub enum RequestedPurpose {
    /// The second factor of a sign-in.
    SignIn,
    /// One action of a signed-in user, with the transaction that the message shows.
    StepUp(Action, Option<Transaction>),
    /// Control of the e-mail address in the profile.
    VerifyEmail,
}

/// How the user is to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerChoice {
    /// With a code of the default method.
    Default,
    /// With a code of this method.
    Method(MethodId),
    /// With a recovery code or key only.
    RecoveryOnly,
}
