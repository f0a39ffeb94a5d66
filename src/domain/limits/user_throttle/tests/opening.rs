use super::*;

fn enrollment(seed: u8) -> ChallengeOpening {
    ChallengeOpening {
        enrollment: true,
        ..opening(seed)
    }
}

fn marked(seed: u8, idempotency_key: IdempotencyKey) -> ChallengeOpening {
    ChallengeOpening {
        idempotency_key: Some(idempotency_key),
        ..opening(seed)
    }
}

fn replaced_challenge_id(old: u8, new: ChallengeOpening) -> ChallengeOpening {
    ChallengeOpening {
        replaced_challenge_id: Some(id(old)),
        ..new
    }
}

/// Opened by a known device, `ago` seconds before now.
fn known(seed: u8, ago: u64) -> ChallengeOpening {
    ChallengeOpening {
        device: Some(device(1)),
        ..strangers(seed, ago)
    }
}

fn strangers(seed: u8, ago: u64) -> ChallengeOpening {
    opening_at(seed, NOW.minus(seconds(ago)))
}

#[test]
fn a_challenge_is_open_until_its_time_is_over() {
    let mut throttle = throttle_with([opening(1)]);
    let end = NOW.plus(minutes(5));
    assert!(find(&mut throttle, 1, end.minus(seconds(1))).is_some());
    assert!(find(&mut throttle, 1, end).is_none());
}

#[test]
fn a_challenge_stands_as_it_was_opened() {
    let (snapshot, superseded) = open(&mut UserThrottleState::default(), opening(1));
    assert_eq!((snapshot.id, &snapshot.sealed), (id(1), &sealed(1)));
    assert_eq!(snapshot.attempts_left, 5);
    assert_eq!((snapshot.sends, snapshot.sends_left), (0, 0));
    assert_eq!((snapshot.next_send_at, snapshot.delivery), (None, None));
    assert!(superseded.is_empty());
}

#[test]
fn a_challenge_is_nobody_elses() {
    let mut throttle = throttle_with([opening(1)]);
    assert!(
        throttle
            .find(id(1), &CallerName::new("shop"), NOW)
            .is_none()
    );
}

#[test]
fn an_exhausted_challenge_is_found_until_its_time_is_over() {
    let mut throttle = throttle_with([opening(1)]);
    exhaust(&mut throttle, 1);
    let snapshot = find(&mut throttle, 1, NOW).unwrap();
    assert_eq!(snapshot.attempts_left, 0);
}

#[test]
fn opening_what_is_open_changes_nothing() {
    let mut throttle = throttle_with([sms(1, NOW)]);
    spend(&mut throttle, &attempt(1, 1));
    let before = find(&mut throttle, 1, NOW);
    let (snapshot, superseded) = open(&mut throttle, sms(1, NOW));
    assert_eq!(Some(snapshot), before);
    assert!(superseded.is_empty());
}

#[test]
fn the_sixth_challenge_closes_the_oldest() {
    let mut throttle = throttle_with([5, 1, 4, 2, 3].map(|seed| strangers(seed, u64::from(seed))));
    let (_, superseded) = open(&mut throttle, opening(6));
    assert_eq!(superseded, ids(&[5]));
    assert_eq!(live(&mut throttle, 1..=6), [1, 2, 3, 4, 6]);
}

#[test]
fn a_strangers_challenge_goes_before_a_known_devices() {
    let mut throttle = throttle_with([
        known(1, 50),
        known(2, 40),
        strangers(3, 30),
        known(4, 20),
        strangers(5, 10),
    ]);
    let (_, superseded) = open(&mut throttle, opening(6));
    assert_eq!(superseded, ids(&[3]));
}

#[test]
fn a_stranger_who_opens_many_closes_only_strangers() {
    let mut throttle = throttle_with([known(1, 60)]);
    for seed in 2..30 {
        open(&mut throttle, strangers(seed, 30));
    }
    assert_eq!(live(&mut throttle, [1]), [1]);
}

#[test]
fn a_challenge_that_is_over_takes_no_place() {
    let mut throttle = throttle_with((1..=5).map(opening));
    exhaust(&mut throttle, 1);
    let (_, superseded) = open(&mut throttle, opening(6));
    assert!(superseded.is_empty());
    let later = NOW.plus(minutes(5));
    let (_, superseded) = open(&mut throttle, opening_at(7, later));
    assert!(superseded.is_empty());
}

#[test]
fn a_second_enrollment_closes_the_first() {
    let mut throttle = throttle_with([opening(1), enrollment(2)]);
    let (_, superseded) = open(&mut throttle, enrollment(3));
    assert_eq!(superseded, ids(&[2]));
    assert_eq!(live(&mut throttle, 1..=3), [1, 3]);
}

#[test]
fn the_enrollment_that_waits_is_the_one_that_is_open() {
    let mut throttle = throttle_with([opening(1)]);
    assert_eq!(throttle.pending_enrollment(NOW), None);
    open(&mut throttle, enrollment(2));
    let pending = throttle.pending_enrollment(NOW).unwrap();
    assert_eq!(pending.id, id(2));
    assert_eq!(throttle.pending_enrollment(NOW.plus(minutes(5))), None);
}

#[test]
fn an_exhausted_enrollment_waits_no_more() {
    let mut throttle = throttle_with([enrollment(1)]);
    exhaust(&mut throttle, 1);
    assert_eq!(throttle.pending_enrollment(NOW), None);
}

#[test]
fn a_challenge_instead_of_another_closes_that_one() {
    let mut throttle = throttle_with([opening(1), opening(2)]);
    let (_, superseded) = open(&mut throttle, replaced_challenge_id(1, opening(3)));
    assert_eq!(superseded, ids(&[1]));
    assert_eq!(live(&mut throttle, 1..=3), [2, 3]);
}

#[test]
fn a_challenge_instead_of_another_carries_its_attempts_and_sends() {
    let mut throttle = throttle_with([sms(1, NOW)]);
    spend(&mut throttle, &attempt(1, 1));
    spend(&mut throttle, &attempt(1, 2));
    let after_the_wait = NOW.plus(WAITS[0]);
    let (snapshot, _) = open(
        &mut throttle,
        replaced_challenge_id(1, sms(2, after_the_wait)),
    );
    assert_eq!(snapshot.attempts_left, 3);
    assert_eq!((snapshot.sends, snapshot.sends_left), (2, 3));
}

#[test]
fn the_replaced_challenge_goes_before_the_surplus() {
    let mut throttle = throttle_with((1..=5).map(|seed| strangers(seed, u64::from(seed))));
    let narrower = ChallengeOpening {
        max_open: 4,
        ..replaced_challenge_id(1, opening(6))
    };
    let (_, superseded) = open(&mut throttle, narrower);
    assert_eq!(superseded, ids(&[1, 5]));
}

#[test]
fn only_an_open_challenge_of_the_callers_own_can_be_replaced() {
    let mut throttle = throttle_with([opening(1), opening(2)]);
    exhaust(&mut throttle, 1);
    let elses = ChallengeOpening {
        caller: CallerName::new("shop"),
        ..replaced_challenge_id(2, opening(3))
    };
    let too_late = replaced_challenge_id(2, opening_at(3, NOW.plus(minutes(5))));
    let exhausted = replaced_challenge_id(1, opening(3));
    let unknown = replaced_challenge_id(9, opening(3));
    for hopeless in [elses, exhausted, unknown, too_late] {
        assert_eq!(throttle.open(hopeless), OpeningResult::NotOpen);
    }
}

#[test]
fn a_repeat_of_the_call_meets_the_challenge_that_it_opened() {
    let mut throttle = throttle_with([marked(1, idempotency_key(7, 7))]);
    let snapshot = find(&mut throttle, 1, NOW).unwrap();
    assert_eq!(
        throttle.open(marked(2, idempotency_key(7, 7))),
        OpeningResult::Repeated(snapshot, Vec::new())
    );
    assert_eq!(live(&mut throttle, 1..=2), [1]);
}

#[test]
fn a_repeat_sends_nothing() {
    let repeated = || ChallengeOpening {
        idempotency_key: Some(idempotency_key(7, 7)),
        ..sms(1, NOW)
    };
    let mut throttle = throttle_with([repeated()]);
    throttle.open(repeated());
    assert_eq!(find(&mut throttle, 1, NOW).unwrap().sends, 1);
}

#[test]
fn a_repeat_with_another_payload_is_told_so() {
    let mut throttle = throttle_with([marked(1, idempotency_key(7, 7))]);
    assert_eq!(
        throttle.open(marked(2, idempotency_key(7, 8))),
        OpeningResult::RequestIdReused
    );
}

#[test]
fn a_repeat_after_the_challenge_is_gone_opens_no_other() {
    let mut throttle = throttle_with([marked(1, idempotency_key(7, 7))]);
    throttle.drop_challenge(id(1));
    assert_eq!(
        throttle.open(marked(2, idempotency_key(7, 7))),
        OpeningResult::Over
    );
}

#[test]
fn a_call_is_remembered_for_ten_minutes() {
    let mut throttle = throttle_with([marked(1, idempotency_key(7, 7))]);
    let after = |now: Timestamp| ChallengeOpening {
        idempotency_key: Some(idempotency_key(7, 8)),
        ..opening_at(2, now)
    };
    let end = NOW.plus(REQUEST_ID_RETENTION);
    assert_eq!(
        throttle.open(after(end.minus(seconds(1)))),
        OpeningResult::RequestIdReused
    );
    assert!(matches!(
        throttle.open(after(end)),
        OpeningResult::Fresh(..)
    ));
}

#[test]
fn a_call_that_was_refused_is_not_remembered() {
    let mut throttle = UserThrottleState::default();
    let hopeless = ChallengeOpening {
        idempotency_key: Some(idempotency_key(7, 7)),
        ..replaced_challenge_id(9, opening(1))
    };
    assert_eq!(throttle.open(hopeless), OpeningResult::NotOpen);
    open(&mut throttle, marked(1, idempotency_key(7, 8)));
}

#[test]
fn of_two_that_go_the_replaced_one_is_named_first() {
    for (replaced, waiting) in [(1, 2), (2, 1)] {
        let mut throttle = throttle_with([opening(replaced), enrollment(waiting)]);
        let (_, superseded) = open(
            &mut throttle,
            replaced_challenge_id(replaced, enrollment(3)),
        );
        assert_eq!(superseded, ids(&[replaced, waiting]));
    }
}

#[test]
fn an_untouched_throttle_is_blank() {
    assert!(UserThrottleState::default().is_blank(NOW));
}

#[test]
fn a_challenge_is_remembered_for_a_minute_after_its_end() {
    let mut throttle = throttle_with([opening(1)]);
    let forgotten = NOW.plus(minutes(6));
    assert!(!throttle.is_blank(forgotten.minus(seconds(1))));
    assert!(throttle.is_blank(forgotten));
}

#[test]
fn a_call_is_remembered_longer_than_its_challenge() {
    let mut throttle = throttle_with([marked(1, idempotency_key(7, 7))]);
    let forgotten = NOW.plus(REQUEST_ID_RETENTION);
    assert!(!throttle.is_blank(forgotten.minus(seconds(1))));
    assert!(throttle.is_blank(forgotten));
}

#[test]
fn an_attempt_is_remembered_for_a_day() {
    let mut throttle = throttle_with([opening(1)]);
    spend(&mut throttle, &attempt(1, 1));
    let forgotten = NOW.plus(minutes(24 * 60));
    assert!(!throttle.is_blank(forgotten.minus(seconds(1))));
    assert!(throttle.is_blank(forgotten));
}

#[test]
fn a_message_is_remembered_for_a_day() {
    let mut throttle = throttle_with([sms(1, NOW)]);
    let forgotten = NOW.plus(minutes(24 * 60));
    assert!(!throttle.is_blank(forgotten.minus(seconds(1))));
    assert!(throttle.is_blank(forgotten));
}
