//! One notifier: the countries it serves, its circuit breaker, and calls to it.

use crate::{
    config::EndpointConfig,
    notify::client::{
        NotifierConfigError,
        attempt::DeliveryAttempt,
        breaker::NotifierBreaker,
        endpoint::{MAX_ANSWER, bearer, channel, countries, serves},
    },
    outbound::{ServiceChannel, UnansweredCall, answer, with_headers},
};
use countersign_domain::{
    limits::circuit_breaker::BreakerConfig, notice::message::DeliveryResult,
    value::country::Country,
};
use countersign_proto::notifier::{
    DeliverRequest, deliver_response::Outcome, notifier_service_client::NotifierServiceClient,
};
use std::{path::PathBuf, time::Duration};
use tokio::time::timeout;
use tonic::{
    Status,
    metadata::{Ascii, MetadataValue},
};

pub(super) struct NotifierRoute {
    name: String,
    countries: Vec<Country>,
    channel: ServiceChannel,
    bearer: Option<MetadataValue<Ascii>>,
    breaker: NotifierBreaker,
}

impl NotifierRoute {
    pub(super) fn new(
        config: &EndpointConfig,
        token_file: Option<&PathBuf>,
        breaker_config: BreakerConfig,
    ) -> Result<Self, NotifierConfigError> {
        Ok(Self {
            name: config.name().to_owned(),
            countries: countries(config)?,
            channel: channel(config)?,
            bearer: bearer(config, token_file)?,
            breaker: NotifierBreaker::new(config.name(), breaker_config),
        })
    }

    /// Whether it delivers to a country. E-mail addresses have none.
    pub(super) fn serves(&self, country: Option<Country>) -> bool {
        serves(&self.countries, country)
    }

    /// Whether its circuit admits a call now.
    pub(super) fn is_admitted(&self) -> bool {
        self.breaker.is_admitted()
    }

    /// Delivers a message, unless the circuit is open.
    pub(super) async fn try_once(
        &self,
        message: &DeliverRequest,
        share: Duration,
    ) -> DeliveryAttempt {
        let Some(permit) = self.breaker.admit() else {
            return DeliveryAttempt::NotTaken;
        };
        let attempt = self.ask(message, share).await;
        self.breaker.report(permit, attempt.report());
        attempt
    }

    async fn ask(&self, message: &DeliverRequest, share: Duration) -> DeliveryAttempt {
        let connection = self.channel.current();
        let stub = NotifierServiceClient::new(connection.channel.clone());
        let mut stub = stub.max_decoding_message_size(MAX_ANSWER);
        let request = with_headers(message.clone(), self.bearer.as_ref(), share);
        let unanswered = match answer(timeout(share, stub.deliver(request)).await) {
            Ok(response) => match response.outcome {
                Some(Outcome::Accepted(_)) => {
                    return DeliveryAttempt::Answered(DeliveryResult::Taken);
                }
                Some(Outcome::Refused(refused)) => return DeliveryAttempt::of_refusal(refused),
                None => UnansweredCall::Status(Status::unknown("response without an outcome")),
            },
            Err(unanswered) => unanswered,
        };
        if matches!(unanswered, UnansweredCall::Late) {
            self.channel.replace(&connection);
        }
        DeliveryAttempt::unanswered(&self.name, &unanswered)
    }
}
