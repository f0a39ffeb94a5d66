//! One notifier: whom it serves, whether it is passed over for now, and what trying it comes to.

use crate::{
    config::EndpointConfig,
    notify::client::{
        BadNotifier,
        endpoint::{bearer, stub},
        request::with_headers,
    },
    proto::notifier::{
        DeliverRequest, DeliverResponse, deliver_response::Outcome,
        notifier_service_client::NotifierServiceClient,
    },
};
use countersign_domain::{
    breaker::{Breaker, Patience, Permit, Report, Turn},
    country::Country,
    message::Handover,
};
use std::{
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, timeout};
use tonic::{
    Code, Status,
    metadata::{Ascii, MetadataValue},
    transport::Channel,
};

/// One notifier.
pub(super) struct Route {
    name: String,
    countries: Vec<Country>,
    stub: NotifierServiceClient<Channel>,
    bearer: Option<MetadataValue<Ascii>>,
    breaker: Mutex<Breaker>,
    /// What the breaker's time is counted from.
    began: Instant,
}

/// What became of one try.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tried {
    /// It answered: nobody else is asked.
    Answered(Handover),
    /// It did not take the message, or was not asked.
    NotTaken,
    /// It says that the message is none to take, now or later.
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
        let token_file = config.token_file.as_ref().or(token_file);
        Ok(Self {
            name: config.name().to_owned(),
            countries: config
                .countries()
                .map_err(|bad| BadNotifier::Country(config.url.clone(), bad))?,
            stub: stub(config)?,
            bearer: token_file.map(|file| bearer(file)).transpose()?,
            breaker: Mutex::new(Breaker::new(patience)),
            began: Instant::now(),
        })
    }

    /// Whether it delivers to a country; addresses have none.
    pub(super) fn serves(&self, country: Option<Country>) -> bool {
        self.countries.is_empty()
            || country.is_some_and(|country| self.countries.contains(&country))
    }

    /// Whether it is not passed over.
    pub(super) fn is_admitted(&self) -> bool {
        self.breaker().admits(self.began.elapsed())
    }

    /// Hands it a message, if it is not passed over.
    pub(super) async fn try_once(&self, message: &DeliverRequest, share: Duration) -> Tried {
        let permit = self.breaker().admit(self.began.elapsed());
        let Some(permit) = permit else {
            return Tried::NotTaken;
        };
        let tried = self.ask(message, share).await;
        self.report(permit, &tried);
        tried
    }

    async fn ask(&self, message: &DeliverRequest, share: Duration) -> Tried {
        let notifier = self.name.as_str();
        let mut stub = self.stub.clone();
        let request = with_headers(message.clone(), self.bearer.as_ref());
        let status = match timeout(share, stub.deliver(request)).await {
            Ok(Ok(response)) => match judge(response.into_inner()) {
                Some(handover) => return Tried::Answered(handover),
                None => Status::unknown("an answer without an outcome"),
            },
            Ok(Err(status)) => status,
            Err(_elapsed) => {
                tracing::warn!(notifier, "a notifier did not answer in time");
                return Tried::Silent;
            }
        };
        tracing::warn!(notifier, code = ?status.code(), "a notifier did not take a message");
        by_status(status.code())
    }

    /// One that finds fault with the message is alive.
    fn report(&self, permit: Permit, tried: &Tried) {
        let report = match tried {
            Tried::Answered(_) | Tried::Unacceptable => Report::Answered,
            Tried::NotTaken | Tried::Silent => Report::Failed,
        };
        let turn = self.breaker().report(permit, report, self.began.elapsed());
        let notifier = self.name.as_str();
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

    /// A breaker is whole between any two of its methods, so that a panic elsewhere spoils nothing.
    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a status says of a message. Some leave open what became of it.
const fn by_status(code: Code) -> Tried {
    match code {
        Code::Cancelled
        | Code::Unknown
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::Internal
        | Code::DataLoss => Tried::Silent,
        Code::InvalidArgument | Code::FailedPrecondition => Tried::Unacceptable,
        _ => Tried::NotTaken,
    }
}

fn judge(response: DeliverResponse) -> Option<Handover> {
    match response.outcome? {
        Outcome::Accepted(_) => Some(Handover::Taken),
        Outcome::Refused(refused) => {
            tracing::info!(reason = ?refused.reason(), "a notifier says that a message can't be delivered");
            Some(Handover::Refused)
        }
    }
}
