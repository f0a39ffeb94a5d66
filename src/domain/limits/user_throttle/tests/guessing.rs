use super::*;
use crate::{fixtures::properties, limits::budget::AttemptClass};
use proptest::prelude::*;

fn at(now: Timestamp, attempt: AttemptRequest) -> AttemptRequest {
    AttemptRequest { now, ..attempt }
}

fn recovery(attempt: AttemptRequest) -> AttemptRequest {
    AttemptRequest {
        recovery: true,
        ..attempt
    }
}

fn with_device(seed: u8, attempt: AttemptRequest) -> AttemptRequest {
    AttemptRequest {
        device: Some(device(seed)),
        ..attempt
    }
}

fn with_payload(payload: u8, attempt: AttemptRequest) -> AttemptRequest {
    AttemptRequest {
        payload: Some([payload; 16]),
        ..attempt
    }
}

/// A challenge of a hundred attempts, so that the user's windows fill up first.
fn patient(seed: u8) -> ChallengeOpening {
    ChallengeOpening {
        attempts: 100,
        ..opening(seed)
    }
}

fn patient_of_device(seed: u8) -> ChallengeOpening {
    ChallengeOpening {
        device: Some(device(1)),
        ..patient(seed)
    }
}

fn failure(challenge: u8, seed: u8, at: Timestamp) -> FailedAttempt {
    FailedAttempt {
        challenge: id(challenge),
        attempt_id: id(seed),
        class: AttemptClass::Unknown,
        at,
    }
}

fn spend_many(
    throttle: &mut UserThrottleState,
    attempts: u8,
    attempt_of: impl Fn(u8) -> AttemptRequest,
) {
    for seed in 0..attempts {
        spend(throttle, &attempt_of(seed));
    }
}

fn full_for(minutes_from_now: u64) -> AttemptChargeResult {
    AttemptChargeResult::Full(NOW.plus(minutes(minutes_from_now)))
}

#[test]
fn an_attempt_costs_one_attempt() {
    let mut throttle = throttle_with([opening(1)]);
    let charged = spend(&mut throttle, &attempt(1, 1));
    assert_eq!(charged.attempts_left, 4);
    assert_eq!(find(&mut throttle, 1, NOW).unwrap().attempts_left, 4);
}

#[test]
fn an_attempt_is_judged_by_the_challenge_that_it_names() {
    let mut throttle = throttle_with([opening(1), opening(2)]);
    let charged = spend(&mut throttle, &attempt(2, 1));
    assert_eq!((charged.sealed, charged.at), (sealed(2), NOW));
}

#[test]
fn the_sixth_attempt_meets_a_challenge_that_is_over() {
    let mut throttle = throttle_with([opening(1)]);
    exhaust(&mut throttle, 1);
    assert_eq!(
        throttle.charge_attempt(&attempt(1, 6)),
        AttemptChargeResult::Over
    );
}

#[test]
fn an_attempt_after_the_end_meets_a_challenge_that_is_over() {
    let mut throttle = throttle_with([opening(1)]);
    let end = NOW.plus(minutes(5));
    assert_eq!(
        throttle.charge_attempt(&at(end, attempt(1, 1))),
        AttemptChargeResult::Over
    );
}

#[test]
fn an_attempt_at_what_never_was_meets_a_challenge_that_is_over() {
    assert_eq!(
        UserThrottleState::default().charge_attempt(&attempt(1, 1)),
        AttemptChargeResult::Over
    );
}

#[test]
fn an_attempt_of_another_caller_costs_nothing() {
    let mut throttle = throttle_with([opening(1)]);
    let of_shop = AttemptRequest {
        caller: CallerName::new("shop"),
        ..attempt(1, 1)
    };
    assert_eq!(throttle.charge_attempt(&of_shop), AttemptChargeResult::Over);
    assert_eq!(find(&mut throttle, 1, NOW).unwrap().attempts_left, 5);
}

#[test]
fn a_repeat_is_free_and_judged_as_of_the_first_instant() {
    let mut throttle = throttle_with([opening(1)]);
    let first = spend(&mut throttle, &attempt(1, 1));
    spend(&mut throttle, &attempt(1, 2));
    let later = NOW.plus(minutes(1));
    assert_eq!(spend(&mut throttle, &at(later, attempt(1, 1))), first);
    assert_eq!(find(&mut throttle, 1, NOW).unwrap().attempts_left, 3);
}

#[test]
fn a_repeat_of_the_last_guess_is_judged_although_the_challenge_is_exhausted() {
    let mut throttle = throttle_with([opening(1)]);
    exhaust(&mut throttle, 1);
    assert_eq!(spend(&mut throttle, &attempt(1, 4)).attempts_left, 0);
}

#[test]
fn a_repeat_is_judged_up_to_a_minute_after_the_end() {
    let mut throttle = throttle_with([opening(1)]);
    let first = spend(&mut throttle, &attempt(1, 1));
    let end = NOW.plus(minutes(5));
    let in_grace = at(end.plus(seconds(59)), attempt(1, 1));
    let after_grace = at(end.plus(seconds(60)), attempt(1, 1));
    assert_eq!(spend(&mut throttle, &in_grace), first);
    assert_eq!(
        throttle.charge_attempt(&after_grace),
        AttemptChargeResult::Over
    );
}

#[test]
fn a_repeat_with_another_payload_is_told_so() {
    let mut throttle = throttle_with([opening(1)]);
    spend(&mut throttle, &with_payload(1, attempt(1, 1)));
    let other = with_payload(2, attempt(1, 1));
    assert_eq!(
        throttle.charge_attempt(&other),
        AttemptChargeResult::RequestIdReused
    );
    assert_eq!(
        throttle.charge_attempt(&attempt(1, 1)),
        AttemptChargeResult::RequestIdReused
    );
}

#[test]
fn a_strangers_eleventh_guess_in_15_minutes_is_not_looked_at() {
    let mut throttle = throttle_with([patient(1)]);
    spend_many(&mut throttle, 10, |seed| attempt(1, seed));
    assert_eq!(throttle.charge_attempt(&attempt(1, 10)), full_for(15));
}

#[test]
fn an_attempt_that_is_not_looked_at_costs_no_attempt() {
    let mut throttle = throttle_with([patient(1)]);
    spend_many(&mut throttle, 10, |seed| attempt(1, seed));
    throttle.charge_attempt(&attempt(1, 10));
    assert_eq!(find(&mut throttle, 1, NOW).unwrap().attempts_left, 90);
}

#[test]
fn new_challenges_bring_no_new_attempts() {
    let mut throttle = UserThrottleState::default();
    for seed in 1..=5 {
        open(&mut throttle, opening(seed));
        spend(&mut throttle, &attempt(seed, 1));
        spend(&mut throttle, &attempt(seed, 2));
        throttle.drop_challenge(id(seed));
    }
    open(&mut throttle, opening(6));
    assert_eq!(throttle.charge_attempt(&attempt(6, 1)), full_for(15));
}

#[test]
fn one_request_id_at_two_challenges_is_two_attempts() {
    let mut throttle = throttle_with((1..=5).map(patient));
    for challenge in 1..=5 {
        spend(&mut throttle, &attempt(challenge, 1));
        spend(&mut throttle, &attempt(challenge, 2));
    }
    assert_eq!(throttle.charge_attempt(&attempt(1, 3)), full_for(15));
}

#[test]
fn a_stranger_leaves_a_known_device_its_own_guesses() {
    let mut throttle = throttle_with([patient(1), patient_of_device(2)]);
    spend_many(&mut throttle, 10, |seed| attempt(1, seed));
    let charged = spend(&mut throttle, &with_device(1, attempt(2, 1)));
    assert_eq!(charged.class, AttemptClass::Known);
}

#[test]
fn a_known_devices_sixth_attempt_in_15_minutes_is_not_looked_at() {
    let mut throttle = throttle_with([patient_of_device(1)]);
    spend_many(&mut throttle, 5, |seed| with_device(1, attempt(1, seed)));
    let sixth = with_device(1, attempt(1, 5));
    assert_eq!(throttle.charge_attempt(&sixth), full_for(15));
}

#[test]
fn only_the_token_that_opened_the_challenge_makes_a_known_device() {
    let mut throttle = throttle_with([patient(1), patient_of_device(2)]);
    let class = |throttle: &mut UserThrottleState, attempt| spend(throttle, &attempt).class;
    let unknown = AttemptClass::Unknown;
    assert_eq!(class(&mut throttle, with_device(1, attempt(1, 1))), unknown);
    assert_eq!(class(&mut throttle, with_device(2, attempt(2, 1))), unknown);
    assert_eq!(class(&mut throttle, attempt(2, 2)), unknown);
}

#[test]
fn recovery_codes_have_attempts_of_their_own() {
    let mut throttle = throttle_with([patient(1)]);
    spend_many(&mut throttle, 10, |seed| attempt(1, seed));
    spend_many(&mut throttle, 5, |seed| recovery(attempt(1, 10 + seed)));
    assert_eq!(
        throttle.charge_attempt(&recovery(attempt(1, 20))),
        full_for(15)
    );
}

#[test]
fn a_known_device_guesses_recovery_codes_like_anyone() {
    let mut throttle = throttle_with([patient_of_device(1)]);
    let charged = spend(&mut throttle, &with_device(1, recovery(attempt(1, 1))));
    assert_eq!(charged.class, AttemptClass::Recovery);
}

#[test]
fn windows_are_raised_to_what_the_durable_record_knows() {
    let minute_ago = NOW.minus(minutes(1));
    let recorded = (0..10).map(|seed| failure(9, seed, minute_ago));
    let mut throttle = throttle_with([ChallengeOpening {
        failures: recorded.collect(),
        ..opening(1)
    }]);
    assert_eq!(throttle.charge_attempt(&attempt(1, 1)), full_for(14));
}

#[test]
fn an_attempt_that_is_recorded_too_counts_once() {
    let mut throttle = throttle_with([patient(1)]);
    spend_many(&mut throttle, 9, |seed| attempt(1, seed));
    let recorded = (0..9).map(|seed| failure(1, seed, NOW));
    let again = ChallengeOpening {
        failures: recorded.collect(),
        ..patient(2)
    };
    open(&mut throttle, again);
    spend(&mut throttle, &attempt(2, 1));
    assert_eq!(throttle.charge_attempt(&attempt(2, 2)), full_for(15));
}

#[test]
fn passing_a_challenge_gives_its_own_attempt_back() {
    let mut throttle = throttle_with([patient(1), patient(2)]);
    spend_many(&mut throttle, 10, |seed| attempt(1, seed));
    throttle.conclude(id(1), id(9));
    spend(&mut throttle, &attempt(2, 1));
    assert_eq!(throttle.charge_attempt(&attempt(2, 2)), full_for(15));
}

#[test]
fn a_challenge_that_was_passed_is_over() {
    let mut throttle = throttle_with([opening(1)]);
    spend(&mut throttle, &attempt(1, 1));
    throttle.conclude(id(1), id(1));
    assert_eq!(
        throttle.charge_attempt(&attempt(1, 1)),
        AttemptChargeResult::Over
    );
}

#[test]
fn concluding_what_is_gone_gives_nothing_back() {
    let mut throttle = throttle_with([patient(1), patient(2)]);
    spend_many(&mut throttle, 10, |seed| attempt(1, seed));
    throttle.drop_challenge(id(1));
    throttle.conclude(id(1), id(9));
    assert_eq!(throttle.charge_attempt(&attempt(2, 1)), full_for(15));
}

/// An action of an unknown client.
#[derive(Debug, Clone)]
enum Try {
    Open(u8),
    Instead(u8, u8),
    Drop(u8),
    Attempt(u8),
    Wait(u64),
}

fn a_try() -> impl Strategy<Value = Try> {
    prop_oneof![
        2 => (0..6_u8).prop_map(Try::Open),
        1 => (0..6_u8, 0..6_u8).prop_map(|(old, new)| Try::Instead(old, new)),
        1 => (0..6_u8).prop_map(Try::Drop),
        8 => (0..6_u8).prop_map(Try::Attempt),
        1 => (0..240_u64).prop_map(Try::Wait),
    ]
}

/// When attempts of an unknown client were judged.
fn judged(tries: Vec<Try>) -> Vec<Timestamp> {
    let mut throttle = UserThrottleState::default();
    let mut now = NOW;
    let mut judged = Vec::new();
    for (number, one) in (0_u8..).zip(tries) {
        match one {
            Try::Open(seed) => {
                throttle.open(opening_at(seed, now));
            }
            Try::Instead(old, new) => {
                throttle.open(ChallengeOpening {
                    replaced_challenge_id: Some(id(old)),
                    ..opening_at(new, now)
                });
            }
            Try::Drop(seed) => throttle.drop_challenge(id(seed)),
            Try::Attempt(seed) => {
                if let AttemptChargeResult::Charged(_) =
                    throttle.charge_attempt(&at(now, attempt(seed, number)))
                {
                    judged.push(now);
                }
            }
            Try::Wait(passes) => now = now.plus(seconds(passes)),
        }
    }
    judged
}

proptest! {
    #![proptest_config(properties(256))]

    #[test]
    fn whatever_a_stranger_tries_no_more_attempts_are_judged_than_the_windows_bear(
        tries in prop::collection::vec(a_try(), 0..200),
    ) {
        let RateLimitWindows { short, long } = Policy::built_in().wrong_codes.unknown;
        let judged = judged(tries);
        for limit in [short, long] {
            let one_too_many = usize::try_from(limit.count).unwrap();
            for (first, last) in judged.iter().zip(judged.iter().skip(one_too_many)) {
                prop_assert!(last.since(*first) >= limit.within);
            }
        }
    }
}
