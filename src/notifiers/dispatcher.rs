//! Delivers each message once per idempotency key. A delivery that started is finished and recorded even if its caller
//! disconnects.

use crate::{
    idempotency_store::{IdempotencyStore, ReservationResult},
    metrics::NotifierMetrics,
    outcome::{SendFailure, SendOutcome, reason_name},
    parsed_message::{IdentifiedMessage, MessageDigest, ParsedMessage, UnusableMessage},
    sms::SmsGateway,
    smtp::SmtpRelay,
};
use countersign_domain::value::time::Timestamp;
use countersign_proto::notifier::{Channel, DeliverRequest, RefusalReason};
use countersign_transport::system::Clock;
use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::Instant,
};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// The provider that delivers messages.
pub enum MessageProvider {
    /// A mail server.
    Smtp(Box<SmtpRelay>),
    /// An SMS gateway.
    Sms(Box<SmsGateway>),
}

/// The answer to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DispatchAnswer {
    /// The result of sending the message, now or by an earlier call.
    Sent(SendOutcome),
    /// An earlier result is unknown, and the message is not sent again.
    InDoubt,
    /// Another message has the same idempotency key.
    AnotherMessage,
    /// Too many messages are in flight.
    Busy,
    /// The idempotency store failed; the message is not sent.
    NoIdempotencyStore,
}

/// Sends each message once through the provider.
pub struct Dispatcher {
    provider: MessageProvider,
    idempotency_store: IdempotencyStore,
    clock: Arc<dyn Clock>,
    metrics: Arc<NotifierMetrics>,
    places: Arc<Semaphore>,
    on_their_way: Mutex<HashMap<MessageDigest, InFlightMessage>>,
    tasks: TaskTracker,
}

/// A message in flight.
struct InFlightMessage {
    mark: MessageDigest,
    answer: watch::Receiver<Option<DispatchAnswer>>,
}

/// The pending answer of a message, and whether this call started sending it.
struct InFlightAnswer {
    answer: watch::Receiver<Option<DispatchAnswer>>,
    is_ours: bool,
}

/// Removes a message from the map of messages in flight when its task ends, even by a panic.
struct InFlightGuard {
    dispatcher: Arc<Dispatcher>,
    tag: MessageDigest,
    _place: OwnedSemaphorePermit,
}

impl Dispatcher {
    /// Creates a dispatcher with at most `max_in_flight` deliveries.
    #[must_use]
    pub fn new(
        provider: MessageProvider,
        idempotency_store: IdempotencyStore,
        clock: Arc<dyn Clock>,
        metrics: Arc<NotifierMetrics>,
        max_in_flight: usize,
    ) -> Self {
        Self {
            provider,
            idempotency_store,
            clock,
            metrics,
            places: Arc::new(Semaphore::new(max_in_flight.min(Semaphore::MAX_PERMITS))),
            on_their_way: Mutex::default(),
            tasks: TaskTracker::new(),
        }
    }

    /// Sends a message unless it was sent before. Nothing is started after `ends`.
    ///
    /// # Errors
    /// [`UnusableMessage`] if the request is malformed.
    pub async fn deliver(
        self: &Arc<Self>,
        request: DeliverRequest,
        ends: Instant,
    ) -> Result<DispatchAnswer, UnusableMessage> {
        let filed = Arc::new(IdentifiedMessage::read(
            request,
            self.idempotency_store.key(),
        )?);
        loop {
            let InFlightAnswer {
                mut answer,
                is_ours,
            } = match self.put(&filed, ends) {
                Ok(put) => put,
                Err(at_once) => return Ok(at_once),
            };
            let answered = answer.wait_for(Option::is_some).await;
            let answered = answered.ok().and_then(|answer| answer.clone());
            // The deadline of the first caller was shorter than this one.
            let gave_up = answered
                == Some(DispatchAnswer::Sent(SendOutcome::Failed(
                    SendFailure::Timeout,
                )));
            if is_ours || !gave_up || Instant::now() >= ends {
                return Ok(answered.unwrap_or(DispatchAnswer::InDoubt));
            }
        }
    }

    /// Waits until all messages in flight are sent and recorded.
    pub async fn drain(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Deletes results that are older than `age`.
    pub async fn purge(&self, age: Duration) {
        let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        let before = self.clock.now().millis().saturating_sub(age);
        if let Err(cause) = self
            .idempotency_store
            .purge(Timestamp::from_millis(before))
            .await
        {
            tracing::warn!(%cause, "idempotency store purge failed");
        }
    }

    /// Starts to send a message, unless it is in flight. Returns its pending answer.
    fn put(
        self: &Arc<Self>,
        filed: &Arc<IdentifiedMessage>,
        ends: Instant,
    ) -> Result<InFlightAnswer, DispatchAnswer> {
        let mut on_their_way = self.in_flight_messages();
        let vacant = match on_their_way.entry(filed.tag) {
            Entry::Occupied(same) if same.get().mark == filed.mark => {
                return Ok(InFlightAnswer {
                    answer: same.get().answer.clone(),
                    is_ours: false,
                });
            }
            Entry::Occupied(_) => return Err(DispatchAnswer::AnotherMessage),
            Entry::Vacant(vacant) => vacant,
        };
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| {
            self.metrics.deny();
            DispatchAnswer::Busy
        })?;
        let (tell, answer) = watch::channel(None);
        vacant.insert(InFlightMessage {
            mark: filed.mark,
            answer: answer.clone(),
        });
        let listed = InFlightGuard {
            dispatcher: Arc::clone(self),
            tag: filed.tag,
            _place: place,
        };
        let filed = Arc::clone(filed);
        let whole = async move {
            let answer = listed.dispatcher.once(&filed, ends).await;
            drop(listed);
            tell.send_replace(Some(answer));
        };
        self.tasks.spawn(whole.in_current_span());
        Ok(InFlightAnswer {
            answer,
            is_ours: true,
        })
    }

    /// Reserves the message, sends it, and records the result.
    async fn once(&self, filed: &IdentifiedMessage, ends: Instant) -> DispatchAnswer {
        match self.idempotency_store.begin(filed, self.clock.now()).await {
            Ok(ReservationResult::Now) => {}
            Ok(reservation) => {
                self.metrics.repeated();
                return repeat(reservation);
            }
            Err(cause) => {
                tracing::error!(%cause, "idempotency store unavailable; message not sent");
                self.metrics.idempotency_store_failed();
                return DispatchAnswer::NoIdempotencyStore;
            }
        }
        let began = Instant::now();
        let on_its_way = self.metrics.in_flight();
        let sent = self.provider.send(&filed.letter, ends).await;
        drop(on_its_way);
        self.metrics.sent(filed.letter.kind, &sent, began.elapsed());
        say(&filed.letter, &sent);
        let noted = self
            .idempotency_store
            .conclude(&filed.tag, &sent, self.clock.now());
        if let Err(cause) = noted.await {
            tracing::error!(%cause, "idempotency store unavailable; delivery result not recorded");
            self.metrics.idempotency_store_failed();
        }
        DispatchAnswer::Sent(sent)
    }

    fn in_flight_messages(&self) -> MutexGuard<'_, HashMap<MessageDigest, InFlightMessage>> {
        self.on_their_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl MessageProvider {
    async fn send(&self, letter: &ParsedMessage, ends: Instant) -> SendOutcome {
        match (self, letter.channel) {
            (Self::Smtp(smtp), Channel::Email) => smtp.send(letter, ends).await,
            (Self::Sms(sms), Channel::Sms) => sms.send(letter, ends).await,
            _ => SendOutcome::Refused(RefusalReason::NotServed),
        }
    }
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        self.dispatcher.in_flight_messages().remove(&self.tag);
    }
}

fn repeat(reservation: ReservationResult) -> DispatchAnswer {
    match reservation {
        ReservationResult::Before(sent) => DispatchAnswer::Sent(sent),
        ReservationResult::AnotherMessage => DispatchAnswer::AnotherMessage,
        ReservationResult::Now | ReservationResult::InDoubt => DispatchAnswer::InDoubt,
    }
}

/// Logs a result by the message's idempotency key. Never logs the destination or the text.
fn say(letter: &ParsedMessage, sent: &SendOutcome) {
    let key = letter.key.as_str();
    match sent {
        SendOutcome::Taken { provider_id } => {
            tracing::debug!(key, provider_id, "message accepted");
        }
        SendOutcome::Refused(reason) => {
            tracing::info!(key, reason = reason_name(*reason), "message refused");
        }
        SendOutcome::Failed(failure) => {
            tracing::warn!(key, failure = failure.as_str(), "message not accepted");
        }
        SendOutcome::InDoubt(failure) => {
            tracing::warn!(key, failure = failure.as_str(), "delivery result unknown");
        }
    }
}
