//! One notifier: whom it serves, whether it is passed over for now, and what trying it comes to.

use crate::{
    config::EndpointConfig,
    notify::client::{
        BadNotifier,
        endpoint::{MAX_ANSWER, bearer, channel, countries, serves},
        fuse::Fuse,
        tried::Tried,
    },
    outbound::{Unanswered, answer, with_headers},
    proto::notifier::{
        DeliverRequest, deliver_response::Outcome, notifier_service_client::NotifierServiceClient,
    },
};
use countersign_domain::{breaker::Patience, country::Country, message::Handover};
use std::{path::PathBuf, time::Duration};
use tokio::time::timeout;
use tonic::{
    Status,
    metadata::{Ascii, MetadataValue},
    transport::Channel,
};

/// One notifier.
pub(super) struct Route {
    name: String,
    countries: Vec<Country>,
    stub: NotifierServiceClient<Channel>,
    bearer: Option<MetadataValue<Ascii>>,
    fuse: Fuse,
}

impl Route {
    pub(super) fn new(
        config: &EndpointConfig,
        token_file: Option<&PathBuf>,
        patience: Patience,
    ) -> Result<Self, BadNotifier> {
        Ok(Self {
            name: config.name().to_owned(),
            countries: countries(config)?,
            stub: NotifierServiceClient::new(channel(config)?)
                .max_decoding_message_size(MAX_ANSWER),
            bearer: bearer(config, token_file)?,
            fuse: Fuse::new(config.name(), patience),
        })
    }

    /// Whether it delivers to a country; addresses have none.
    pub(super) fn serves(&self, country: Option<Country>) -> bool {
        serves(&self.countries, country)
    }

    /// Whether it is not passed over.
    pub(super) fn is_admitted(&self) -> bool {
        self.fuse.is_admitted()
    }

    /// Hands it a message, if it is not passed over.
    pub(super) async fn try_once(&self, message: &DeliverRequest, share: Duration) -> Tried {
        let Some(permit) = self.fuse.admit() else {
            return Tried::NotTaken;
        };
        let tried = self.ask(message, share).await;
        self.fuse.report(permit, tried.report());
        tried
    }

    async fn ask(&self, message: &DeliverRequest, share: Duration) -> Tried {
        let mut stub = self.stub.clone();
        let request = with_headers(message.clone(), self.bearer.as_ref(), share);
        let unanswered = match answer(timeout(share, stub.deliver(request)).await) {
            Ok(response) => match response.outcome {
                Some(Outcome::Accepted(_)) => return Tried::Answered(Handover::Taken),
                Some(Outcome::Refused(refused)) => return Tried::of_refusal(refused),
                None => Unanswered::Status(Status::unknown("an answer without an outcome")),
            },
            Err(unanswered) => unanswered,
        };
        Tried::unanswered(&self.name, &unanswered)
    }
}
