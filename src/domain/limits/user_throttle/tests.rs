mod guessing;
mod opening;
mod sending;
mod standalone;

use super::*;
use crate::{
    account::change::FailedAttempt,
    device::DeviceTokenHash,
    fixtures::{NOW, PORTAL, id, minutes, sealed, seconds},
    limits::budget::{RateLimit, RateLimitWindows},
    policy::Policy,
    value::idempotency_key::IdempotencyKey,
};

const WAITS: [Duration; 3] = [seconds(30), seconds(60), seconds(120)];

/// A challenge of an unknown client, opened now, for five minutes, without a message.
fn opening(seed: u8) -> ChallengeOpening {
    opening_at(seed, NOW)
}

fn opening_at(seed: u8, now: Timestamp) -> ChallengeOpening {
    ChallengeOpening {
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
        replaced_challenge_id: None,
        enrollment: false,
        max_open: 5,
        idempotency_key: None,
    }
}

/// A challenge that sends its code to a phone number.
fn sms(seed: u8, now: Timestamp) -> ChallengeOpening {
    ChallengeOpening {
        send: Some(to_destination(1)),
        ..opening_at(seed, now)
    }
}

fn to_destination(seed: u8) -> SendCharge {
    SendCharge {
        destination: DestinationTag([seed; 16]),
        windows: RateLimitWindows {
            short: RateLimit::new(5, minutes(10)),
            long: RateLimit::new(10, minutes(24 * 60)),
        },
        waits: WAITS,
        per_challenge: 5,
        known_device: false,
        approved: RateLimitWindows {
            short: RateLimit::new(5, minutes(10)),
            long: RateLimit::new(20, minutes(24 * 60)),
        },
    }
}

fn idempotency_key(tag: u8, payload: u8) -> IdempotencyKey {
    IdempotencyKey {
        key_digest: [tag; 16],
        request_fingerprint: [payload; 16],
    }
}

fn device(seed: u8) -> DeviceTokenHash {
    DeviceTokenHash::from_bytes([seed; 16])
}

/// An attempt of an unknown client, now.
fn attempt(challenge: u8, seed: u8) -> AttemptRequest {
    AttemptRequest {
        challenge: id(challenge),
        caller: CallerName::new(PORTAL),
        attempt_id: id(seed),
        payload: None,
        recovery: false,
        device: None,
        now: NOW,
    }
}

fn resend(challenge: u8, now: Timestamp) -> ResendRequest {
    ResendRequest {
        challenge: id(challenge),
        caller: CallerName::new(PORTAL),
        idempotency_key: None,
        now,
    }
}

fn throttle_with(openings: impl IntoIterator<Item = ChallengeOpening>) -> UserThrottleState {
    let mut throttle = UserThrottleState::default();
    for opening in openings {
        open(&mut throttle, opening);
    }
    throttle
}

/// Opens a challenge, which must succeed, and returns the challenges closed for it.
#[track_caller]
fn open(
    throttle: &mut UserThrottleState,
    opening: ChallengeOpening,
) -> (ChallengeSnapshot, Vec<ChallengeId>) {
    match throttle.open(opening) {
        OpeningResult::Fresh(snapshot, superseded) => {
            (snapshot, superseded.into_iter().map(|(id, _)| id).collect())
        }
        other => panic!("{other:?}"),
    }
}

/// Charges an attempt, which must succeed.
#[track_caller]
fn spend(throttle: &mut UserThrottleState, attempt: &AttemptRequest) -> AttemptCharge {
    match throttle.charge_attempt(attempt) {
        AttemptChargeResult::Charged(charged) => charged,
        other => panic!("{other:?}"),
    }
}

/// Submits attempts until the challenge is over.
fn exhaust(throttle: &mut UserThrottleState, challenge: u8) {
    for seed in 0..5 {
        spend(throttle, &attempt(challenge, seed));
    }
}

fn find(
    throttle: &mut UserThrottleState,
    challenge: u8,
    now: Timestamp,
) -> Option<ChallengeSnapshot> {
    throttle.find(id(challenge), &CallerName::new(PORTAL), now)
}

/// The seeds of those challenges that are open.
fn live(throttle: &mut UserThrottleState, seeds: impl IntoIterator<Item = u8>) -> Vec<u8> {
    let is_live = |seed: &u8| find(throttle, *seed, NOW).is_some();
    seeds.into_iter().filter(is_live).collect()
}

fn ids(seeds: &[u8]) -> Vec<ChallengeId> {
    seeds.iter().copied().map(id).collect()
}
