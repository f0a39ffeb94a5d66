//! The development inbox: keeps what notifiers would send, prints it, and serves it as `TestingService`. That service
//! also moves the clock.

mod offset_clock;

pub use offset_clock::OffsetClock;

use crate::{
    notify::texts::{MessageTexts, RenderedMessage},
    ports::Notifier,
};
use async_trait::async_trait;
use countersign_domain::{
    account::AvailableChannels,
    notice::message::{DeliveryResult, MessageContent, OutboundMessage},
    value::{
        destination::{Channel, Destination, Email},
        time::Timestamp,
    },
};
use countersign_proto::testing::{
    AdvanceClockRequest, AdvanceClockResponse, ListMessagesRequest, ListMessagesResponse,
    Message as Listed, testing_service_server::TestingService,
};
use countersign_transport::system::Clock;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tonic::{Request, Response, Status};

/// The maximum number of messages in the inbox. The oldest are dropped.
const MAX_KEPT_MESSAGES: usize = 1000;

/// The page size if the request names none.
const PAGE_SIZE: usize = 50;

const DURATION: &str =
    "duration must not be negative, and the clock can be at most ten years ahead";

/// Keeps what notifiers would send.
pub struct Inbox {
    messages: Mutex<InboxMessages>,
    clock: Arc<OffsetClock>,
    texts: Arc<MessageTexts>,
    /// Whether each message is printed, including its code. Use it in development only.
    prints: bool,
}

#[derive(Default)]
struct InboxMessages {
    newest_last: VecDeque<InboxEntry>,
    received: u64,
}

struct InboxEntry {
    number: u64,
    key: String,
    destination: Destination,
    listed: Listed,
}

impl Inbox {
    /// Creates an empty inbox.
    #[must_use]
    pub fn new(clock: Arc<OffsetClock>, texts: Arc<MessageTexts>, prints: bool) -> Self {
        Self {
            messages: Mutex::default(),
            clock,
            texts,
            prints,
        }
    }

    fn messages(&self) -> MutexGuard<'_, InboxMessages> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, message: &OutboundMessage, now: Timestamp) -> Option<Listed> {
        let mut messages = self.messages();
        if messages
            .newest_last
            .iter()
            .any(|kept| kept.key == message.key)
        {
            return None;
        }
        messages.received += 1;
        let listed = listed(message, self.texts.render(message), now);
        let kept = InboxEntry {
            number: messages.received,
            key: message.key.clone(),
            destination: message.destination.clone(),
            listed: listed.clone(),
        };
        messages.newest_last.push_back(kept);
        if messages.newest_last.len() > MAX_KEPT_MESSAGES {
            messages.newest_last.pop_front();
        }
        Some(listed)
    }
}

#[async_trait]
impl Notifier for Inbox {
    fn served(&self) -> AvailableChannels {
        AvailableChannels {
            sms: true,
            email: true,
        }
    }

    async fn deliver(&self, message: &OutboundMessage) -> DeliveryResult {
        if let Some(listed) = self.keep(message, self.clock.now()).filter(|_| self.prints) {
            let Listed {
                channel,
                destination,
                text,
                ..
            } = listed;
            println!("inbox  {channel} to {destination}: {text}");
        }
        DeliveryResult::Taken
    }
}

#[async_trait]
impl TestingService for Inbox {
    async fn list_messages(
        &self,
        request: Request<ListMessagesRequest>,
    ) -> Result<Response<ListMessagesResponse>, Status> {
        let ListMessagesRequest {
            tenant_id,
            destination,
            page_size,
            page_token,
        } = request.into_inner();
        let before: u64 = match page_token.as_str() {
            "" => u64::MAX,
            token => token
                .parse()
                .map_err(|_| Status::invalid_argument("page_token is not a next_page_token"))?,
        };
        let page_size = match usize::try_from(page_size) {
            Ok(0) => PAGE_SIZE,
            Ok(size) => size.min(MAX_KEPT_MESSAGES),
            Err(_) => return Err(Status::invalid_argument("page_size must not be negative")),
        };
        let messages = self.messages();
        let address = Email::parse(&destination).map(|email| email.mailbox());
        let bucket = address.unwrap_or_else(|_| destination.clone());
        let wanted = |kept: &&InboxEntry| {
            kept.number < before
                && (tenant_id.is_empty() || kept.listed.tenant_id == tenant_id)
                && (destination.is_empty() || kept.destination.bucket() == bucket)
        };
        let mut found = messages.newest_last.iter().rev().filter(wanted);
        let page: Vec<&InboxEntry> = found.by_ref().take(page_size).collect();
        let more = found.next().is_some();
        let next_page_token = page
            .last()
            .filter(|_| more)
            .map(|last| last.number.to_string());
        Ok(Response::new(ListMessagesResponse {
            messages: page.iter().map(|kept| kept.listed.clone()).collect(),
            next_page_token: next_page_token.unwrap_or_default(),
        }))
    }

    async fn advance_clock(
        &self,
        request: Request<AdvanceClockRequest>,
    ) -> Result<Response<AdvanceClockResponse>, Status> {
        let span = request.into_inner().duration.unwrap_or_default();
        let now = Duration::try_from(span)
            .ok()
            .and_then(|span| self.clock.advance(span))
            .ok_or_else(|| Status::invalid_argument(DURATION))?;
        Ok(Response::new(AdvanceClockResponse {
            current_time: Some(time(now)),
        }))
    }
}

fn time(instant: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: instant.millis().div_euclid(1000),
        nanos: 0,
    }
}

fn listed(message: &OutboundMessage, rendered: RenderedMessage, now: Timestamp) -> Listed {
    let RenderedMessage {
        subject,
        text,
        html,
    } = rendered;
    let code = match &message.content {
        MessageContent::Code { code, .. } => code.expose().to_owned(),
        MessageContent::Notice(_) => String::new(),
    };
    let revert_token = match &message.content {
        MessageContent::Notice(notice) => notice.disclaimer.as_ref(),
        MessageContent::Code { .. } => None,
    };
    let channel: Channel = message.destination.channel();
    Listed {
        tenant_id: message.tenant.as_str().to_owned(),
        channel: channel.as_str().to_owned(),
        destination: message.destination.as_str().to_owned(),
        subject,
        text,
        html,
        code,
        revert_token: revert_token
            .map(|disclaimer| disclaimer.token.expose())
            .unwrap_or_default(),
        send_time: Some(time(now)),
    }
}
