//! `IssueChallenge`: requests a code from a user, for one purpose.

use crate::app::{
    CallerRequest, ChallengeView, Error, IssueRequest, dependencies::ChallengeDependencies,
};
use std::sync::Arc;

/// Opens a challenge: one read of the durable store, one Redis script and, for SMS and e-mail, one message.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn issue_challenge(
    deps: &Arc<ChallengeDependencies>,
    call: CallerRequest,
    request: IssueRequest,
) -> Result<ChallengeView, Error> {
    deps.requests
        .run_loaded(deps, call, |deps, context| async move {
            let draft = deps.drafts.draft(&context, request)?;
            deps.issuer.issue(&context, draft).await
        })
        .await
}
