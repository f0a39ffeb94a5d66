//! One notifier: whom it serves, whether it is passed over for now, and what trying it comes to.

use crate::{
    config::EndpointConfig,
    notify::client::BadNotifier,
    outbound::{Peer, has_cause},
    proto::notifier::{
        DeliverRequest, DeliverResponse, RefusalReason, deliver_response::Outcome,
        notifier_service_client::NotifierServiceClient,
    },
};
use countersign_domain::{
    breaker::{Patience, Permit, Report, Turn},
    country::Country,
    message::Handover,
};
use std::{error::Error, path::PathBuf, time::Duration};
use tokio::time::timeout;
use tonic::{Code, ConnectError, Status, TimeoutExpired, transport::Channel};

/// The section of the configuration that names notifiers.
const SECTION: &str = "notifiers";

/// The largest answer of a notifier that is read, in bytes.
const MAX_ANSWER: usize = 16 * 1024;

/// One notifier.
pub(super) struct Route {
    peer: Peer,
    countries: Vec<Country>,
    stub: NotifierServiceClient<Channel>,
}

/// What became of one try.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tried {
    /// It answered: nobody else is asked.
    Answered(Handover),
    /// It did not take the message, or was not asked.
    NotTaken,
    /// It does not take this message now, and is well.
    PutOff,
    /// It says that the message is none for it to take, now or later.
    Unacceptable,
    /// It may have taken the message.
    Silent,
}

impl Route {
    pub(super) fn new(
        config: &EndpointConfig,
        token_file: Option<&PathBuf>,
        patience: Patience,
    ) -> Result<Self, BadNotifier> {
        let countries = config.countries();
        let peer = Peer::new(SECTION, config, token_file, patience)?;
        Ok(Self {
            countries: countries.map_err(|bad| BadNotifier::Country(config.url.clone(), bad))?,
            stub: NotifierServiceClient::new(peer.channel()).max_decoding_message_size(MAX_ANSWER),
            peer,
        })
    }

    /// Whether it delivers to a country; addresses have none.
    pub(super) fn serves(&self, country: Option<Country>) -> bool {
        self.countries.is_empty()
            || country.is_some_and(|country| self.countries.contains(&country))
    }

    /// Whether it is not passed over.
    pub(super) fn is_admitted(&self) -> bool {
        self.peer.is_admitted()
    }

    /// Hands it a message, if it is not passed over.
    pub(super) async fn try_once(&self, message: &DeliverRequest, share: Duration) -> Tried {
        let Some(permit) = self.peer.admit() else {
            return Tried::NotTaken;
        };
        let tried = self.ask(message, share).await;
        self.report(permit, &tried);
        tried
    }

    async fn ask(&self, message: &DeliverRequest, share: Duration) -> Tried {
        let notifier = self.peer.name();
        let mut stub = self.stub.clone();
        let request = self.peer.request(message.clone(), share);
        let status = match timeout(share, stub.deliver(request)).await {
            Ok(Ok(response)) => match judge(response.into_inner()) {
                Some(tried) => return tried,
                None => Status::unknown("an answer without an outcome"),
            },
            Ok(Err(status)) if !has_cause::<TimeoutExpired>(&status) => status,
            // tonic keeps the deadline in the header too, and may notice it first.
            Ok(Err(_)) | Err(_) => {
                tracing::warn!(notifier, "a notifier did not answer in time");
                return Tried::Silent;
            }
        };
        tracing::warn!(notifier, code = ?status.code(), "a notifier did not take a message");
        by_status(&status)
    }

    /// One that finds fault with the message is alive: else whoever has a number that a provider does not like could
    /// switch it off.
    fn report(&self, permit: Permit, tried: &Tried) {
        let report = match tried {
            Tried::Answered(_) | Tried::Unacceptable | Tried::PutOff => Report::Answered,
            Tried::NotTaken | Tried::Silent => Report::Failed,
        };
        let turn = self.peer.report(permit, report);
        let notifier = self.peer.name();
        match turn {
            Some(Turn::Opened) => {
                tracing::warn!(
                    notifier,
                    "a notifier failed time after time; it is passed over"
                );
            }
            Some(Turn::Closed) => {
                tracing::info!(
                    notifier,
                    "a notifier answers again; it is no longer passed over"
                );
            }
            None => {}
        }
    }
}

/// What a status says of a message. One that has a cause was not sent by the notifier: either nobody was reached, or the
/// connection broke off, and the message may have been taken before.
fn by_status(status: &Status) -> Tried {
    match status.source() {
        None => by_code(status.code()),
        Some(_) if has_cause::<ConnectError>(status) => Tried::NotTaken,
        Some(_) => Tried::Silent,
    }
}

/// Some leave open what became of the message, an answer that is too long to be read (`OUT_OF_RANGE`) among them.
const fn by_code(code: Code) -> Tried {
    match code {
        Code::Cancelled
        | Code::Unknown
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Internal
        | Code::DataLoss => Tried::Silent,
        Code::InvalidArgument | Code::FailedPrecondition => Tried::Unacceptable,
        Code::ResourceExhausted => Tried::PutOff,
        _ => Tried::NotTaken,
    }
}

/// What one does not serve, another may.
fn judge(response: DeliverResponse) -> Option<Tried> {
    match response.outcome? {
        Outcome::Accepted(_) => Some(Tried::Answered(Handover::Taken)),
        Outcome::Refused(refused) => {
            let reason = refused.reason();
            tracing::info!(?reason, "a notifier says that a message can't be delivered");
            Some(match reason {
                RefusalReason::NotServed => Tried::Unacceptable,
                RefusalReason::Unspecified
                | RefusalReason::InvalidDestination
                | RefusalReason::OptedOut => Tried::Answered(Handover::Refused),
            })
        }
    }
}
