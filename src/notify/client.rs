//! The client of notifiers: far away, each with a share of the deadline, one after the other, behind a bulkhead.

use crate::{
    config::{NotifierConfig, NotifiersConfig},
    notify::texts::Texts,
    ports::Notifier,
    proto::notifier::{
        DeliverRequest, DeliverResponse, deliver_response::Outcome,
        notifier_service_client::NotifierServiceClient,
    },
};
use async_trait::async_trait;
use countersign_domain::{
    account::Served,
    destination::Channel,
    message::{Handover, Message},
};
use opentelemetry::propagation::Injector;
use std::{fs, io, path::PathBuf, sync::Arc, time::Duration};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};
use tonic::{
    Code, Request, Status,
    metadata::{Ascii, MetadataKey, MetadataMap, MetadataValue},
    transport::{self, ClientTlsConfig, Endpoint},
};
use tracing_opentelemetry::OpenTelemetrySpanExt;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const KEEPALIVE: Duration = Duration::from_secs(30);

/// The largest answer of a notifier that is read, in bytes.
const MAX_ANSWER: usize = 16 * 1024;

/// Hands messages to notifiers.
pub struct NotifierClient {
    texts: Arc<Texts>,
    sms: Option<Notifiers>,
    email: Option<Notifiers>,
}

/// Notifiers that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum BadNotifier {
    /// An endpoint that can't be read.
    #[error("notifiers: `{0}` is no endpoint: {1}")]
    Endpoint(String, transport::Error),
    /// A token that can't be read.
    #[error("notifiers: the token in {0} can't be read: {1}")]
    TokenFile(PathBuf, io::Error),
    /// A token that can't be sent.
    #[error("notifiers: the token in {0} has characters that a header can't carry")]
    Token(PathBuf),
}

/// The notifiers of one channel.
struct Notifiers {
    clients: Vec<Client>,
    bearer: Option<MetadataValue<Ascii>>,
    deadline: Duration,
    bulkhead: Semaphore,
}

struct Client {
    name: String,
    stub: NotifierServiceClient<transport::Channel>,
}

/// What became of one try.
#[derive(PartialEq, Eq)]
enum Tried {
    /// It answered: nobody else is asked.
    Answered(Handover),
    /// It did not take the message.
    NotTaken,
    /// It says that the message is none to take, now or later.
    Unacceptable,
    /// It may have taken the message.
    Silent,
}

impl NotifierClient {
    /// Over connections that are opened when they are needed.
    ///
    /// # Errors
    /// [`BadNotifier`].
    pub fn new(config: &NotifiersConfig, texts: Arc<Texts>) -> Result<Self, BadNotifier> {
        Ok(Self {
            texts,
            sms: Notifiers::new(&config.sms)?,
            email: Notifiers::new(&config.email)?,
        })
    }

    const fn of(&self, channel: Channel) -> Option<&Notifiers> {
        match channel {
            Channel::Sms => self.sms.as_ref(),
            Channel::Email => self.email.as_ref(),
        }
    }
}

#[async_trait]
impl Notifier for NotifierClient {
    fn served(&self) -> Served {
        Served {
            sms: self.sms.is_some(),
            email: self.email.is_some(),
        }
    }

    async fn deliver(&self, message: &Message) -> Handover {
        match self.of(message.destination.channel()) {
            Some(notifiers) => {
                let request = super::contract::request(message, &self.texts);
                notifiers.deliver(&request).await
            }
            None => Handover::NotTaken,
        }
    }
}

impl Notifiers {
    fn new(config: &NotifierConfig) -> Result<Option<Self>, BadNotifier> {
        if config.endpoints.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self {
            clients: config
                .endpoints
                .iter()
                .map(|url| Client::new(url))
                .collect::<Result<_, _>>()?,
            bearer: config.token_file.as_ref().map(bearer).transpose()?,
            deadline: Duration::from_millis(config.deadline_ms),
            bulkhead: Semaphore::new(config.max_in_flight),
        }))
    }

    /// Tries one notifier after the other. Each has an even share of what is left of the deadline, and the same
    /// idempotency key.
    async fn deliver(&self, request: &DeliverRequest) -> Handover {
        let Ok(_place) = self.bulkhead.try_acquire() else {
            tracing::warn!("too many messages are on their way to notifiers that do not answer");
            return Handover::NotTaken;
        };
        let ends = Instant::now() + self.deadline;
        let (mut silent, mut unacceptable) = (false, true);
        for (place, client) in self.clients.iter().enumerate() {
            let behind = u32::try_from(self.clients.len() - place).unwrap_or(u32::MAX);
            let share = ends.saturating_duration_since(Instant::now()) / behind;
            let tried = client.try_once(self.request(request), share).await;
            if let Tried::Answered(handover) = tried {
                return handover;
            }
            silent |= tried == Tried::Silent;
            unacceptable &= tried == Tried::Unacceptable;
        }
        match (silent, unacceptable) {
            (true, _) => Handover::Unanswered,
            (false, true) => Handover::Refused,
            (false, false) => Handover::NotTaken,
        }
    }

    fn request(&self, message: &DeliverRequest) -> Request<DeliverRequest> {
        let mut request = Request::new(message.clone());
        if let Some(bearer) = &self.bearer {
            request
                .metadata_mut()
                .insert("authorization", bearer.clone());
        }
        let context = tracing::Span::current().context();
        opentelemetry::global::get_text_map_propagator(|propagator| {
            propagator.inject_context(&context, &mut Metadata(request.metadata_mut()));
        });
        request
    }
}

impl Client {
    fn new(url: &str) -> Result<Self, BadNotifier> {
        let bad = |cause| BadNotifier::Endpoint(url.to_owned(), cause);
        let mut endpoint = Endpoint::from_shared(url.to_owned())
            .map_err(bad)?
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEPALIVE)
            .keep_alive_while_idle(true);
        if url.starts_with("https://") {
            endpoint = endpoint
                .tls_config(ClientTlsConfig::new().with_native_roots())
                .map_err(bad)?;
        }
        let stub = NotifierServiceClient::new(endpoint.connect_lazy())
            .max_decoding_message_size(MAX_ANSWER);
        let name = url.to_owned();
        Ok(Self { name, stub })
    }

    async fn try_once(&self, request: Request<DeliverRequest>, share: Duration) -> Tried {
        let mut stub = self.stub.clone();
        let answered = timeout(share, stub.deliver(request)).await;
        let status = match answered {
            Ok(Ok(response)) => match judge(response.into_inner()) {
                Some(handover) => return Tried::Answered(handover),
                None => Status::unknown("an answer without an outcome"),
            },
            Ok(Err(status)) => status,
            Err(_elapsed) => {
                tracing::warn!(notifier = self.name, "a notifier did not answer in time");
                return Tried::Silent;
            }
        };
        tracing::warn!(notifier = self.name, code = ?status.code(), "a notifier did not take a message");
        by_status(status.code())
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

fn bearer(file: &PathBuf) -> Result<MetadataValue<Ascii>, BadNotifier> {
    let token =
        fs::read_to_string(file).map_err(|cause| BadNotifier::TokenFile(file.clone(), cause))?;
    let mut bearer: MetadataValue<Ascii> = format!("Bearer {}", token.trim())
        .parse()
        .map_err(|_| BadNotifier::Token(file.clone()))?;
    bearer.set_sensitive(true);
    Ok(bearer)
}

struct Metadata<'a>(&'a mut MetadataMap);

impl Injector for Metadata<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(key), Ok(value)) = (MetadataKey::from_bytes(key.as_bytes()), value.parse()) {
            self.0.insert(key, value);
        }
    }
}
