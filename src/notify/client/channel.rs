//! The notifiers of one channel: who is tried, in which order, and what that comes to.

use crate::{
    config::NotifierConfig,
    notify::client::{
        BadNotifier,
        route::{Route, Tried},
    },
    outbound::share,
    proto::notifier::DeliverRequest,
};
use countersign_domain::{breaker::Patience, country::Country, message::Handover};
use std::{num::NonZeroU32, time::Duration};
use tokio::{sync::Semaphore, time::Instant};

/// The notifiers of one channel.
pub(super) struct Notifiers {
    in_order: Vec<Route>,
    deadline: Duration,
    bulkhead: Semaphore,
}

/// What trying came to so far.
#[derive(Default)]
struct Tally {
    silent: bool,
    unacceptable: usize,
}

impl Notifiers {
    pub(super) fn new(config: &NotifierConfig) -> Result<Option<Self>, BadNotifier> {
        if config.endpoints.is_empty() {
            return Ok(None);
        }
        let patience = Patience {
            failures: NonZeroU32::new(config.breaker_failures).unwrap_or(NonZeroU32::MIN),
            wait: Duration::from_millis(config.breaker_wait_ms),
        };
        let in_order = config.in_order().into_iter();
        let in_order =
            in_order.map(|endpoint| Route::new(endpoint, config.token_file.as_ref(), patience));
        Ok(Some(Self {
            in_order: in_order.collect::<Result<_, _>>()?,
            deadline: Duration::from_millis(config.deadline_ms),
            bulkhead: Semaphore::new(config.max_in_flight),
        }))
    }

    /// Whether numbers of a country get messages.
    pub(super) fn serve(&self, country: Option<Country>) -> bool {
        self.in_order.iter().any(|route| route.serves(country))
    }

    /// Tries one notifier after the other, of those that serve the country and do not fail all the time. Each has an
    /// even share of what is left of the deadline, and the same idempotency key.
    pub(super) async fn deliver(
        &self,
        request: &DeliverRequest,
        country: Option<Country>,
    ) -> Handover {
        let Ok(_place) = self.bulkhead.try_acquire() else {
            tracing::warn!("too many messages are on their way to notifiers that do not answer");
            return Handover::NotTaken;
        };
        let serving = self.in_order.iter().filter(|route| route.serves(country));
        let serving: Vec<&Route> = serving.collect();
        let admitted = serving.iter().filter(|route| route.is_admitted());
        let admitted: Vec<&Route> = admitted.copied().collect();
        let ends = Instant::now() + self.deadline;
        let mut tally = Tally::default();
        for (place, route) in admitted.iter().enumerate() {
            let share = share(ends, admitted.len() - place);
            match route.try_once(request, share).await {
                Tried::Answered(handover) => return handover,
                tried => tally.add(&tried),
            }
        }
        tally.over(serving.len())
    }
}

impl Tally {
    fn add(&mut self, tried: &Tried) {
        self.silent |= *tried == Tried::Silent;
        self.unacceptable += usize::from(*tried == Tried::Unacceptable);
    }

    /// A message is refused for good where every notifier that there is for it says so.
    const fn over(&self, serving: usize) -> Handover {
        if self.silent {
            Handover::Unanswered
        } else if serving > 0 && self.unacceptable == serving {
            Handover::Refused
        } else {
            Handover::NotTaken
        }
    }
}
