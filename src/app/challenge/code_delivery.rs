//! Delivers messages with codes, and records the results.

use crate::{
    app::{
        ChallengeView, Error,
        challenge::send_budgets::{ReservedBudgets, SendBudgets},
        context::CallContext,
    },
    ports::{ChallengeStore, KeyService, MessageRef, Notifier},
};
use countersign_domain::{
    challenge::{
        Challenge, ExpectedAnswer, Purpose,
        provider_code::{ProviderCodeRequest, ProviderVerification},
    },
    limits::user_throttle::ChallengeSnapshot,
    notice::message::{DeliveryResult, DeliveryStatus, MessageContent, OutboundMessage},
    refusal::Refusal,
    value::{
        destination::{Channel, Destination},
        tenant::DisplayNames,
    },
};
use countersign_transport::system::Clock;
use std::{sync::Arc, time::Duration};

/// If the first call has recorded no delivery after this time, a repeat reports the delivery as unknown.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(15);

/// A challenge that is open.
pub(crate) struct OpenedChallenge {
    pub(crate) challenge: Challenge,
    pub(crate) snapshot: ChallengeSnapshot,
    /// The charge of the message, which this call must send. `None` if an earlier call opened the challenge.
    pub(crate) fresh: Option<ReservedBudgets>,
}

/// Delivers codes through notifiers and providers.
pub(crate) struct CodeDelivery {
    pub(crate) challenges: Arc<dyn ChallengeStore>,
    pub(crate) notifier: Arc<dyn Notifier>,
    pub(crate) keys: Arc<dyn KeyService>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) send_budgets: Arc<SendBudgets>,
    pub(crate) display_names: Arc<DisplayNames>,
}

impl CodeDelivery {
    /// Delivers the code of an open challenge through a notifier or its provider, unless an earlier call does so.
    pub(crate) async fn deliver_code(
        &self,
        call: &CallContext,
        posted: OpenedChallenge,
    ) -> Result<ChallengeView, Error> {
        let OpenedChallenge {
            challenge,
            snapshot,
            fresh,
        } = posted;
        let Some(reserved) = fresh else {
            return self.snapshot(challenge, snapshot);
        };
        let handover = self.hand_over(&challenge, &snapshot);
        let Some(handover) = call.permit.release_during(handover).await else {
            return Ok(ChallengeView::open(challenge, snapshot));
        };
        let delivery = handover.delivery();
        if delivery == DeliveryStatus::Failed {
            let channel = challenge
                .expected_answer
                .destination()
                .map(Destination::channel);
            tracing::warn!(
                channel = channel.map(Channel::as_str),
                "no notifier accepted the message with a code"
            );
            self.send_budgets.end_wait(&reserved).await;
        }
        let sent = MessageRef {
            challenge: challenge.id,
            ordinal: snapshot.sends,
        };
        let recorded = self
            .challenges
            .record_delivery(call.subject_tag, sent, delivery);
        if let Err(unavailable) = recorded.await {
            tracing::warn!(%unavailable, "delivery result not recorded");
        }
        let next_send_at = match delivery {
            DeliveryStatus::Failed => snapshot.next_send_at.map(|_| snapshot.sent_at),
            DeliveryStatus::HandedOver | DeliveryStatus::Unknown => snapshot.next_send_at,
        };
        let delivery = Some(delivery);
        Ok(ChallengeView::open(
            challenge,
            ChallengeSnapshot {
                delivery,
                next_send_at,
                ..snapshot
            },
        ))
    }

    /// Delivers the code and returns the result; `None` if the challenge sends no message.
    async fn hand_over(
        &self,
        challenge: &Challenge,
        snapshot: &ChallengeSnapshot,
    ) -> Option<DeliveryResult> {
        if let ExpectedAnswer::OfProvider {
            verification,
            destination,
        } = &challenge.expected_answer
        {
            let started = self.start_verification(challenge, snapshot, verification, destination);
            return Some(started.await);
        }
        let message = self.code_message(challenge, snapshot)?;
        Some(self.notifier.deliver(&message).await)
    }

    fn snapshot(
        &self,
        challenge: Challenge,
        snapshot: ChallengeSnapshot,
    ) -> Result<ChallengeView, Error> {
        let sends = challenge.expected_answer.destination().is_some();
        if !sends || snapshot.delivery.is_some() {
            return Ok(ChallengeView::open(challenge, snapshot));
        }
        if self.clock.now().since(snapshot.sent_at) < DELIVERY_TIMEOUT {
            return Err(Error::RequestInFlight);
        }
        let delivery = Some(DeliveryStatus::Unknown);
        Ok(ChallengeView::open(
            challenge,
            ChallengeSnapshot {
                delivery,
                ..snapshot
            },
        ))
    }

    fn code_message(
        &self,
        challenge: &Challenge,
        snapshot: &ChallengeSnapshot,
    ) -> Option<OutboundMessage> {
        let ExpectedAnswer::Delivered { destination, .. } = &challenge.expected_answer else {
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
        Some(OutboundMessage {
            key: format!("{}-{}", challenge.id, snapshot.sends),
            tenant: challenge.subject.tenant.clone(),
            destination: destination.clone(),
            locale: challenge.locale.clone(),
            display_name: self.display_names.of(&challenge.subject.tenant),
            account: challenge.account.clone()?,
            content: MessageContent::Code {
                code: challenge.code_to_send(&key)?,
                purpose: challenge.purpose.of_code(),
                transaction,
                asked_at: challenge.issued_at,
                client_description: challenge.client_description.clone(),
                valid_for: challenge.expires_at.since(now),
                expires_at: challenge.expires_at,
            },
        })
    }

    /// Checks that a notifier serves the destination of the code.
    pub(crate) fn reaches(&self, expected_answer: &ExpectedAnswer) -> Result<(), Refusal> {
        match expected_answer.destination() {
            Some(destination) if !self.notifier.reaches(destination) => Err(Refusal::NoNotifier),
            _ => Ok(()),
        }
    }

    /// Asks the provider to send its code. Every send uses the same verification id.
    async fn start_verification(
        &self,
        challenge: &Challenge,
        snapshot: &ChallengeSnapshot,
        verification: &ProviderVerification,
        destination: &Destination,
    ) -> DeliveryResult {
        let start = ProviderCodeRequest {
            key: format!("{}-{}", verification.id, snapshot.sends),
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
