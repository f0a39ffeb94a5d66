//! The book of one user's open challenges: the rules of short-lived memory. The in-process store keeps books; Redis
//! keeps the same in keys of one slot, and its scripts follow these rules step by step.

mod calls;
mod messages;

pub use calls::{
    Attempt, Charged, DestinationTag, Opened, Opening, REQUEST_LIFE, Resend, Resent, SendCharge,
    Spent, Standing,
};

use crate::{
    budget::GuessClass,
    caller::CallerName,
    change::Failure,
    id::{ChallengeId, GuessId},
    message::Delivery,
    request::RequestMark,
    time::Timestamp,
};
use messages::Messages;
use std::{collections::HashMap, time::Duration};

/// One user's open challenges, guesses and messages.
#[derive(Debug, Default)]
pub struct Book {
    open: HashMap<ChallengeId, Entry>,
    guesses: HashMap<GuessClass, Vec<ChargedGuess>>,
    messages: Messages,
    requests: HashMap<[u8; 16], Request>,
}

/// A guess in a window. Its id alone would not do: one request id may come with two challenges.
#[derive(Debug, Clone, Copy)]
struct ChargedGuess {
    challenge: ChallengeId,
    guess: GuessId,
    at: Timestamp,
}

#[derive(Debug)]
struct Entry {
    opening: Opening,
    used: u8,
    guessed: Vec<Guessed>,
    sends: u32,
    delivery: Option<Delivery>,
    sent_at: Timestamp,
}

#[derive(Debug, Clone, Copy)]
struct Guessed {
    guess: GuessId,
    payload: Option<[u8; 16]>,
    class: GuessClass,
    at: Timestamp,
    attempts_left: u8,
}

#[derive(Debug, Clone, Copy)]
struct Request {
    payload: [u8; 16],
    challenge: ChallengeId,
    until: Timestamp,
}

/// What is remembered of a call.
enum Seen {
    /// Nothing.
    No,
    /// It made this.
    Standing(Box<Standing>),
    /// What it made is over.
    Over,
    /// Its request id was used for something else.
    WithAnotherPayload,
}

impl Book {
    /// Opens a challenge: raises the windows to the durable record, charges the message, makes room. Opening what is
    /// open already changes nothing: a store whose answer was lost is asked again.
    pub fn open(&mut self, opening: Opening) -> Opened {
        let now = opening.now;
        self.forget(now);
        match self.seen_before(opening.mark, now) {
            Seen::No => {}
            Seen::Standing(standing) => return Opened::Repeated(*standing),
            Seen::Over => return Opened::Over,
            Seen::WithAnotherPayload => return Opened::RequestIdReused,
        }
        if let Some(entry) = self.open.get(&opening.id) {
            return Opened::Fresh(self.standing(entry, now), Vec::new());
        }
        self.raise(&opening.failures);
        let carried = match opening.instead_of {
            None => (0, 0),
            Some(id) => match self.open.get(&id) {
                Some(entry) if entry.is_open(&opening.caller, now) => (entry.used, entry.sends),
                _ => return Opened::NotOpen,
            },
        };
        if let Some(until) = opening
            .send
            .and_then(|send| self.full_until(&send, carried.1, opening.expires_at, now))
        {
            return Opened::SendsFull(until);
        }
        let superseded = self.make_room(&opening);
        self.enter(opening, carried, superseded)
    }

    /// Charges a guess, before anything is judged, to the challenge and to the user.
    pub fn spend_attempt(&mut self, attempt: &Attempt) -> Spent {
        self.forget(attempt.now);
        let Some(entry) = self.open.get_mut(&attempt.challenge) else {
            return Spent::Over;
        };
        if entry.opening.caller != attempt.caller {
            return Spent::Over;
        }
        if let Some(before) = entry
            .guessed
            .iter()
            .find(|guessed| guessed.guess == attempt.guess)
        {
            return if before.payload == attempt.payload {
                Spent::Judge(entry.charged(before))
            } else {
                Spent::RequestIdReused
            };
        }
        if !entry.is_open(&attempt.caller, attempt.now) {
            return Spent::Over;
        }
        let class = entry.class_of(attempt);
        let charged = self.guesses.entry(class).or_default();
        let windows = entry.opening.wrong_codes.of(class);
        if let Some(until) =
            windows.full_until(charged.iter().map(|charged| charged.at), attempt.now)
        {
            return Spent::Full(until);
        }
        charged
            .retain(|known| (known.challenge, known.guess) != (attempt.challenge, attempt.guess));
        charged.push(ChargedGuess {
            challenge: attempt.challenge,
            guess: attempt.guess,
            at: attempt.now,
        });
        entry.used = entry.used.saturating_add(1);
        let guessed = Guessed {
            guess: attempt.guess,
            payload: attempt.payload,
            class,
            at: attempt.now,
            attempts_left: entry.attempts_left(),
        };
        entry.guessed.push(guessed);
        Spent::Judge(entry.charged(&guessed))
    }

    /// Charges another message with the same code.
    pub fn resend(&mut self, resend: &Resend) -> Resent {
        self.forget(resend.now);
        match self.seen_before(resend.mark, resend.now) {
            Seen::No => {}
            Seen::Standing(standing) => return Resent::Repeated(*standing),
            Seen::Over => return Resent::NotOpen,
            Seen::WithAnotherPayload => return Resent::RequestIdReused,
        }
        let Some(entry) = self
            .open
            .get(&resend.challenge)
            .filter(|entry| entry.is_open(&resend.caller, resend.now))
        else {
            return Resent::NotOpen;
        };
        let Some(send) = entry.opening.send else {
            return Resent::NothingToSend;
        };
        if let Some(until) =
            self.full_until(&send, entry.sends, entry.opening.expires_at, resend.now)
        {
            return Resent::Full(until);
        }
        self.remember(resend.mark, resend.challenge, resend.now);
        self.charge_send(resend.challenge, resend.now);
        match self.open.get(&resend.challenge) {
            Some(entry) => Resent::Send(self.standing(entry, resend.now)),
            None => Resent::NotOpen,
        }
    }

    /// Notes what became of a challenge's message. A failed one starts no wait, and stays charged.
    pub fn record_delivery(&mut self, challenge: ChallengeId, ordinal: u32, delivery: Delivery) {
        let Some(entry) = self
            .open
            .get_mut(&challenge)
            .filter(|entry| entry.sends == ordinal)
        else {
            return;
        };
        entry.delivery = Some(delivery);
        if let (Some(send), Delivery::Failed) = (entry.opening.send, delivery) {
            self.messages.fail(send.destination, challenge, ordinal);
        }
    }

    /// A caller's challenge as it stands; an exhausted one until its time is over.
    pub fn find(
        &mut self,
        challenge: ChallengeId,
        caller: &CallerName,
        now: Timestamp,
    ) -> Option<Standing> {
        self.forget(now);
        let entry = self.open.get(&challenge)?;
        let theirs = entry.opening.caller == *caller && now < entry.opening.expires_at;
        theirs.then(|| self.standing(entry, now))
    }

    /// The enrolment that waits for its code.
    pub fn pending_enrollment(&mut self, now: Timestamp) -> Option<Standing> {
        self.forget(now);
        let pending = self.open.values().find(|entry| {
            entry.opening.enrollment && now < entry.opening.expires_at && entry.attempts_left() > 0
        })?;
        Some(self.standing(pending, now))
    }

    /// Drops a challenge. Its charges stay.
    pub fn drop_challenge(&mut self, challenge: ChallengeId) {
        self.open.remove(&challenge);
    }

    /// Drops a challenge that was passed, and gives back what passing it cost: the guess, and its messages.
    pub fn conclude(&mut self, challenge: ChallengeId, guess: GuessId) {
        let Some(entry) = self.open.remove(&challenge) else {
            return;
        };
        for charged in self.guesses.values_mut() {
            charged.retain(|charged| (charged.challenge, charged.guess) != (challenge, guess));
        }
        if let Some(send) = entry.opening.send {
            self.messages.refund(send.destination, challenge);
        }
    }

    /// Whether nothing is left to remember.
    pub fn is_blank(&mut self, now: Timestamp) -> bool {
        self.forget(now);
        self.open.is_empty()
            && self.requests.is_empty()
            && self.guesses.is_empty()
            && self.messages.is_empty()
    }

    fn enter(
        &mut self,
        opening: Opening,
        (used, sends): (u8, u32),
        superseded: Vec<ChallengeId>,
    ) -> Opened {
        let (id, now, mark, send) = (opening.id, opening.now, opening.mark, opening.send);
        let entry = Entry {
            opening,
            used,
            guessed: Vec::new(),
            sends,
            delivery: None,
            sent_at: now,
        };
        self.open.insert(id, entry);
        self.remember(mark, id, now);
        if send.is_some() {
            self.charge_send(id, now);
        }
        match self.open.get(&id) {
            Some(entry) => Opened::Fresh(self.standing(entry, now), superseded),
            None => Opened::NotOpen,
        }
    }

    fn make_room(&mut self, opening: &Opening) -> Vec<ChallengeId> {
        let goes = |entry: &&Entry| {
            let replaced = opening.instead_of == Some(entry.opening.id);
            replaced || opening.enrollment && entry.opening.enrollment
        };
        let leaving = self.open.values().filter(goes);
        let mut leaving: Vec<ChallengeId> = leaving.map(|entry| entry.opening.id).collect();
        leaving.sort_unstable_by_key(|id| opening.instead_of != Some(*id));
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
        // A stranger's challenges go before a known device's, so that opening many closes nobody's.
        staying.sort_unstable();
        let places = usize::try_from(opening.live_at_most.saturating_sub(1)).unwrap_or(usize::MAX);
        let surplus = staying.len().saturating_sub(places);
        leaving.extend(staying.into_iter().take(surplus).map(|(_, _, id)| id));
        for id in &leaving {
            self.open.remove(id);
        }
        leaving
    }

    fn raise(&mut self, failures: &[Failure]) {
        for failure in failures {
            let charged = self.guesses.entry(failure.class).or_default();
            let Failure {
                challenge,
                guess,
                class: _,
                at,
            } = *failure;
            if charged
                .iter()
                .all(|known| (known.challenge, known.guess) != (challenge, guess))
            {
                charged.push(ChargedGuess {
                    challenge,
                    guess,
                    at,
                });
            }
        }
    }

    fn charge_send(&mut self, challenge: ChallengeId, now: Timestamp) {
        let Some(entry) = self.open.get_mut(&challenge) else {
            return;
        };
        entry.sends = entry.sends.saturating_add(1);
        entry.delivery = None;
        entry.sent_at = now;
        if let Some(send) = entry.opening.send {
            let ordinal = entry.sends;
            self.messages
                .charge(send.destination, challenge, ordinal, now);
        }
    }

    /// When one more message fits; `None` means now.
    fn full_until(
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

    fn standing(&self, entry: &Entry, now: Timestamp) -> Standing {
        let opening = &entry.opening;
        let per_challenge = opening.send.map_or(0, |send| send.per_challenge);
        let sends_left = per_challenge.saturating_sub(entry.sends);
        let next_send_at = opening.send.filter(|_| sends_left > 0).map(|send| {
            self.full_until(&send, entry.sends, opening.expires_at, now)
                .unwrap_or(now)
        });
        Standing {
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

    fn seen_before(&self, mark: Option<RequestMark>, now: Timestamp) -> Seen {
        let known = mark.and_then(|mark| Some((mark, self.requests.get(&mark.tag)?)));
        match known {
            None => Seen::No,
            Some((mark, request)) if mark.payload != request.payload => Seen::WithAnotherPayload,
            Some((_, request)) => match self.open.get(&request.challenge) {
                Some(entry) => Seen::Standing(Box::new(self.standing(entry, now))),
                None => Seen::Over,
            },
        }
    }

    fn remember(&mut self, mark: Option<RequestMark>, challenge: ChallengeId, now: Timestamp) {
        if let Some(mark) = mark {
            let request = Request {
                payload: mark.payload,
                challenge,
                until: now.plus(REQUEST_LIFE),
            };
            self.requests.insert(mark.tag, request);
        }
    }

    /// Forgets what no rule asks for any more.
    fn forget(&mut self, now: Timestamp) {
        const GRACE: Duration = Duration::from_mins(1);
        const LONGEST_WINDOW: Duration = Duration::from_hours(24);
        let horizon = now.minus(LONGEST_WINDOW);
        self.open
            .retain(|_, entry| now < entry.opening.expires_at.plus(GRACE));
        self.requests.retain(|_, request| now < request.until);
        for charged in self.guesses.values_mut() {
            charged.retain(|charged| charged.at > horizon);
        }
        self.guesses.retain(|_, charged| !charged.is_empty());
        self.messages.forget(horizon);
    }
}

impl Entry {
    fn attempts_left(&self) -> u8 {
        self.opening.attempts.saturating_sub(self.used)
    }

    fn is_open(&self, caller: &CallerName, now: Timestamp) -> bool {
        self.opening.caller == *caller && now < self.opening.expires_at && self.attempts_left() > 0
    }

    fn class_of(&self, attempt: &Attempt) -> GuessClass {
        let known = attempt.device.is_some() && attempt.device == self.opening.device;
        match (attempt.recovery, known) {
            (true, _) => GuessClass::Recovery,
            (false, true) => GuessClass::Known,
            (false, false) => GuessClass::Unknown,
        }
    }

    fn charged(&self, guessed: &Guessed) -> Charged {
        Charged {
            sealed: self.opening.sealed.clone(),
            class: guessed.class,
            at: guessed.at,
            attempts_left: guessed.attempts_left,
        }
    }
}

#[cfg(test)]
mod tests;
