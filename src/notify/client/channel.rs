//! The notifiers of one channel: who is tried, in which order, and what that comes to.

use crate::{
    config::NotifierConfig,
    notify::client::{
        NotifierConfigError, attempt::DeliveryAttempt, provider::CodeProvider, route::NotifierRoute,
    },
    outbound::share,
    ports::ProviderUnavailable,
};
use countersign_domain::{
    challenge::provider_code::{ProviderCodeVerdict, ProviderName},
    limits::circuit_breaker::BreakerConfig,
    notice::message::DeliveryResult,
    value::country::Country,
};
use countersign_proto::notifier::{
    CheckVerificationRequest, DeliverRequest, StartVerificationRequest,
};
use std::{num::NonZeroU32, time::Duration};
use tokio::{sync::Semaphore, time::Instant};

/// The notifiers of one channel.
pub(super) struct ChannelNotifiers {
    in_order: Vec<DeliveryRoute>,
    deadline: Duration,
    bulkhead: Semaphore,
}

/// One of them.
enum DeliveryRoute {
    /// It delivers what we make.
    Delivers(NotifierRoute),
    /// It makes, sends and checks codes of its own.
    OwnsCodes(CodeProvider),
}

/// What trying came to so far.
#[derive(Default)]
struct DeliveryAttempts {
    silent: bool,
    unacceptable: usize,
}

impl ChannelNotifiers {
    pub(super) fn new(config: &NotifierConfig) -> Result<Option<Self>, NotifierConfigError> {
        if config.endpoints.is_empty() {
            return Ok(None);
        }
        let breaker = BreakerConfig {
            failures: NonZeroU32::new(config.breaker_failures).unwrap_or(NonZeroU32::MIN),
            wait: Duration::from_millis(config.breaker_wait_ms),
        };
        let token_file = config.token_file.as_ref();
        let in_order = config.in_order().into_iter().map(|endpoint| {
            Ok::<_, NotifierConfigError>(if endpoint.owns_code {
                let provider =
                    CodeProvider::new(endpoint, token_file, breaker, config.max_in_flight)?;
                DeliveryRoute::OwnsCodes(provider)
            } else {
                DeliveryRoute::Delivers(NotifierRoute::new(endpoint, token_file, breaker)?)
            })
        });
        Ok(Some(Self {
            in_order: in_order.collect::<Result<_, _>>()?,
            deadline: Duration::from_millis(config.deadline_ms),
            bulkhead: Semaphore::new(config.max_in_flight),
        }))
    }

    /// Whether numbers of a country get messages.
    pub(super) fn serve(&self, country: Option<Country>) -> bool {
        self.in_order.iter().any(|way| way.serves(country))
    }

    /// Who makes, sends and checks the next code to a country, if we do not: the first that serves it and does not fail
    /// all the time decides. Where all do, the code is ours.
    pub(super) fn code_owner(&self, country: Option<Country>) -> Option<&ProviderName> {
        let mut serving = self.in_order.iter().filter(|way| way.serves(country));
        match serving.find(|way| way.is_admitted())? {
            DeliveryRoute::OwnsCodes(provider) => Some(&provider.name),
            DeliveryRoute::Delivers(_) => None,
        }
    }

    /// Has the owner of a code send it; nobody else can.
    pub(super) async fn start(
        &self,
        owner: &ProviderName,
        start: StartVerificationRequest,
    ) -> DeliveryResult {
        let Ok(_place) = self.bulkhead.try_acquire() else {
            tracing::warn!("too many messages are on their way to notifiers that do not answer");
            return DeliveryResult::NotTaken;
        };
        match self.provider(owner) {
            Some(provider) => provider.start(start, self.deadline).await,
            None => DeliveryResult::NotTaken,
        }
    }

    /// Asks the owner of a code about digits.
    pub(super) async fn check(
        &self,
        owner: &ProviderName,
        check: CheckVerificationRequest,
    ) -> Result<ProviderCodeVerdict, ProviderUnavailable> {
        let provider = self.provider(owner).ok_or(ProviderUnavailable)?;
        provider.check(check, self.deadline).await
    }

    /// Nothing if the configuration has changed since the challenge was issued, or differs here.
    fn provider(&self, owner: &ProviderName) -> Option<&CodeProvider> {
        let mut owners = self.in_order.iter().filter_map(DeliveryRoute::provider);
        let found = owners.find(|provider| provider.name == *owner);
        if found.is_none() {
            tracing::warn!(notifier = %owner, "no notifier of this name owns its codes here");
        }
        found
    }

    /// Tries one notifier after the other, of those that serve the country and do not fail all the time. Each has an
    /// even share of what is left of the deadline, and the same idempotency key.
    pub(super) async fn deliver(
        &self,
        request: &DeliverRequest,
        country: Option<Country>,
    ) -> DeliveryResult {
        let Ok(_place) = self.bulkhead.try_acquire() else {
            tracing::warn!("too many messages are on their way to notifiers that do not answer");
            return DeliveryResult::NotTaken;
        };
        let routes = self.in_order.iter().filter_map(DeliveryRoute::route);
        let serving = routes.filter(|route| route.serves(country));
        let serving: Vec<&NotifierRoute> = serving.collect();
        let admitted = serving.iter().filter(|route| route.is_admitted());
        let admitted: Vec<&NotifierRoute> = admitted.copied().collect();
        let ends = Instant::now() + self.deadline;
        let mut attempts = DeliveryAttempts::default();
        for (place, route) in admitted.iter().enumerate() {
            let share = share(ends, admitted.len() - place);
            match route.try_once(request, share).await {
                DeliveryAttempt::Answered(handover) => return handover,
                attempt => attempts.add(&attempt),
            }
        }
        attempts.over(serving.len())
    }
}

impl DeliveryRoute {
    const fn route(&self) -> Option<&NotifierRoute> {
        match self {
            Self::Delivers(route) => Some(route),
            Self::OwnsCodes(_) => None,
        }
    }

    const fn provider(&self) -> Option<&CodeProvider> {
        match self {
            Self::OwnsCodes(provider) => Some(provider),
            Self::Delivers(_) => None,
        }
    }

    fn serves(&self, country: Option<Country>) -> bool {
        match self {
            Self::Delivers(route) => route.serves(country),
            Self::OwnsCodes(provider) => provider.serves(country),
        }
    }

    fn is_admitted(&self) -> bool {
        match self {
            Self::Delivers(route) => route.is_admitted(),
            Self::OwnsCodes(provider) => provider.is_admitted(),
        }
    }
}

impl DeliveryAttempts {
    fn add(&mut self, attempt: &DeliveryAttempt) {
        self.silent |= *attempt == DeliveryAttempt::Silent;
        self.unacceptable += usize::from(*attempt == DeliveryAttempt::Unacceptable);
    }

    /// A message is refused for good where every notifier that there is for it says so.
    const fn over(&self, serving: usize) -> DeliveryResult {
        if self.silent {
            DeliveryResult::Unanswered
        } else if serving > 0 && self.unacceptable == serving {
            DeliveryResult::Refused
        } else {
            DeliveryResult::NotTaken
        }
    }
}
