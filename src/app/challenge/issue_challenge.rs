//! `IssueChallenge`: requests a code from a user, for one purpose.

use crate::app::{
    CallerRequest, ChallengeView, Error, IssueRequest, dependencies::ChallengeDependencies,
};
use countersign_domain::value::time::Timestamp;
use std::sync::Arc;

/// A challenge that was issued.
pub(crate) struct IssuedChallenge {
    /// The challenge.
    pub(crate) challenge: ChallengeView,
    /// Until when no numeric code of this client is judged, if its rate limit is used up.
    pub(crate) throttled_until: Option<Timestamp>,
}

/// Opens a challenge: one read of the durable store, one Redis script and, for SMS and e-mail, one message.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn issue_challenge(
    deps: &Arc<ChallengeDependencies>,
    call: CallerRequest,
    request: IssueRequest,
) -> Result<IssuedChallenge, Error> {
    deps.requests
        .run_loaded(deps, call, |deps, context| async move {
            let draft = deps.drafts.draft(&context, request)?;
            Ok(IssuedChallenge {
                challenge: deps.issuer.issue(&context, draft).await?,
                throttled_until: context.throttled_until(),
            })
        })
        .await
}
