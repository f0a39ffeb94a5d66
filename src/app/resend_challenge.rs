//! `ResendChallenge`: the same code once more, after a wait.

use crate::app::{App, Call, ChallengeView, Error, deliver::Posted};
use countersign_domain::{
    book::{Resend, Resent},
    id::ChallengeId,
    refusal::Refusal,
};
use std::sync::Arc;

impl App {
    /// Sends the code of an open challenge again. Neither attempts nor expiry change.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn resend_challenge(
        self: &Arc<Self>,
        call: Call,
        id: ChallengeId,
    ) -> Result<ChallengeView, Error> {
        self.to_the_end(
            call,
            move |app, call| async move { app.resend(&call, id).await },
        )
        .await
    }

    /// The same for a call of its own kind.
    pub(super) async fn resend(
        &self,
        call: &Call,
        id: ChallengeId,
    ) -> Result<ChallengeView, Error> {
        let now = self.now();
        let mark = self.mark(call);
        let challenge = self.find_open(call, id, now).await?;
        let confirmed = !challenge.purpose.confirms_destination();
        let send = self.send_charge(&challenge.asks, confirmed);
        let reserved = self.reserve(&challenge, send, mark, now).await?;
        let asked = Resend {
            challenge: id,
            caller: call.caller.name.clone(),
            mark,
            now,
        };
        let resent = self.parts.challenges.resend(self.tag(call), &asked).await?;
        if !matches!(resent, Resent::Send(_) | Resent::Repeated(_)) {
            self.give_back(&reserved).await;
        }
        let (standing, fresh) = match resent {
            Resent::Send(standing) => (standing, Some(reserved)),
            Resent::Repeated(standing) => (standing, None),
            Resent::RequestIdReused => return Err(Error::RequestIdReused),
            Resent::Full(until) => return Err(Error::too_many_sends(until, now)),
            Resent::NothingToSend => return Err(Refusal::NothingToSend.into()),
            Resent::NotOpen => return Err(Refusal::ChallengeOver.into()),
        };
        self.deliver_code(
            call,
            Posted {
                challenge,
                standing,
                fresh,
            },
        )
        .await
    }
}
