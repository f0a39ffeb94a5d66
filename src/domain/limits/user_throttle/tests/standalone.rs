use super::*;
use crate::limits::budget::AttemptClass;

fn standalone_at(seed: u8, now: Timestamp) -> StandaloneAttempt {
    StandaloneAttempt {
        challenge: id(seed),
        attempt_id: id(seed),
        payload: None,
        class: AttemptClass::Unknown,
        windows: Policy::built_in().wrong_codes.unknown,
        failures: Vec::new(),
        now,
    }
}

fn standalone(seed: u8) -> StandaloneAttempt {
    standalone_at(seed, NOW)
}

#[test]
fn ten_attempts_fill_the_window() {
    let mut throttle = UserThrottleState::default();
    for seed in 1..=10 {
        assert_eq!(
            throttle.charge_standalone_attempt(&standalone(seed)),
            StandaloneChargeResult::New
        );
    }
    let until = NOW.plus(minutes(15));
    assert_eq!(
        throttle.charge_standalone_attempt(&standalone(11)),
        StandaloneChargeResult::Full(until)
    );
    assert_eq!(
        throttle.charge_standalone_attempt(&standalone_at(12, until)),
        StandaloneChargeResult::New
    );
}

#[test]
fn a_repeat_is_not_charged_again_and_keeps_its_instant() {
    let mut throttle = UserThrottleState::default();
    let later = NOW.plus(seconds(5));
    assert_eq!(
        throttle.charge_standalone_attempt(&standalone(1)),
        StandaloneChargeResult::New
    );
    for _ in 0..20 {
        let again = throttle.charge_standalone_attempt(&standalone_at(1, later));
        assert_eq!(again, StandaloneChargeResult::Known(NOW));
    }
    for seed in 2..=10 {
        assert_eq!(
            throttle.charge_standalone_attempt(&standalone(seed)),
            StandaloneChargeResult::New
        );
    }
    assert!(matches!(
        throttle.charge_standalone_attempt(&standalone(11)),
        StandaloneChargeResult::Full(_)
    ));
    assert_eq!(
        throttle.charge_standalone_attempt(&standalone(1)),
        StandaloneChargeResult::Known(NOW),
        "the repeat of one that is charged is judged, whatever came between"
    );
}

#[test]
fn another_payload_under_the_same_request_id_is_not_judged() {
    let mut throttle = UserThrottleState::default();
    let first = StandaloneAttempt {
        payload: Some([1; 16]),
        ..standalone(1)
    };
    let other = StandaloneAttempt {
        payload: Some([2; 16]),
        challenge: id(2),
        ..standalone(1)
    };
    assert_eq!(
        throttle.charge_standalone_attempt(&first),
        StandaloneChargeResult::New
    );
    assert_eq!(
        throttle.charge_standalone_attempt(&other),
        StandaloneChargeResult::RequestIdReused
    );
    assert_eq!(
        throttle.charge_standalone_attempt(&first),
        StandaloneChargeResult::Known(NOW)
    );
}

#[test]
fn the_windows_are_raised_to_the_durable_record() {
    let mut throttle = UserThrottleState::default();
    let failures: Vec<FailedAttempt> = (1..=10)
        .map(|seed| FailedAttempt {
            challenge: id(seed),
            attempt_id: id(seed),
            class: AttemptClass::Unknown,
            at: NOW,
        })
        .collect();
    let attempt = StandaloneAttempt {
        failures: failures.clone(),
        ..standalone(11)
    };
    assert!(matches!(
        throttle.charge_standalone_attempt(&attempt),
        StandaloneChargeResult::Full(_)
    ));
    let recorded = StandaloneAttempt {
        failures,
        ..standalone(3)
    };
    assert_eq!(
        throttle.charge_standalone_attempt(&recorded),
        StandaloneChargeResult::Known(NOW),
        "what is on record is not charged a second time"
    );
}

#[test]
fn one_that_is_given_back_leaves_its_room() {
    let mut throttle = UserThrottleState::default();
    for seed in 1..=10 {
        throttle.charge_standalone_attempt(&standalone(seed));
    }
    throttle.refund_attempt(id(4), id(4));
    assert_eq!(
        throttle.charge_standalone_attempt(&standalone(11)),
        StandaloneChargeResult::New
    );
    assert!(matches!(
        throttle.charge_standalone_attempt(&standalone(12)),
        StandaloneChargeResult::Full(_)
    ));
}

/// A08: one budget for codes and passwords.
#[test]
fn attempts_at_codes_and_at_nothing_fill_the_same_window() {
    let mut throttle = UserThrottleState::default();
    for seed in 1..=10 {
        throttle.charge_standalone_attempt(&standalone(seed));
    }
    open(&mut throttle, opening(20));
    let spent = throttle.charge_attempt(&attempt(20, 21));
    assert!(matches!(spent, AttemptChargeResult::Full(_)), "{spent:?}");
}
