//! The desk: every message goes over it once. Two calls with one key are one message, and what was begun is finished and
//! noted, whoever hangs up meanwhile.

use crate::{
    gateways::{
        ledger::{Begun, Ledger},
        letter::{Filed, Letter, Malformed, Tag},
        metrics::Metrics,
        outcome::{Sent, Trouble, reason_name},
        sms::Sms,
        smtp::Smtp,
    },
    ports::Clock,
    proto::notifier::{Channel, DeliverRequest, RefusalReason},
};
use countersign_domain::time::Timestamp;
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

/// Who takes the messages.
pub enum Provider {
    /// A mail server.
    Smtp(Box<Smtp>),
    /// An SMS gateway.
    Sms(Box<Sms>),
}

/// What is answered to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// What became of the message, now or before.
    Sent(Sent),
    /// Nobody knows what became of it, and it is not sent again.
    InDoubt,
    /// Another message has the same key.
    AnotherMessage,
    /// As many messages are on their way as may be.
    Busy,
    /// The ledger does not work, so that nothing may be sent.
    NoLedger,
}

/// Where messages are handed on, each once.
pub struct Desk {
    provider: Provider,
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    places: Arc<Semaphore>,
    on_their_way: Mutex<HashMap<Tag, OnItsWay>>,
    tasks: TaskTracker,
}

/// A message on its way.
struct OnItsWay {
    mark: Tag,
    answer: watch::Receiver<Option<Answer>>,
}

/// Where the answer to a message will be, and whether it was put by whoever asks.
struct Put {
    answer: watch::Receiver<Option<Answer>>,
    is_ours: bool,
}

/// Takes a message off the list of those on their way, however its task ends.
struct Listed {
    desk: Arc<Desk>,
    tag: Tag,
    _place: OwnedSemaphorePermit,
}

impl Desk {
    /// A desk with so many places.
    #[must_use]
    pub fn new(
        provider: Provider,
        ledger: Ledger,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
        max_in_flight: usize,
    ) -> Self {
        Self {
            provider,
            ledger,
            clock,
            metrics,
            places: Arc::new(Semaphore::new(max_in_flight.min(Semaphore::MAX_PERMITS))),
            on_their_way: Mutex::default(),
            tasks: TaskTracker::new(),
        }
    }

    /// Hands a message on, unless that was done before; nothing is begun after `ends`.
    ///
    /// # Errors
    /// [`Malformed`].
    pub async fn deliver(
        self: &Arc<Self>,
        request: DeliverRequest,
        ends: Instant,
    ) -> Result<Answer, Malformed> {
        let filed = Arc::new(Filed::read(request, self.ledger.key())?);
        loop {
            let Put {
                mut answer,
                is_ours,
            } = match self.put(&filed, ends) {
                Ok(put) => put,
                Err(at_once) => return Ok(at_once),
            };
            let answered = answer.wait_for(Option::is_some).await;
            let answered = answered.ok().and_then(|answer| answer.clone());
            // Whoever began it was in a greater hurry than we are.
            let gave_up = answered == Some(Answer::Sent(Sent::Failed(Trouble::Timeout)));
            if is_ours || !gave_up || Instant::now() >= ends {
                return Ok(answered.unwrap_or(Answer::InDoubt));
            }
        }
    }

    /// Waits until everything that was begun is finished and noted.
    pub async fn drain(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Forgets messages that are older than this.
    pub async fn sweep(&self, age: Duration) {
        let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        let before = self.clock.now().millis().saturating_sub(age);
        if let Err(cause) = self.ledger.sweep(Timestamp::from_millis(before)).await {
            tracing::warn!(%cause, "the ledger could not be swept");
        }
    }

    /// Where its answer will be: a message that is on its way already is not put again.
    fn put(self: &Arc<Self>, filed: &Arc<Filed>, ends: Instant) -> Result<Put, Answer> {
        let mut on_their_way = self.on_their_way();
        let vacant = match on_their_way.entry(filed.tag) {
            Entry::Occupied(same) if same.get().mark == filed.mark => {
                return Ok(Put {
                    answer: same.get().answer.clone(),
                    is_ours: false,
                });
            }
            Entry::Occupied(_) => return Err(Answer::AnotherMessage),
            Entry::Vacant(vacant) => vacant,
        };
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| {
            self.metrics.turned_away();
            Answer::Busy
        })?;
        let (tell, answer) = watch::channel(None);
        vacant.insert(OnItsWay {
            mark: filed.mark,
            answer: answer.clone(),
        });
        let listed = Listed {
            desk: Arc::clone(self),
            tag: filed.tag,
            _place: place,
        };
        let filed = Arc::clone(filed);
        let whole = async move {
            let answer = listed.desk.once(&filed, ends).await;
            drop(listed);
            tell.send_replace(Some(answer));
        };
        self.tasks.spawn(whole.in_current_span());
        Ok(Put {
            answer,
            is_ours: true,
        })
    }

    /// Notes it, hands it on, notes what became of it.
    async fn once(&self, filed: &Filed, ends: Instant) -> Answer {
        match self.ledger.begin(filed, self.clock.now()).await {
            Ok(Begun::Now) => {}
            Ok(begun) => {
                self.metrics.repeated();
                return repeat(begun);
            }
            Err(cause) => {
                tracing::error!(%cause, "the ledger can't be written: nothing is sent");
                self.metrics.ledger_failed();
                return Answer::NoLedger;
            }
        }
        let began = Instant::now();
        let on_its_way = self.metrics.on_its_way();
        let sent = self.provider.send(&filed.letter, ends).await;
        drop(on_its_way);
        self.metrics.sent(filed.letter.kind, &sent, began.elapsed());
        say(&filed.letter, &sent);
        let noted = self.ledger.conclude(&filed.tag, &sent, self.clock.now());
        if let Err(cause) = noted.await {
            tracing::error!(%cause, "the ledger can't be written: what became of a message is not noted");
            self.metrics.ledger_failed();
        }
        Answer::Sent(sent)
    }

    fn on_their_way(&self) -> MutexGuard<'_, HashMap<Tag, OnItsWay>> {
        self.on_their_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Provider {
    async fn send(&self, letter: &Letter, ends: Instant) -> Sent {
        match (self, letter.channel) {
            (Self::Smtp(smtp), Channel::Email) => smtp.send(letter, ends).await,
            (Self::Sms(sms), Channel::Sms) => sms.send(letter, ends).await,
            _ => Sent::Refused(RefusalReason::NotServed),
        }
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.desk.on_their_way().remove(&self.tag);
    }
}

fn repeat(begun: Begun) -> Answer {
    match begun {
        Begun::Before(sent) => Answer::Sent(sent),
        Begun::AnotherMessage => Answer::AnotherMessage,
        Begun::Now | Begun::InDoubt => Answer::InDoubt,
    }
}

/// Never where it went, or what it says: the key is enough to find it by.
fn say(letter: &Letter, sent: &Sent) {
    let key = letter.key.as_str();
    match sent {
        Sent::Taken { provider_id } => tracing::debug!(key, provider_id, "a message was taken"),
        Sent::Refused(reason) => {
            tracing::info!(
                key,
                reason = reason_name(*reason),
                "a message will never be delivered"
            );
        }
        Sent::Failed(trouble) => {
            tracing::warn!(key, trouble = trouble.as_str(), "a message was not taken");
        }
        Sent::InDoubt(trouble) => {
            tracing::warn!(
                key,
                trouble = trouble.as_str(),
                "a message may have been taken"
            );
        }
    }
}
