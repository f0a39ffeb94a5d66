//! A notifier in this process that takes every notice, and sees how many are on their way at once.

use async_trait::async_trait;
use countersign::ports::Notifier;
use countersign_domain::{
    account::AvailableChannels,
    notice::message::{DeliveryResult, OutboundMessage},
    value::destination::Channel,
};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
};
use tokio::sync::watch;

/// A notifier in this process.
pub(crate) struct Sink {
    seen: Mutex<SinkLog>,
    /// The channels whose deliveries hang.
    hanging: watch::Sender<Vec<Channel>>,
}

/// What a sink has seen so far.
#[derive(Default)]
pub(crate) struct SinkLog {
    /// The keys of all messages, in the order in which they came.
    pub(crate) keys: Vec<String>,
    /// How many messages of each channel are on their way.
    pub(crate) on_their_way: HashMap<&'static str, usize>,
    /// How many messages of one channel were on their way at once, at most.
    pub(crate) most: usize,
}

impl Default for Sink {
    fn default() -> Self {
        Self {
            seen: Mutex::default(),
            hanging: watch::Sender::new(Vec::new()),
        }
    }
}

impl Sink {
    /// One whose deliveries of these channels hang until [`Self::release`].
    pub(crate) fn hanging(channels: &[Channel]) -> Self {
        let sink = Self::default();
        sink.hanging.send_replace(channels.to_vec());
        sink
    }

    /// Lets every delivery go on.
    pub(crate) fn release(&self) {
        self.hanging.send_replace(Vec::new());
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, SinkLog> {
        self.seen.lock().unwrap()
    }

    pub(crate) fn on_their_way(&self, channel: Channel) -> usize {
        let seen = self.seen();
        let count = seen.on_their_way.get(channel.as_str());
        count.copied().unwrap_or_default()
    }
}

#[async_trait]
impl Notifier for Sink {
    fn served(&self) -> AvailableChannels {
        AvailableChannels {
            sms: true,
            email: true,
        }
    }

    async fn deliver(&self, message: &OutboundMessage) -> DeliveryResult {
        let channel = message.destination.channel();
        {
            let mut seen = self.seen();
            seen.keys.push(message.key.clone());
            let on_their_way = seen.on_their_way.entry(channel.as_str()).or_default();
            *on_their_way += 1;
            let on_their_way = *on_their_way;
            seen.most = seen.most.max(on_their_way);
        }
        let mut hanging = self.hanging.subscribe();
        let goes_on = hanging.wait_for(|hanging| !hanging.contains(&channel));
        drop(goes_on.await);
        tokio::task::yield_now().await;
        *self.seen().on_their_way.get_mut(channel.as_str()).unwrap() -= 1;
        DeliveryResult::Taken
    }
}
