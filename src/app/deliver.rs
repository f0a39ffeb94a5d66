//! Messages with codes: how they are handed over, and what becomes of them.

use crate::{
    app::{
        CallContext, ChallengeView, Error,
        reserve::{Reserved, SendBudgets},
    },
    ports::{Challenges, Clock, Keys, Notifier, SentMessage},
};
use countersign_domain::{
    book::Standing,
    challenge::{Asks, Challenge, Purpose},
    destination::{Channel, Destination},
    message::{Content, Delivery, Handover, Message},
    refusal::Refusal,
    tenant::DisplayNames,
    verification::{Start, Verification},
};
use std::{sync::Arc, time::Duration};

/// A first call whose message is not handed over after this long has died on the way.
const IN_FLIGHT: Duration = Duration::from_secs(15);

/// A challenge that is open.
pub(super) struct Posted {
    pub(super) challenge: Challenge,
    pub(super) standing: Standing,
    /// What this call has charged for its message, which is this call's to send; nothing where another call opened it.
    pub(super) fresh: Option<Reserved>,
}

/// Hands codes to notifiers, or has their providers send them.
pub(super) struct CodeDelivery {
    pub(super) challenges: Arc<dyn Challenges>,
    pub(super) notifier: Arc<dyn Notifier>,
    pub(super) keys: Arc<dyn Keys>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) send_budgets: Arc<SendBudgets>,
    pub(super) display_names: Arc<DisplayNames>,
}

impl CodeDelivery {
    /// Hands the code of an open challenge to the notifier, or has its provider send it, if this call is the one that has
    /// to.
    pub(super) async fn deliver_code(
        &self,
        call: &CallContext,
        posted: Posted,
    ) -> Result<ChallengeView, Error> {
        let Posted {
            challenge,
            standing,
            fresh,
        } = posted;
        let Some(reserved) = fresh else {
            return self.as_it_stands(challenge, standing);
        };
        let Some(handover) = self.hand_over(&challenge, &standing).await else {
            return Ok(ChallengeView::open(challenge, standing));
        };
        let delivery = handover.delivery();
        if delivery == Delivery::Failed {
            let channel = challenge.asks.destination().map(Destination::channel);
            tracing::warn!(
                channel = channel.map(Channel::as_str),
                "no notifier took a message with a code"
            );
            self.send_budgets.end_wait(&reserved).await;
        }
        let sent = SentMessage {
            challenge: challenge.id,
            ordinal: standing.sends,
        };
        let recorded = self
            .challenges
            .record_delivery(call.subject_tag, sent, delivery);
        if let Err(unavailable) = recorded.await {
            tracing::warn!(%unavailable, "what became of a message could not be noted");
        }
        let next_send_at = match delivery {
            Delivery::Failed => standing.next_send_at.map(|_| standing.sent_at),
            Delivery::HandedOver | Delivery::Unknown => standing.next_send_at,
        };
        let delivery = Some(delivery);
        Ok(ChallengeView::open(
            challenge,
            Standing {
                delivery,
                next_send_at,
                ..standing
            },
        ))
    }

    /// What became of the message; nothing where none is sent.
    async fn hand_over(&self, challenge: &Challenge, standing: &Standing) -> Option<Handover> {
        if let Asks::OfProvider {
            verification,
            destination,
        } = &challenge.asks
        {
            let started = self.start_verification(challenge, standing, verification, destination);
            return Some(started.await);
        }
        let message = self.code_message(challenge, standing)?;
        Some(self.notifier.deliver(&message).await)
    }

    fn as_it_stands(
        &self,
        challenge: Challenge,
        standing: Standing,
    ) -> Result<ChallengeView, Error> {
        let sends = challenge.asks.destination().is_some();
        if !sends || standing.delivery.is_some() {
            return Ok(ChallengeView::open(challenge, standing));
        }
        if self.clock.now().since(standing.sent_at) < IN_FLIGHT {
            return Err(Error::RequestInFlight);
        }
        let delivery = Some(Delivery::Unknown);
        Ok(ChallengeView::open(
            challenge,
            Standing {
                delivery,
                ..standing
            },
        ))
    }

    fn code_message(&self, challenge: &Challenge, standing: &Standing) -> Option<Message> {
        let Asks::Delivered { destination, .. } = &challenge.asks else {
            return None;
        };
        let now = self.clock.now();
        let key = challenge
            .code_key()
            .and_then(|id| self.keys.code_key(id, now))?;
        let transaction = match &challenge.purpose {
            Purpose::StepUp { transaction, .. } => transaction.clone(),
            Purpose::SignIn
            | Purpose::VerifyEmail { .. }
            | Purpose::Enrollment(_)
            | Purpose::Reset(_) => None,
        };
        Some(Message {
            key: format!("{}-{}", challenge.id, standing.sends),
            tenant: challenge.subject.tenant.clone(),
            destination: destination.clone(),
            locale: challenge.locale.clone(),
            display_name: self.display_names.of(&challenge.subject.tenant),
            content: Content::Code {
                code: challenge.code_to_send(&key)?,
                purpose: challenge.purpose.of_code(),
                transaction,
                asked_at: challenge.issued_at,
                whence: challenge.whence.clone(),
                good_for: challenge.expires_at.since(now),
                expires_at: challenge.expires_at,
            },
        })
    }

    /// Whether messages get to where the code would go.
    pub(super) fn reaches(&self, asks: &Asks) -> Result<(), Refusal> {
        match asks.destination() {
            Some(destination) if !self.notifier.reaches(destination) => Err(Refusal::NoNotifier),
            _ => Ok(()),
        }
    }

    /// Has the provider send its code: the same verification, however often.
    async fn start_verification(
        &self,
        challenge: &Challenge,
        standing: &Standing,
        verification: &Verification,
        destination: &Destination,
    ) -> Handover {
        let start = Start {
            key: format!("{}-{}", verification.id, standing.sends),
            verification: verification.clone(),
            destination: destination.clone(),
            locale: challenge.locale.clone(),
            display_name: self.display_names.of(&challenge.subject.tenant),
            purpose: challenge.purpose.of_code(),
            expires_at: challenge.expires_at,
        };
        self.notifier.start(&start).await
    }
}
