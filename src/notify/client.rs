//! The client of notifiers: far away, each with a share of the deadline, one after the other, behind a bulkhead.

mod channel;
mod route;

use crate::{
    config::NotifiersConfig,
    notify::{contract, texts::Texts},
    outbound::BadPeer,
    ports::Notifier,
};
use async_trait::async_trait;
use channel::Notifiers;
use countersign_domain::{
    account::Served,
    country::NotACountry,
    destination::{Channel, Destination},
    message::{Handover, Message},
};
use std::sync::Arc;

/// Notifiers that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum BadNotifier {
    /// One that can't be called.
    #[error(transparent)]
    Peer(#[from] BadPeer),
    /// A country that is none.
    #[error("notifiers: `{0}`: {1}")]
    Country(String, NotACountry),
}

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
}
