//! The client of notifiers: far away, each with a share of the deadline, one after the other, behind a bulkhead.

mod channel;
mod endpoint;
mod fuse;
mod provider;
mod route;
mod tried;

pub use endpoint::BadNotifier;

use crate::{
    config::NotifiersConfig,
    notify::{contract, texts::Texts},
    ports::{Notifier, Unchecked},
};
use async_trait::async_trait;
use channel::Notifiers;
use countersign_domain::{
    account::Served,
    destination::{Channel, Destination},
    message::{Handover, Message},
    verification::{Check, Checked, ProviderName, Start},
};
use std::sync::Arc;

/// Hands messages to notifiers.
pub struct NotifierClient {
    texts: Arc<Texts>,
    sms: Option<Notifiers>,
    email: Option<Notifiers>,
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

    fn reaches(&self, destination: &Destination) -> bool {
        self.of(destination.channel())
            .is_some_and(|notifiers| notifiers.serve(destination.country()))
    }

    async fn deliver(&self, message: &Message) -> Handover {
        match self.of(message.destination.channel()) {
            Some(notifiers) => {
                let request = contract::request(message, &self.texts);
                let country = message.destination.country();
                notifiers.deliver(&request, country).await
            }
            None => Handover::NotTaken,
        }
    }

    fn code_owner(&self, destination: &Destination) -> Option<ProviderName> {
        let notifiers = self.of(destination.channel())?;
        notifiers.code_owner(destination.country()).cloned()
    }

    async fn start(&self, start: &Start) -> Handover {
        match self.of(start.destination.channel()) {
            Some(notifiers) => {
                let owner = &start.verification.provider;
                notifiers.start(owner, contract::start(start)).await
            }
            None => Handover::NotTaken,
        }
    }

    async fn check(&self, check: &Check<'_>) -> Result<Checked, Unchecked> {
        let notifiers = self.of(check.channel).ok_or(Unchecked)?;
        let owner = &check.verification.provider;
        notifiers.check(owner, contract::check(check)).await
    }
}
