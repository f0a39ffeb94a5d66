//! Rate limits and open challenges of one user; the Redis scripts mirror these rules.
//!
//! The in-process store keeps these values in memory. Redis keeps the same state in keys of one hash slot.

mod attempt_log;
mod message_log;
mod open_challenge;
mod operations;
mod request_log;
mod sending;
mod standalone;

pub use operations::{
    AttemptCharge, AttemptChargeResult, AttemptRequest, ChallengeOpening, ChallengeSnapshot,
    DestinationTag, OpeningResult, REQUEST_ID_RETENTION, ResendRequest, ResendResult, SendCharge,
    StandaloneAttempt, StandaloneChargeResult, SupersededChallenge,
};

use crate::{
    authorization::caller::CallerName,
    value::{
        id::{AttemptId, ChallengeId},
        time::Timestamp,
    },
};
use attempt_log::AttemptLog;
use message_log::MessageLog;
use open_challenge::{ChargedAttemptEntry, OpenChallenge};
use request_log::{RequestLog, RequestLookup};
use std::{collections::HashMap, time::Duration};

/// Attempts and messages of a challenge, carried over to the challenge that replaces it.
#[derive(Clone, Copy, Default)]
struct CarriedUse {
    attempts: u8,
    sends: u32,
}

/// The open challenges, attempts and messages of one user.
#[derive(Debug, Default)]
pub struct UserThrottleState {
    open: HashMap<ChallengeId, OpenChallenge>,
    attempts: AttemptLog,
    messages: MessageLog,
    requests: RequestLog,
}

impl UserThrottleState {
    /// Opens a challenge: charges the failures of the durable record and the message, and closes surplus challenges. A
    /// repeat for a challenge that is open changes nothing, because a store retries a call after a lost answer.
    pub fn open(&mut self, opening: ChallengeOpening) -> OpeningResult {
        let now = opening.now;
        self.forget(now);
        if let Some(entry) = self.open.get(&opening.id) {
            return OpeningResult::Fresh(self.snapshot(entry, now), entry.superseded.clone());
        }
        match self.requests.seen(opening.idempotency_key) {
            RequestLookup::No => {}
            RequestLookup::About(id) => {
                let Some(entry) = self.open.get(&id) else {
                    return OpeningResult::Over;
                };
                return OpeningResult::Repeated(
                    self.snapshot(entry, now),
                    entry.superseded.clone(),
                );
            }
            RequestLookup::WithAnotherPayload => return OpeningResult::RequestIdReused,
        }
        self.attempts.raise(&opening.failures);
        let carried = match opening.replaced_challenge_id {
            None => CarriedUse::default(),
            Some(id) => match self.open.get(&id) {
                Some(entry) if entry.is_open(&opening.caller, now) => CarriedUse {
                    attempts: entry.used,
                    sends: entry.sends,
                },
                _ => return OpeningResult::NotOpen,
            },
        };
        if let Some(until) = opening
            .send
            .and_then(|_| self.throttled_until(&opening, now))
        {
            return OpeningResult::AttemptsFull(until);
        }
        if let Some(until) = opening
            .send
            .and_then(|send| self.full_until(&send, carried.sends, opening.expires_at, now))
        {
            return OpeningResult::SendsFull(until);
        }
        let superseded = self.make_room(&opening);
        self.enter(opening, carried, superseded)
    }

    /// Charges an attempt to the challenge and to the user, before the code is judged.
    pub fn charge_attempt(&mut self, attempt: &AttemptRequest) -> AttemptChargeResult {
        self.forget(attempt.now);
        let idempotency_key = attempt.idempotency_key();
        if matches!(
            self.requests.seen(idempotency_key),
            RequestLookup::WithAnotherPayload
        ) {
            return AttemptChargeResult::RequestIdReused;
        }
        let Some(entry) = self.open.get_mut(&attempt.challenge) else {
            return AttemptChargeResult::Over;
        };
        if entry.opening.caller != attempt.caller {
            return AttemptChargeResult::Over;
        }
        if let Some(before) = entry
            .charged_attempts
            .iter()
            .find(|charged| charged.attempt_id == attempt.attempt_id)
        {
            return if before.payload == attempt.payload {
                AttemptChargeResult::Charged(entry.charged(before))
            } else {
                AttemptChargeResult::RequestIdReused
            };
        }
        if !entry.is_open(&attempt.caller, attempt.now) {
            return AttemptChargeResult::Over;
        }
        let class = entry.class_of(attempt);
        let windows = entry.opening.wrong_codes.of(class);
        if let Some(until) = self.attempts.full_until(class, &windows, attempt.now) {
            return AttemptChargeResult::Full(until);
        }
        self.attempts.charge(
            class,
            attempt.challenge,
            attempt.attempt_id,
            &windows,
            attempt.now,
        );
        self.requests
            .remember(idempotency_key, attempt.challenge, attempt.now);
        entry.used = entry.used.saturating_add(1);
        let room = self.attempts.room(class, &windows, attempt.now);
        let room = u8::try_from(room).unwrap_or(u8::MAX);
        let charged_attempt = ChargedAttemptEntry {
            attempt_id: attempt.attempt_id,
            payload: attempt.payload,
            class,
            at: attempt.now,
            attempts_left: entry.attempts_left().min(room),
        };
        entry.charged_attempts.push(charged_attempt);
        AttemptChargeResult::Charged(entry.charged(&charged_attempt))
    }

    /// Returns a challenge of this caller until it expires, even if its attempts are exhausted.
    pub fn find(
        &mut self,
        challenge: ChallengeId,
        caller: &CallerName,
        now: Timestamp,
    ) -> Option<ChallengeSnapshot> {
        self.forget(now);
        let entry = self.open.get(&challenge)?;
        let theirs = entry.opening.caller == *caller && now < entry.opening.expires_at;
        theirs.then(|| self.snapshot(entry, now))
    }

    /// Returns the open enrollment challenge.
    pub fn pending_enrollment(&mut self, now: Timestamp) -> Option<ChallengeSnapshot> {
        self.forget(now);
        let pending = self.open.values().find(|entry| {
            entry.opening.enrollment && now < entry.opening.expires_at && entry.attempts_left() > 0
        })?;
        Some(self.snapshot(pending, now))
    }

    /// Closes a challenge. Its charges stay.
    pub fn drop_challenge(&mut self, challenge: ChallengeId) {
        self.open.remove(&challenge);
    }

    /// Closes all challenges. Their charges stay.
    pub fn drop_all(&mut self) {
        self.open.clear();
    }

    /// Closes a challenge that was passed, and refunds its attempt and its messages. The first wait after its last
    /// message stays only if the allowance of passed challenges is used up.
    pub fn conclude(&mut self, challenge: ChallengeId, attempt_id: AttemptId) {
        let Some(entry) = self.open.remove(&challenge) else {
            return;
        };
        self.attempts.refund(challenge, attempt_id);
        if let Some(send) = entry.opening.send {
            self.messages.refund(&send, challenge, entry.sent_at);
        }
    }

    /// Whether nothing is left to keep, so that the state can be deleted.
    pub fn is_blank(&mut self, now: Timestamp) -> bool {
        self.forget(now);
        self.open.is_empty()
            && self.requests.is_empty()
            && self.attempts.is_empty()
            && self.messages.is_empty()
    }

    fn enter(
        &mut self,
        opening: ChallengeOpening,
        carried: CarriedUse,
        superseded: Vec<SupersededChallenge>,
    ) -> OpeningResult {
        let (id, now, idempotency_key, send) = (
            opening.id,
            opening.now,
            opening.idempotency_key,
            opening.send,
        );
        let entry = OpenChallenge {
            opening,
            superseded,
            carried: carried.attempts,
            used: carried.attempts,
            charged_attempts: Vec::new(),
            sends: carried.sends,
            delivery: None,
            sent_at: now,
        };
        self.open.insert(id, entry);
        self.requests.remember(idempotency_key, id, now);
        if send.is_some() {
            self.charge_send(id, now);
        }
        match self.open.get(&id) {
            Some(entry) => {
                OpeningResult::Fresh(self.snapshot(entry, now), entry.superseded.clone())
            }
            None => OpeningResult::NotOpen,
        }
    }

    fn make_room(&mut self, opening: &ChallengeOpening) -> Vec<SupersededChallenge> {
        let goes = |entry: &&OpenChallenge| {
            let replaced = opening.replaced_challenge_id == Some(entry.opening.id);
            replaced || opening.enrollment && entry.opening.enrollment
        };
        let leaving = self.open.values().filter(goes);
        let mut leaving: Vec<ChallengeId> = leaving.map(|entry| entry.opening.id).collect();
        leaving.sort_unstable_by_key(|id| opening.replaced_challenge_id != Some(*id));
        let mut staying: Vec<(bool, Timestamp, ChallengeId)> = self
            .open
            .values()
            .filter(|entry| !leaving.contains(&entry.opening.id))
            .filter(|entry| opening.now < entry.opening.expires_at && entry.attempts_left() > 0)
            .map(|entry| {
                (
                    entry.opening.device.is_some(),
                    entry.opening.now,
                    entry.opening.id,
                )
            })
            .collect();
        // Challenges of unknown clients are closed before those of known devices. Opening many then closes no one
        // else's.
        staying.sort_unstable();
        let places = usize::try_from(opening.max_open.saturating_sub(1)).unwrap_or(usize::MAX);
        let surplus = staying.len().saturating_sub(places);
        leaving.extend(staying.into_iter().take(surplus).map(|(_, _, id)| id));
        let left = leaving.iter().filter_map(|id| self.open.remove(id));
        left.map(|entry| (entry.opening.id, entry.opening.caller))
            .collect()
    }

    /// Forgets all charged attempts, and the messages to these destinations. Open challenges keep their own count.
    pub fn lift_windows(&mut self, destinations: &[DestinationTag]) {
        self.attempts = AttemptLog::default();
        for destination in destinations {
            self.messages.lift(*destination);
        }
    }

    fn snapshot(&self, entry: &OpenChallenge, now: Timestamp) -> ChallengeSnapshot {
        let opening = &entry.opening;
        let per_challenge = opening.send.map_or(0, |send| send.per_challenge);
        let sends_left = per_challenge.saturating_sub(entry.sends);
        let next_send_at = opening.send.filter(|_| sends_left > 0).map(|send| {
            self.full_until(&send, entry.sends, opening.expires_at, now)
                .unwrap_or(now)
        });
        ChallengeSnapshot {
            id: opening.id,
            sealed: opening.sealed.clone(),
            attempts_left: entry.attempts_left(),
            sends: entry.sends,
            sends_left,
            next_send_at,
            delivery: entry.delivery,
            sent_at: entry.sent_at,
        }
    }

    /// Deletes what no rule needs any more.
    fn forget(&mut self, now: Timestamp) {
        const GRACE: Duration = Duration::from_mins(1);
        const MAX_WINDOW: Duration = Duration::from_hours(24);
        let horizon = now.minus(MAX_WINDOW);
        self.open
            .retain(|_, entry| now < entry.opening.expires_at.plus(GRACE));
        self.requests.forget(now);
        self.attempts.forget(horizon);
        self.messages.forget(horizon);
    }
}

#[cfg(test)]
mod tests;
