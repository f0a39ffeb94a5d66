//! The messages to each destination of a user.

use crate::{
    limits::user_throttle::{DestinationTag, SendCharge},
    value::{id::ChallengeId, time::Timestamp},
};
use std::collections::HashMap;

/// The messages of one user, by destination.
#[derive(Debug, Default)]
pub(super) struct MessageLog(HashMap<DestinationTag, DestinationLog>);

/// The messages of one user to one destination.
#[derive(Debug, Default)]
struct DestinationLog {
    charged: Vec<LoggedMessage>,
    /// When the last messages of passed challenges were sent, of those that start no wait.
    approved: Vec<Timestamp>,
    /// When the last message of a passed challenge was sent that starts a wait all the same.
    given_back: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy)]
struct LoggedMessage {
    challenge: ChallengeId,
    ordinal: u32,
    at: Timestamp,
    failed: bool,
    /// Whether a known device requested it.
    known_device: bool,
}

impl MessageLog {
    /// Charges a message of a challenge.
    pub(super) fn charge(
        &mut self,
        send: &SendCharge,
        challenge: ChallengeId,
        ordinal: u32,
        at: Timestamp,
    ) {
        let message = LoggedMessage {
            challenge,
            ordinal,
            at,
            failed: false,
            known_device: send.known_device,
        };
        self.to(send.destination).charged.push(message);
    }

    /// Records that a message was not delivered: it starts no wait and stays charged.
    pub(super) fn fail(&mut self, to: DestinationTag, challenge: ChallengeId, ordinal: u32) {
        for message in self
            .to(to)
            .charged
            .iter_mut()
            .filter(|past| past.challenge == challenge && past.ordinal == ordinal)
        {
            message.failed = true;
        }
    }

    /// Refunds the messages of a challenge that was passed. They start no wait while `send.approved` has room. Beyond it
    /// the first wait stays: otherwise an attacker with the codes could request messages as fast as they submit codes.
    pub(super) fn refund(&mut self, send: &SendCharge, challenge: ChallengeId, sent_at: Timestamp) {
        let log = self.to(send.destination);
        log.charged.retain(|past| past.challenge != challenge);
        let approved = log.approved.iter().copied();
        if send.approved.full_until(approved, sent_at).is_none() {
            log.approved.push(sent_at);
        } else {
            log.given_back = Some(sent_at);
        }
    }

    /// When one more message fits; `None` means now. Messages that known devices requested neither delay those of
    /// unknown clients nor are delayed by them.
    pub(super) fn full_until(&self, send: &SendCharge, now: Timestamp) -> Option<Timestamp> {
        let log = self.0.get(&send.destination)?;
        let of_class = log.charged.iter().copied();
        let past: Vec<LoggedMessage> = of_class
            .filter(|message| message.known_device == send.known_device)
            .collect();
        let full = send
            .windows
            .full_until(past.iter().map(|message| message.at), now);
        let first_wait = log.given_back.map(|sent_at| sent_at.plus(send.waits[0]));
        full.max(wait_until(send, &past, now))
            .max(first_wait.filter(|until| *until > now))
    }

    /// Forgets the messages to a destination and their waits. What passed challenges used of their allowance without a
    /// wait stays.
    pub(super) fn lift(&mut self, to: DestinationTag) {
        if let Some(log) = self.0.get_mut(&to) {
            log.charged.clear();
            log.given_back = None;
        }
    }

    /// Deletes what is older than every window.
    pub(super) fn forget(&mut self, horizon: Timestamp) {
        for log in self.0.values_mut() {
            log.charged.retain(|message| message.at > horizon);
            log.approved.retain(|sent_at| *sent_at > horizon);
            log.given_back = log.given_back.filter(|sent_at| *sent_at > horizon);
        }
        self.0.retain(|_, log| !log.is_empty());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn to(&mut self, destination: DestinationTag) -> &mut DestinationLog {
        self.0.entry(destination).or_default()
    }
}

impl DestinationLog {
    fn is_empty(&self) -> bool {
        self.charged.is_empty() && self.approved.is_empty() && self.given_back.is_none()
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
