use super::*;

fn lone_at(seed: u8, now: Timestamp) -> LoneGuess {
    LoneGuess {
        challenge: id(seed),
        guess: id(seed),
        payload: None,
        class: GuessClass::Unknown,
        windows: Policy::built_in().wrong_codes.unknown,
        failures: Vec::new(),
        now,
    }
}

fn lone(seed: u8) -> LoneGuess {
    lone_at(seed, NOW)
}

#[test]
fn ten_guesses_fill_the_window() {
    let mut book = Book::default();
    for seed in 1..=10 {
        assert_eq!(book.charge_guess(&lone(seed)), LoneCharge::New);
    }
    let until = NOW.plus(minutes(15));
    assert_eq!(book.charge_guess(&lone(11)), LoneCharge::Full(until));
    assert_eq!(book.charge_guess(&lone_at(12, until)), LoneCharge::New);
}

#[test]
fn a_repeat_is_not_charged_again_and_keeps_its_instant() {
    let mut book = Book::default();
    let later = NOW.plus(seconds(5));
    assert_eq!(book.charge_guess(&lone(1)), LoneCharge::New);
    for _ in 0..20 {
        let again = book.charge_guess(&lone_at(1, later));
        assert_eq!(again, LoneCharge::Known(NOW));
    }
    for seed in 2..=10 {
        assert_eq!(book.charge_guess(&lone(seed)), LoneCharge::New);
    }
    assert!(matches!(book.charge_guess(&lone(11)), LoneCharge::Full(_)));
    assert_eq!(
        book.charge_guess(&lone(1)),
        LoneCharge::Known(NOW),
        "the repeat of one that is charged is judged, whatever came between"
    );
}

#[test]
fn another_payload_under_the_same_request_id_is_not_judged() {
    let mut book = Book::default();
    let first = LoneGuess {
        payload: Some([1; 16]),
        ..lone(1)
    };
    let other = LoneGuess {
        payload: Some([2; 16]),
        challenge: id(2),
        ..lone(1)
    };
    assert_eq!(book.charge_guess(&first), LoneCharge::New);
    assert_eq!(book.charge_guess(&other), LoneCharge::RequestIdReused);
    assert_eq!(book.charge_guess(&first), LoneCharge::Known(NOW));
}

#[test]
fn the_windows_are_raised_to_the_durable_record() {
    let mut book = Book::default();
    let failures: Vec<Failure> = (1..=10)
        .map(|seed| Failure {
            challenge: id(seed),
            guess: id(seed),
            class: GuessClass::Unknown,
            at: NOW,
        })
        .collect();
    let guess = LoneGuess {
        failures: failures.clone(),
        ..lone(11)
    };
    assert!(matches!(book.charge_guess(&guess), LoneCharge::Full(_)));
    let recorded = LoneGuess {
        failures,
        ..lone(3)
    };
    assert_eq!(
        book.charge_guess(&recorded),
        LoneCharge::Known(NOW),
        "what is on record is not charged a second time"
    );
}

#[test]
fn one_that_is_given_back_leaves_its_room() {
    let mut book = Book::default();
    for seed in 1..=10 {
        book.charge_guess(&lone(seed));
    }
    book.refund_guess(id(4), id(4));
    assert_eq!(book.charge_guess(&lone(11)), LoneCharge::New);
    assert!(matches!(book.charge_guess(&lone(12)), LoneCharge::Full(_)));
}

/// A08: one budget for codes and passwords.
#[test]
fn guesses_at_codes_and_at_nothing_fill_the_same_window() {
    let mut book = Book::default();
    for seed in 1..=10 {
        book.charge_guess(&lone(seed));
    }
    open(&mut book, opening(20));
    let spent = book.spend_attempt(&attempt(20, 21));
    assert!(matches!(spent, Spent::Full(_)), "{spent:?}");
}
