//! The messages of a user's challenges: when one more fits, and its charge.

use crate::{
    limits::{
        budget::AttemptClass,
        user_throttle::{
            ChallengeOpening, ResendRequest, ResendResult, SendCharge, UserThrottleState,
            request_log::RequestLookup,
        },
    },
    notice::message::DeliveryStatus,
    value::{id::ChallengeId, time::Timestamp},
};

impl UserThrottleState {
    /// Charges another message with the same code.
    pub fn resend(&mut self, resend: &ResendRequest) -> ResendResult {
        self.forget(resend.now);
        match self.requests.seen(resend.idempotency_key) {
            RequestLookup::No => {}
            RequestLookup::About(id) => {
                let entry = self.open.get(&id);
                let snapshot = entry.map(|entry| self.snapshot(entry, resend.now));
                return snapshot.map_or(ResendResult::NotOpen, ResendResult::Repeated);
            }
            RequestLookup::WithAnotherPayload => return ResendResult::RequestIdReused,
        }
        let Some(entry) = self
            .open
            .get(&resend.challenge)
            .filter(|entry| entry.is_open(&resend.caller, resend.now))
        else {
            return ResendResult::NotOpen;
        };
        let Some(send) = entry.opening.send else {
            return ResendResult::NothingToSend;
        };
        if let Some(until) = self.throttled_until(&entry.opening, resend.now) {
            return ResendResult::AttemptsFull(until);
        }
        if let Some(until) =
            self.full_until(&send, entry.sends, entry.opening.expires_at, resend.now)
        {
            return ResendResult::Full(until);
        }
        self.requests
            .remember(resend.idempotency_key, resend.challenge, resend.now);
        self.charge_send(resend.challenge, resend.now);
        match self.open.get(&resend.challenge) {
            Some(entry) => ResendResult::Send(self.snapshot(entry, resend.now)),
            None => ResendResult::NotOpen,
        }
    }

    /// Records the delivery of a challenge's latest message. A failed message starts no wait and stays charged.
    pub fn record_delivery(
        &mut self,
        challenge: ChallengeId,
        ordinal: u32,
        delivery: DeliveryStatus,
    ) {
        let Some(entry) = self
            .open
            .get_mut(&challenge)
            .filter(|entry| entry.sends == ordinal)
        else {
            return;
        };
        entry.delivery = Some(delivery);
        if let (Some(send), DeliveryStatus::Failed) = (entry.opening.send, delivery) {
            self.messages.fail(send.destination, challenge, ordinal);
        }
    }

    /// When a message of a new challenge fits; `None` means now.
    #[must_use]
    pub fn next_send(&self, send: &SendCharge, now: Timestamp) -> Option<Timestamp> {
        self.messages.full_until(send, now)
    }

    pub(super) fn charge_send(&mut self, challenge: ChallengeId, now: Timestamp) {
        let Some(entry) = self.open.get_mut(&challenge) else {
            return;
        };
        entry.sends = entry.sends.saturating_add(1);
        entry.delivery = None;
        entry.sent_at = now;
        if let Some(send) = entry.opening.send {
            let ordinal = entry.sends;
            self.messages.charge(&send, challenge, ordinal, now);
        }
    }

    /// When one more message fits; `None` means now.
    pub(super) fn full_until(
        &self,
        send: &SendCharge,
        sends: u32,
        ends: Timestamp,
        now: Timestamp,
    ) -> Option<Timestamp> {
        if sends >= send.per_challenge {
            return Some(ends);
        }
        self.messages.full_until(send, now)
    }

    /// Until when no numeric code of the client that opens this challenge is judged; `None` if its window has room.
    pub(super) fn throttled_until(
        &self,
        opening: &ChallengeOpening,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let class = match opening.device {
            Some(_) => AttemptClass::Known,
            None => AttemptClass::Unknown,
        };
        let windows = opening.wrong_codes.of(class);
        self.attempts.full_until(class, &windows, now)
    }
}
