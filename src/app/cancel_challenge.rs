//! `CancelChallenge`: a challenge ends at its caller's wish. Its attempts stay charged.

use crate::{
    app::{App, Call, Error},
    ports::EndChallenges,
};
use countersign_domain::{
    change::Ending,
    event::{EventKind, Facts},
    id::ChallengeId,
};
use std::sync::Arc;

impl App {
    /// Ends a challenge. One that ended already stays as it ended.
    ///
    /// # Errors
    /// [`Error::ChallengeNotFound`] if there is none.
    pub async fn cancel_challenge(
        self: &Arc<Self>,
        call: Call,
        id: ChallengeId,
    ) -> Result<(), Error> {
        self.to_the_end(
            call,
            move |app, call| async move { app.cancel(&call, id).await },
        )
        .await
    }

    async fn cancel(&self, call: &Call, id: ChallengeId) -> Result<(), Error> {
        let now = self.now();
        let challenge = match self.find_open(call, id, now).await {
            Err(Error::ChallengeNotFound) => {
                let ended = self.ended(call, id).await?;
                return ended.map(drop).ok_or(Error::ChallengeNotFound);
            }
            found => found?,
        };
        let facts = Facts::none()
            .with("challenge_id", id)
            .with("purpose", challenge.purpose.as_str());
        let event = self.event(
            call,
            &challenge.user_key,
            EventKind::ChallengeCancelled,
            facts,
            now,
        );
        // Durable first: should short-lived memory fail to drop it, no answer to it will be approved.
        let ends = EndChallenges {
            who: call.who.clone(),
            challenges: vec![(id, call.caller.name.clone())],
            how: Ending::Cancelled,
            at: now,
            event: Some(event),
        };
        self.accounts().end_challenges(&ends).await?;
        Ok(self
            .parts
            .challenges
            .drop_challenge(self.tag(call), id)
            .await?)
    }
}
