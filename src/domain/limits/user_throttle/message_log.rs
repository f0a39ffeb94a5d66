//! The messages to each destination of a user.

use crate::{
    limits::user_throttle::{DestinationTag, SendCharge},
    value::{id::ChallengeId, time::Timestamp},
};
use std::collections::HashMap;

/// The messages of one user, by destination.
#[derive(Debug, Default)]
pub(super) struct MessageLog {
    charged: HashMap<DestinationTag, Vec<LoggedMessage>>,
    /// When the last message of a passed challenge was sent.
    given_back: HashMap<DestinationTag, Timestamp>,
}

#[derive(Debug, Clone, Copy)]
struct LoggedMessage {
    challenge: ChallengeId,
    ordinal: u32,
    at: Timestamp,
    failed: bool,
}

impl MessageLog {
    /// Charges a message of a challenge.
    pub(super) fn charge(
        &mut self,
        to: DestinationTag,
        challenge: ChallengeId,
        ordinal: u32,
        at: Timestamp,
    ) {
        let message = LoggedMessage {
            challenge,
            ordinal,
            at,
            failed: false,
        };
        self.charged.entry(to).or_default().push(message);
    }

    /// Records that a message was not delivered: it starts no wait and stays charged.
    pub(super) fn fail(&mut self, to: DestinationTag, challenge: ChallengeId, ordinal: u32) {
        let messages = self.charged.entry(to).or_default().iter_mut();
        for message in
            messages.filter(|past| past.challenge == challenge && past.ordinal == ordinal)
        {
            message.failed = true;
        }
    }

    /// Refunds the messages of a challenge that was passed. The first wait stays: otherwise an attacker with the codes
    /// could request messages as fast as they submit codes.
    pub(super) fn refund(
        &mut self,
        to: DestinationTag,
        challenge: ChallengeId,
        sent_at: Timestamp,
    ) {
        self.charged
            .entry(to)
            .or_default()
            .retain(|past| past.challenge != challenge);
        self.given_back.insert(to, sent_at);
    }

    /// When one more message fits; `None` means now.
    pub(super) fn full_until(&self, send: &SendCharge, now: Timestamp) -> Option<Timestamp> {
        let past = self.charged.get(&send.destination);
        let past = past.map_or(&[][..], Vec::as_slice);
        let full = send
            .windows
            .full_until(past.iter().map(|message| message.at), now);
        let given_back = self.given_back.get(&send.destination);
        let first_wait = given_back.map(|sent_at| sent_at.plus(send.waits[0]));
        full.max(wait_until(send, past, now))
            .max(first_wait.filter(|until| *until > now))
    }

    /// Deletes what is older than every window.
    pub(super) fn forget(&mut self, horizon: Timestamp) {
        for messages in self.charged.values_mut() {
            messages.retain(|message| message.at > horizon);
        }
        self.charged.retain(|_, messages| !messages.is_empty());
        self.given_back.retain(|_, sent_at| *sent_at > horizon);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.charged.is_empty() && self.given_back.is_empty()
    }
}

/// When the wait after the last delivered message is over.
fn wait_until(send: &SendCharge, past: &[LoggedMessage], now: Timestamp) -> Option<Timestamp> {
    let recent = now.minus(send.windows.short.within);
    let went_out = past
        .iter()
        .filter(|message| !message.failed && message.at > recent);
    let instants: Vec<Timestamp> = went_out.map(|message| message.at).collect();
    let last = instants.iter().max()?;
    let wait = send.waits.get(instants.len() - 1).or(send.waits.last())?;
    let until = last.plus(*wait);
    (until > now).then_some(until)
}
