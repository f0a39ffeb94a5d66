//! The notifiers of one channel: their order, and the combined result of trying them.

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

pub(super) struct ChannelNotifiers {
    in_order: Vec<DeliveryRoute>,
    deadline: Duration,
    bulkhead: Semaphore,
}

/// One notifier of a channel.
enum DeliveryRoute {
    /// It delivers our messages.
    Delivers(NotifierRoute),
    /// It creates, sends and checks codes of its own.
    OwnsCodes(CodeProvider),
}

/// The combined result of the attempts so far.
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

    /// Whether a notifier serves a country.
    pub(super) fn serve(&self, country: Option<Country>) -> bool {
        self.in_order.iter().any(|way| way.serves(country))
    }

    /// The provider that owns the next code to a country; `None` if the code is ours. The first notifier that serves
    /// the country and has a closed circuit decides.
    pub(super) fn code_owner(&self, country: Option<Country>) -> Option<&ProviderName> {
        let mut serving = self.in_order.iter().filter(|way| way.serves(country));
        match serving.find(|way| way.is_admitted())? {
            DeliveryRoute::OwnsCodes(provider) => Some(&provider.name),
            DeliveryRoute::Delivers(_) => None,
        }
    }

    /// Asks the owner of a code to send it. No other provider can.
    pub(super) async fn start(
        &self,
        owner: &ProviderName,
        start: StartVerificationRequest,
    ) -> DeliveryResult {
        let Ok(_place) = self.bulkhead.try_acquire() else {
            tracing::warn!("notifier concurrency limit reached; message not sent");
            return DeliveryResult::NotTaken;
        };
        match self.provider(owner) {
            Some(provider) => provider.start(start, self.deadline).await,
            None => DeliveryResult::NotTaken,
        }
    }

    /// Asks the owner of a code to check digits.
    pub(super) async fn check(
        &self,
        owner: &ProviderName,
        check: CheckVerificationRequest,
    ) -> Result<ProviderCodeVerdict, ProviderUnavailable> {
        let provider = self.provider(owner).ok_or(ProviderUnavailable)?;
        provider.check(check, self.deadline).await
    }

    /// `None` if the configuration has changed since the challenge was issued, or differs between processes.
    fn provider(&self, owner: &ProviderName) -> Option<&CodeProvider> {
        let mut owners = self.in_order.iter().filter_map(DeliveryRoute::provider);
        let found = owners.find(|provider| provider.name == *owner);
        if found.is_none() {
            tracing::warn!(notifier = %owner, "unknown code provider");
        }
        found
    }

    /// Tries the notifiers that serve the country, in order, without those whose circuit is open. Each has an equal
    /// share of the remaining deadline, and the same idempotency key.
    pub(super) async fn deliver(
        &self,
        request: &DeliverRequest,
        country: Option<Country>,
    ) -> DeliveryResult {
        let Ok(_place) = self.bulkhead.try_acquire() else {
            tracing::warn!("notifier concurrency limit reached; message not sent");
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

    /// A message is refused only if every notifier that serves its destination never accepts it.
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
