use super::*;
use crate::notice::message::DeliveryStatus;

fn marked(idempotency_key: IdempotencyKey, resend: ResendRequest) -> ResendRequest {
    ResendRequest {
        idempotency_key: Some(idempotency_key),
        ..resend
    }
}

/// Sends a message again, which must succeed.
#[track_caller]
fn send(throttle: &mut UserThrottleState, challenge: u8, now: Timestamp) -> ChallengeSnapshot {
    match throttle.resend(&resend(challenge, now)) {
        ResendResult::Send(snapshot) => snapshot,
        other => panic!("{other:?}"),
    }
}

/// When the throttle permits the next message of a challenge.
#[track_caller]
fn next_after(throttle: &mut UserThrottleState, challenge: u8, now: Timestamp) -> Timestamp {
    match throttle.resend(&resend(challenge, now)) {
        ResendResult::Full(until) => until,
        other => panic!("{other:?}"),
    }
}

/// A challenge of one day that may send a hundred messages.
fn talkative(seed: u8, now: Timestamp) -> ChallengeOpening {
    ChallengeOpening {
        expires_at: now.plus(minutes(24 * 60)),
        send: Some(SendCharge {
            per_challenge: 100,
            ..to_destination(1)
        }),
        ..opening_at(seed, now)
    }
}

/// A challenge without waits between messages.
fn hasty(seed: u8) -> ChallengeOpening {
    ChallengeOpening {
        send: Some(SendCharge {
            waits: [Duration::ZERO; 3],
            ..to_destination(1)
        }),
        ..opening(seed)
    }
}

#[test]
fn opening_sends_the_first_message() {
    let (snapshot, _) = open(&mut UserThrottleState::default(), sms(1, NOW));
    assert_eq!((snapshot.sends, snapshot.sends_left), (1, 4));
    assert_eq!(snapshot.sent_at, NOW);
    assert_eq!(snapshot.delivery, None);
}

#[test]
fn the_next_message_waits_30_60_and_then_120_seconds() {
    let mut throttle = throttle_with([talkative(1, NOW)]);
    let mut now = NOW;
    for wait in [30, 60, 120, 120] {
        let next = now.plus(seconds(wait));
        assert_eq!(next_after(&mut throttle, 1, now), next);
        assert_eq!(next_after(&mut throttle, 1, next.minus(seconds(1))), next);
        send(&mut throttle, 1, next);
        now = next;
    }
}

#[test]
fn an_open_challenge_tells_when_the_next_message_can_go() {
    let mut throttle = throttle_with([sms(1, NOW)]);
    let next = |throttle: &mut UserThrottleState, now| find(throttle, 1, now).unwrap().next_send_at;
    let after_the_wait = NOW.plus(WAITS[0]);
    assert_eq!(next(&mut throttle, NOW), Some(after_the_wait));
    assert_eq!(next(&mut throttle, after_the_wait), Some(after_the_wait));
}

#[test]
fn another_challenge_to_the_same_destination_waits_too() {
    let mut throttle = throttle_with([sms(1, NOW)]);
    assert_eq!(
        throttle.open(sms(2, NOW)),
        OpeningResult::SendsFull(NOW.plus(WAITS[0]))
    );
    open(&mut throttle, sms(2, NOW.plus(WAITS[0])));
}

#[test]
fn an_opening_that_has_to_wait_closes_nothing() {
    let mut throttle = throttle_with([sms(1, NOW)]);
    let replacement = ChallengeOpening {
        replaced_challenge_id: Some(id(1)),
        ..sms(2, NOW)
    };
    throttle.open(replacement);
    assert_eq!(live(&mut throttle, 1..=2), [1]);
}

#[test]
fn another_destination_does_not_wait() {
    let mut throttle = throttle_with([sms(1, NOW)]);
    let elsewhere = ChallengeOpening {
        send: Some(to_destination(2)),
        ..sms(2, NOW)
    };
    open(&mut throttle, elsewhere);
}

#[test]
fn a_failed_message_starts_no_wait() {
    let mut throttle = throttle_with([sms(1, NOW)]);
    throttle.record_delivery(id(1), 1, DeliveryStatus::Failed);
    send(&mut throttle, 1, NOW);
}

#[test]
fn a_failed_message_does_not_lengthen_the_next_wait() {
    let mut throttle = throttle_with([sms(1, NOW)]);
    throttle.record_delivery(id(1), 1, DeliveryStatus::Failed);
    send(&mut throttle, 1, NOW);
    assert_eq!(next_after(&mut throttle, 1, NOW), NOW.plus(WAITS[0]));
}

#[test]
fn failed_messages_count_all_the_same() {
    let mut throttle = throttle_with([talkative(1, NOW)]);
    for ordinal in 1..=5 {
        throttle.record_delivery(id(1), ordinal, DeliveryStatus::Failed);
        if ordinal < 5 {
            send(&mut throttle, 1, NOW);
        }
    }
    assert_eq!(next_after(&mut throttle, 1, NOW), NOW.plus(minutes(10)));
}

#[test]
fn a_message_that_may_have_arrived_starts_the_wait() {
    for delivery in [DeliveryStatus::HandedOver, DeliveryStatus::Unknown] {
        let mut throttle = throttle_with([sms(1, NOW)]);
        throttle.record_delivery(id(1), 1, delivery);
        assert_eq!(next_after(&mut throttle, 1, NOW), NOW.plus(WAITS[0]));
    }
}

#[test]
fn what_became_of_the_last_message_is_told() {
    let mut throttle = throttle_with([sms(1, NOW)]);
    throttle.record_delivery(id(1), 1, DeliveryStatus::HandedOver);
    let delivery = |throttle: &mut UserThrottleState| find(throttle, 1, NOW).unwrap().delivery;
    assert_eq!(delivery(&mut throttle), Some(DeliveryStatus::HandedOver));
    send(&mut throttle, 1, NOW.plus(WAITS[0]));
    assert_eq!(delivery(&mut throttle), None);
}

#[test]
fn what_became_of_an_earlier_message_is_not_told_of_the_last() {
    let mut throttle = throttle_with([sms(1, NOW)]);
    let later = NOW.plus(WAITS[0]);
    send(&mut throttle, 1, later);
    throttle.record_delivery(id(1), 1, DeliveryStatus::Failed);
    assert_eq!(find(&mut throttle, 1, later).unwrap().delivery, None);
    assert_eq!(next_after(&mut throttle, 1, later), later.plus(WAITS[1]));
}

#[test]
fn a_challenge_sends_five_messages() {
    let mut throttle = throttle_with([hasty(1)]);
    for _ in 0..4 {
        send(&mut throttle, 1, NOW);
    }
    assert_eq!(next_after(&mut throttle, 1, NOW), NOW.plus(minutes(5)));
    let snapshot = find(&mut throttle, 1, NOW).unwrap();
    assert_eq!((snapshot.sends_left, snapshot.next_send_at), (0, None));
}

#[test]
fn a_destination_gets_as_many_messages_as_its_windows_bear() {
    let mut throttle = UserThrottleState::default();
    for seed in 1..=5 {
        open(&mut throttle, hasty(seed));
    }
    assert_eq!(
        throttle.open(hasty(6)),
        OpeningResult::SendsFull(NOW.plus(minutes(10)))
    );
}

#[test]
fn the_wait_begins_again_when_the_short_window_is_empty() {
    let mut throttle = throttle_with([talkative(1, NOW)]);
    let later = NOW.plus(minutes(10));
    send(&mut throttle, 1, later);
    assert_eq!(next_after(&mut throttle, 1, later), later.plus(WAITS[0]));
}

#[test]
fn another_message_brings_neither_time_nor_attempts() {
    let mut throttle = throttle_with([sms(1, NOW)]);
    spend(&mut throttle, &attempt(1, 1));
    let snapshot = send(&mut throttle, 1, NOW.plus(WAITS[0]));
    assert_eq!(snapshot.attempts_left, 4);
    assert_eq!(snapshot.sent_at, NOW.plus(WAITS[0]));
    assert!(find(&mut throttle, 1, NOW.plus(minutes(5))).is_none());
}

#[test]
fn a_repeat_of_the_call_sends_nothing() {
    let mut throttle = throttle_with([sms(1, NOW)]);
    let later = NOW.plus(WAITS[0]);
    let call = marked(idempotency_key(7, 7), resend(1, later));
    assert!(matches!(throttle.resend(&call), ResendResult::Send(_)));
    let snapshot = find(&mut throttle, 1, later).unwrap();
    assert_eq!(throttle.resend(&call), ResendResult::Repeated(snapshot));
}

#[test]
fn a_repeat_with_another_payload_is_told_so() {
    let mut throttle = throttle_with([sms(1, NOW)]);
    let later = NOW.plus(WAITS[0]);
    throttle.resend(&marked(idempotency_key(7, 7), resend(1, later)));
    assert_eq!(
        throttle.resend(&marked(idempotency_key(7, 8), resend(1, later))),
        ResendResult::RequestIdReused
    );
}

#[test]
fn a_repeat_after_the_challenge_is_gone_sends_nothing() {
    let mut throttle = throttle_with([sms(1, NOW)]);
    let call = marked(idempotency_key(7, 7), resend(1, NOW.plus(WAITS[0])));
    throttle.resend(&call);
    throttle.drop_challenge(id(1));
    assert_eq!(throttle.resend(&call), ResendResult::NotOpen);
}

#[test]
fn a_call_that_had_to_wait_is_not_remembered() {
    let mut throttle = throttle_with([sms(1, NOW)]);
    let call = |now| marked(idempotency_key(7, 7), resend(1, now));
    assert!(matches!(throttle.resend(&call(NOW)), ResendResult::Full(_)));
    let later = NOW.plus(WAITS[0]);
    assert!(matches!(
        throttle.resend(&call(later)),
        ResendResult::Send(_)
    ));
}

#[test]
fn nothing_is_sent_where_nothing_was() {
    let mut throttle = throttle_with([opening(1)]);
    assert_eq!(
        throttle.resend(&resend(1, NOW)),
        ResendResult::NothingToSend
    );
}

#[test]
fn nothing_is_sent_for_a_challenge_that_is_not_open_to_the_caller() {
    let mut throttle = throttle_with([hasty(1), hasty(2)]);
    exhaust(&mut throttle, 2);
    let of_shop = ResendRequest {
        caller: CallerName::new("shop"),
        ..resend(1, NOW)
    };
    let too_late = resend(1, NOW.plus(minutes(5)));
    for hopeless in [of_shop, resend(2, NOW), resend(9, NOW), too_late] {
        assert_eq!(throttle.resend(&hopeless), ResendResult::NotOpen);
    }
}

#[test]
fn passing_a_challenge_gives_its_messages_back() {
    let mut throttle = throttle_with([sms(1, NOW)]);
    for (seed, at) in (2..40).zip(1..) {
        // Each challenge is passed, so the budget of ten a day is never reached.
        throttle.conclude(id(seed - 1), id(1));
        open(&mut throttle, sms(seed, NOW.plus(WAITS[0] * at)));
    }
}

#[test]
fn five_passed_challenges_in_ten_minutes_start_no_wait_and_the_sixth_does() {
    let mut throttle = UserThrottleState::default();
    for seed in 1..=6 {
        open(&mut throttle, sms(seed, NOW));
        throttle.conclude(id(seed), id(1));
    }
    let too_early = throttle.open(sms(7, NOW.plus(seconds(29))));
    assert_eq!(too_early, OpeningResult::SendsFull(NOW.plus(WAITS[0])));
    let later = NOW.plus(minutes(10));
    open(&mut throttle, sms(7, later));
    throttle.conclude(id(7), id(1));
    open(&mut throttle, sms(8, later));
}

#[test]
fn twenty_passed_challenges_a_day_start_no_wait() {
    let mut throttle = UserThrottleState::default();
    let at = |seed: u8| NOW.plus(minutes(3) * u32::from(seed));
    for seed in 1..=21 {
        open(&mut throttle, sms(seed, at(seed)));
        throttle.conclude(id(seed), id(1));
    }
    let too_early = throttle.open(sms(22, at(21)));
    assert_eq!(too_early, OpeningResult::SendsFull(at(21).plus(WAITS[0])));
}

#[test]
fn known_devices_and_unknown_clients_share_the_passed_challenges_without_a_wait() {
    let mut throttle = UserThrottleState::default();
    for seed in 1..=6 {
        let opening = if seed % 2 == 0 {
            of_known_device(seed, NOW)
        } else {
            sms(seed, NOW)
        };
        open(&mut throttle, opening);
        throttle.conclude(id(seed), id(1));
    }
    let too_early = throttle.open(of_known_device(7, NOW));
    assert_eq!(too_early, OpeningResult::SendsFull(NOW.plus(WAITS[0])));
}

#[test]
fn messages_of_unknown_clients_and_of_known_devices_delay_each_other_never() {
    let mut throttle = throttle_with([sms(1, NOW), of_known_device(2, NOW)]);
    let waits = OpeningResult::SendsFull(NOW.plus(WAITS[0]));
    assert_eq!(throttle.open(sms(3, NOW)), waits);
    assert_eq!(throttle.open(of_known_device(3, NOW)), waits);
}

#[test]
fn lifting_forgets_the_messages_to_the_named_destinations_only() {
    let elsewhere = |seed| ChallengeOpening {
        send: Some(to_destination(2)),
        ..opening(seed)
    };
    let mut throttle = throttle_with([sms(1, NOW), elsewhere(2)]);
    throttle.lift_windows(&[to_destination(1).destination]);
    open(&mut throttle, sms(3, NOW));
    let waits = OpeningResult::SendsFull(NOW.plus(WAITS[0]));
    assert_eq!(throttle.open(elsewhere(4)), waits);
}

#[test]
fn lifting_brings_no_more_passed_challenges_without_a_wait() {
    let mut throttle = UserThrottleState::default();
    for seed in 1..=5 {
        open(&mut throttle, sms(seed, NOW));
        throttle.conclude(id(seed), id(1));
    }
    throttle.lift_windows(&[to_destination(1).destination]);
    open(&mut throttle, sms(6, NOW));
    throttle.conclude(id(6), id(1));
    let waits = OpeningResult::SendsFull(NOW.plus(WAITS[0]));
    assert_eq!(throttle.open(sms(7, NOW)), waits);
}

/// A state in which no code of an unknown client is judged, with an open challenge 3.
fn throttled() -> UserThrottleState {
    let call = |opening| ChallengeOpening {
        idempotency_key: Some(idempotency_key(7, 7)),
        ..opening
    };
    let mut throttle = throttle_with([opening(1), opening(2), call(sms(3, NOW))]);
    exhaust(&mut throttle, 1);
    exhaust(&mut throttle, 2);
    throttle
}

#[test]
fn no_message_is_sent_whose_code_would_not_be_judged() {
    let mut throttle = throttled();
    let (later, full) = (NOW.plus(WAITS[0]), NOW.plus(minutes(15)));
    assert_eq!(
        throttle.open(sms(4, later)),
        OpeningResult::AttemptsFull(full)
    );
    assert_eq!(
        throttle.resend(&resend(3, later)),
        ResendResult::AttemptsFull(full)
    );
    // A challenge without a message is answered by a recovery code.
    open(&mut throttle, opening_at(5, later));
    // A known device's codes are judged.
    let known = ChallengeOpening {
        device: Some(device(1)),
        ..of_known_device(6, later)
    };
    open(&mut throttle, known);
}

#[test]
fn a_repeat_is_answered_as_before_although_the_user_is_throttled() {
    let mut throttle = throttled();
    let repeat = ChallengeOpening {
        idempotency_key: Some(idempotency_key(7, 7)),
        ..sms(9, NOW)
    };
    match throttle.open(repeat) {
        OpeningResult::Repeated(snapshot, _) => assert_eq!(snapshot.id, id(3)),
        other => panic!("{other:?}"),
    }
}

fn of_known_device(seed: u8, now: Timestamp) -> ChallengeOpening {
    ChallengeOpening {
        send: Some(SendCharge {
            known_device: true,
            ..to_destination(1)
        }),
        ..opening_at(seed, now)
    }
}

#[test]
fn passing_a_challenge_gives_no_other_challenges_messages_back() {
    let mut throttle = throttle_with([sms(1, NOW)]);
    let later = NOW.plus(WAITS[0]);
    open(&mut throttle, sms(2, later));
    throttle.conclude(id(2), id(1));
    let one_in_ten_minutes = SendCharge {
        windows: RateLimitWindows {
            short: RateLimit::new(1, minutes(10)),
            long: RateLimit::new(1, minutes(10)),
        },
        ..to_destination(1)
    };
    let next = throttle.next_send(&one_in_ten_minutes, later);
    assert_eq!(next, Some(NOW.plus(minutes(10))));
}

#[test]
fn dropping_a_challenge_gives_nothing_back() {
    let mut throttle = throttle_with([sms(1, NOW)]);
    throttle.drop_challenge(id(1));
    assert_eq!(
        throttle.open(sms(2, NOW)),
        OpeningResult::SendsFull(NOW.plus(WAITS[0]))
    );
}
