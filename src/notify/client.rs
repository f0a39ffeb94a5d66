//! The client of notifiers. It tries the notifiers of a channel one after the other, each with a share of the deadline.
//! A semaphore limits the messages in flight.

mod attempt;
mod breaker;
mod channel;
mod endpoint;
mod provider;
mod route;

pub use endpoint::NotifierConfigError;

use crate::{
    config::NotifiersConfig,
    notify::{contract, texts::MessageTexts},
    ports::{Notifier, ProviderUnavailable},
};
use async_trait::async_trait;
use channel::ChannelNotifiers;
use countersign_domain::{
    account::AvailableChannels,
    challenge::provider_code::{
        ProviderCodeCheck, ProviderCodeRequest, ProviderCodeVerdict, ProviderName,
    },
    notice::message::{DeliveryResult, OutboundMessage},
    value::destination::{Channel, Destination},
};
use std::sync::Arc;

/// Delivers messages through notifiers.
pub struct NotifierClient {
    texts: Arc<MessageTexts>,
    sms: Option<ChannelNotifiers>,
    email: Option<ChannelNotifiers>,
}

impl NotifierClient {
    /// Creates a client. Connections are opened on first use.
    ///
    /// # Errors
    /// [`NotifierConfigError`] if an endpoint can't be used.
    pub fn new(
        config: &NotifiersConfig,
        texts: Arc<MessageTexts>,
    ) -> Result<Self, NotifierConfigError> {
        Ok(Self {
            texts,
            sms: ChannelNotifiers::new(&config.sms)?,
            email: ChannelNotifiers::new(&config.email)?,
        })
    }

    const fn of(&self, channel: Channel) -> Option<&ChannelNotifiers> {
        match channel {
            Channel::Sms => self.sms.as_ref(),
            Channel::Email => self.email.as_ref(),
        }
    }
}

#[async_trait]
impl Notifier for NotifierClient {
    fn served(&self) -> AvailableChannels {
        AvailableChannels {
            sms: self.sms.is_some(),
            email: self.email.is_some(),
        }
    }

    fn reaches(&self, destination: &Destination) -> bool {
        self.of(destination.channel())
            .is_some_and(|notifiers| notifiers.serve(destination.country()))
    }

    async fn deliver(&self, message: &OutboundMessage) -> DeliveryResult {
        match self.of(message.destination.channel()) {
            Some(notifiers) => {
                let request = contract::request(message, &self.texts);
                let country = message.destination.country();
                notifiers.deliver(&request, country).await
            }
            None => DeliveryResult::NotTaken,
        }
    }

    fn code_owner(&self, destination: &Destination) -> Option<ProviderName> {
        let notifiers = self.of(destination.channel())?;
        notifiers.code_owner(destination.country()).cloned()
    }

    async fn start(&self, start: &ProviderCodeRequest) -> DeliveryResult {
        match self.of(start.destination.channel()) {
            Some(notifiers) => {
                let owner = &start.verification.provider;
                notifiers.start(owner, contract::start(start)).await
            }
            None => DeliveryResult::NotTaken,
        }
    }

    async fn check(
        &self,
        check: &ProviderCodeCheck<'_>,
    ) -> Result<ProviderCodeVerdict, ProviderUnavailable> {
        let notifiers = self.of(check.channel).ok_or(ProviderUnavailable)?;
        let owner = &check.verification.provider;
        notifiers.check(owner, contract::check(check)).await
    }
}
