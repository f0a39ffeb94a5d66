//! `IssueChallenge`: asks a user for a code, for one purpose.

use crate::app::{CallerRequest, ChallengeView, Error, dependencies::ChallengeDependencies};
use countersign_domain::{
    authorization::action::{Action, Transaction},
    value::id::{ChallengeId, MethodId},
};
use std::sync::Arc;

/// What a caller asks for.
pub struct IssueRequest {
    /// What an approval will be good for.
    pub purpose: RequestedPurpose,
    /// What is to answer.
    pub answer_with: AnswerChoice,
    /// An open challenge that dies in the same step.
    pub instead_of: Option<ChallengeId>,
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

/// Opens a challenge: one durable read, one script, and, for SMS and e-mail, one message.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn issue_challenge(
    deps: &Arc<ChallengeDependencies>,
    call: CallerRequest,
    asked: IssueRequest,
) -> Result<ChallengeView, Error> {
    deps.requests
        .run_loaded(deps, call, |deps, context| async move {
            let draft = deps.drafts.draft(&context, asked)?;
            deps.issuer.issue(&context, draft).await
        })
        .await
}
