mod guessing;
mod lone;
mod opening;
mod sending;

use super::*;
use crate::{
    budget::{Limit, Windows},
    change::Failure,
    device::TokenHash,
    fixtures::{NOW, PORTAL, id, minutes, sealed, seconds},
    policy::Policy,
    request::RequestMark,
};

const WAITS: [Duration; 3] = [seconds(30), seconds(60), seconds(120)];

/// A challenge of a stranger that sends nothing, opened now, for five minutes.
fn opening(seed: u8) -> Opening {
    opening_at(seed, NOW)
}

fn opening_at(seed: u8, now: Timestamp) -> Opening {
    Opening {
        id: id(seed),
        caller: CallerName::new(PORTAL),
        device: None,
        sealed: sealed(seed),
        now,
        expires_at: now.plus(minutes(5)),
        attempts: 5,
        wrong_codes: Policy::built_in().wrong_codes,
        failures: Vec::new(),
        send: None,
        instead_of: None,
        enrollment: false,
        live_at_most: 5,
        mark: None,
    }
}

/// One that sends its code to a number.
fn sms(seed: u8, now: Timestamp) -> Opening {
    Opening {
        send: Some(to_destination(1)),
        ..opening_at(seed, now)
    }
}

fn to_destination(seed: u8) -> SendCharge {
    SendCharge {
        destination: DestinationTag([seed; 16]),
        windows: Windows {
            short: Limit::new(5, minutes(10)),
            long: Limit::new(10, minutes(24 * 60)),
        },
        waits: WAITS,
        per_challenge: 5,
    }
}

fn mark(tag: u8, payload: u8) -> RequestMark {
    RequestMark {
        tag: [tag; 16],
        payload: [payload; 16],
    }
}

fn device(seed: u8) -> TokenHash {
    TokenHash::from_bytes([seed; 16])
}

/// A stranger's guess, now.
fn attempt(challenge: u8, guess: u8) -> Attempt {
    Attempt {
        challenge: id(challenge),
        caller: CallerName::new(PORTAL),
        guess: id(guess),
        payload: None,
        recovery: false,
        device: None,
        now: NOW,
    }
}

fn resend(challenge: u8, now: Timestamp) -> Resend {
    Resend {
        challenge: id(challenge),
        caller: CallerName::new(PORTAL),
        mark: None,
        now,
    }
}

fn book_with(openings: impl IntoIterator<Item = Opening>) -> Book {
    let mut book = Book::default();
    for opening in openings {
        open(&mut book, opening);
    }
    book
}

/// Opens a challenge that has to open, and says which ones went for it.
#[track_caller]
fn open(book: &mut Book, opening: Opening) -> (Standing, Vec<ChallengeId>) {
    match book.open(opening) {
        Opened::Fresh(standing, superseded) => {
            (standing, superseded.into_iter().map(|(id, _)| id).collect())
        }
        other => panic!("{other:?}"),
    }
}

/// Charges a guess that has to be judged.
#[track_caller]
fn spend(book: &mut Book, attempt: &Attempt) -> Charged {
    match book.spend_attempt(attempt) {
        Spent::Judge(charged) => charged,
        other => panic!("{other:?}"),
    }
}

/// Guesses at a challenge until it is over.
fn exhaust(book: &mut Book, challenge: u8) {
    for guess in 0..5 {
        spend(book, &attempt(challenge, guess));
    }
}

fn find(book: &mut Book, challenge: u8, now: Timestamp) -> Option<Standing> {
    book.find(id(challenge), &CallerName::new(PORTAL), now)
}

/// Which of the challenges are open, by their seeds.
fn live(book: &mut Book, seeds: impl IntoIterator<Item = u8>) -> Vec<u8> {
    let is_live = |seed: &u8| find(book, *seed, NOW).is_some();
    seeds.into_iter().filter(is_live).collect()
}

fn ids(seeds: &[u8]) -> Vec<ChallengeId> {
    seeds.iter().copied().map(id).collect()
}
