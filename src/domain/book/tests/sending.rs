use super::*;

fn marked(mark: RequestMark, resend: Resend) -> Resend {
    Resend {
        mark: Some(mark),
        ..resend
    }
}

/// Sends again, which has to work.
#[track_caller]
fn send(book: &mut Book, challenge: u8, now: Timestamp) -> Standing {
    match book.resend(&resend(challenge, now)) {
        Resent::Send(standing) => standing,
        other => panic!("{other:?}"),
    }
}

/// When the book lets the next message of a challenge go.
#[track_caller]
fn next_after(book: &mut Book, challenge: u8, now: Timestamp) -> Timestamp {
    match book.resend(&resend(challenge, now)) {
        Resent::Full(until) => until,
        other => panic!("{other:?}"),
    }
}

/// A challenge that may send a hundred messages and lives for a day.
fn talkative(seed: u8, now: Timestamp) -> Opening {
    Opening {
        expires_at: now.plus(minutes(24 * 60)),
        send: Some(SendCharge {
            per_challenge: 100,
            ..to_destination(1)
        }),
        ..opening_at(seed, now)
    }
}

/// As if no message had to wait for the one before.
fn hasty(seed: u8) -> Opening {
    Opening {
        send: Some(SendCharge {
            waits: [Duration::ZERO; 3],
            ..to_destination(1)
        }),
        ..opening(seed)
    }
}

#[test]
fn opening_sends_the_first_message() {
    let (standing, _) = open(&mut Book::default(), sms(1, NOW));
    assert_eq!((standing.sends, standing.sends_left), (1, 4));
    assert_eq!(standing.sent_at, NOW);
    assert_eq!(standing.delivery, None);
}

#[test]
fn the_next_message_waits_30_60_and_then_120_seconds() {
    let mut book = book_with([talkative(1, NOW)]);
    let mut now = NOW;
    for wait in [30, 60, 120, 120] {
        let next = now.plus(seconds(wait));
        assert_eq!(next_after(&mut book, 1, now), next);
        assert_eq!(next_after(&mut book, 1, next.minus(seconds(1))), next);
        send(&mut book, 1, next);
        now = next;
    }
}

#[test]
fn a_standing_challenge_tells_when_the_next_message_can_go() {
    let mut book = book_with([sms(1, NOW)]);
    let next = |book: &mut Book, now| find(book, 1, now).unwrap().next_send_at;
    let after_the_wait = NOW.plus(WAITS[0]);
    assert_eq!(next(&mut book, NOW), Some(after_the_wait));
    assert_eq!(next(&mut book, after_the_wait), Some(after_the_wait));
}

#[test]
fn another_challenge_to_the_same_destination_waits_too() {
    let mut book = book_with([sms(1, NOW)]);
    assert_eq!(
        book.open(sms(2, NOW)),
        Opened::SendsFull(NOW.plus(WAITS[0]))
    );
    open(&mut book, sms(2, NOW.plus(WAITS[0])));
}

#[test]
fn an_opening_that_has_to_wait_closes_nothing() {
    let mut book = book_with([sms(1, NOW)]);
    let replacement = Opening {
        instead_of: Some(id(1)),
        ..sms(2, NOW)
    };
    book.open(replacement);
    assert_eq!(live(&mut book, 1..=2), [1]);
}

#[test]
fn another_destination_does_not_wait() {
    let mut book = book_with([sms(1, NOW)]);
    let elsewhere = Opening {
        send: Some(to_destination(2)),
        ..sms(2, NOW)
    };
    open(&mut book, elsewhere);
}

#[test]
fn a_failed_message_starts_no_wait() {
    let mut book = book_with([sms(1, NOW)]);
    book.record_delivery(id(1), 1, Delivery::Failed);
    send(&mut book, 1, NOW);
}

#[test]
fn a_failed_message_does_not_lengthen_the_next_wait() {
    let mut book = book_with([sms(1, NOW)]);
    book.record_delivery(id(1), 1, Delivery::Failed);
    send(&mut book, 1, NOW);
    assert_eq!(next_after(&mut book, 1, NOW), NOW.plus(WAITS[0]));
}

#[test]
fn failed_messages_count_all_the_same() {
    let mut book = book_with([talkative(1, NOW)]);
    for ordinal in 1..=5 {
        book.record_delivery(id(1), ordinal, Delivery::Failed);
        if ordinal < 5 {
            send(&mut book, 1, NOW);
        }
    }
    assert_eq!(next_after(&mut book, 1, NOW), NOW.plus(minutes(10)));
}

#[test]
fn a_message_that_may_have_arrived_starts_the_wait() {
    for delivery in [Delivery::HandedOver, Delivery::Unknown] {
        let mut book = book_with([sms(1, NOW)]);
        book.record_delivery(id(1), 1, delivery);
        assert_eq!(next_after(&mut book, 1, NOW), NOW.plus(WAITS[0]));
    }
}

#[test]
fn what_became_of_the_last_message_is_told() {
    let mut book = book_with([sms(1, NOW)]);
    book.record_delivery(id(1), 1, Delivery::HandedOver);
    let delivery = |book: &mut Book| find(book, 1, NOW).unwrap().delivery;
    assert_eq!(delivery(&mut book), Some(Delivery::HandedOver));
    send(&mut book, 1, NOW.plus(WAITS[0]));
    assert_eq!(delivery(&mut book), None);
}

#[test]
fn what_became_of_an_earlier_message_is_not_told_of_the_last() {
    let mut book = book_with([sms(1, NOW)]);
    let later = NOW.plus(WAITS[0]);
    send(&mut book, 1, later);
    book.record_delivery(id(1), 1, Delivery::Failed);
    assert_eq!(find(&mut book, 1, later).unwrap().delivery, None);
    assert_eq!(next_after(&mut book, 1, later), later.plus(WAITS[1]));
}

#[test]
fn a_challenge_sends_five_messages() {
    let mut book = book_with([hasty(1)]);
    for _ in 0..4 {
        send(&mut book, 1, NOW);
    }
    assert_eq!(next_after(&mut book, 1, NOW), NOW.plus(minutes(5)));
    let standing = find(&mut book, 1, NOW).unwrap();
    assert_eq!((standing.sends_left, standing.next_send_at), (0, None));
}

#[test]
fn a_destination_gets_as_many_messages_as_its_windows_bear() {
    let mut book = Book::default();
    for seed in 1..=5 {
        open(&mut book, hasty(seed));
    }
    assert_eq!(
        book.open(hasty(6)),
        Opened::SendsFull(NOW.plus(minutes(10)))
    );
}

#[test]
fn the_wait_begins_anew_when_the_short_window_is_empty() {
    let mut book = book_with([talkative(1, NOW)]);
    let later = NOW.plus(minutes(10));
    send(&mut book, 1, later);
    assert_eq!(next_after(&mut book, 1, later), later.plus(WAITS[0]));
}

#[test]
fn another_message_brings_neither_time_nor_attempts() {
    let mut book = book_with([sms(1, NOW)]);
    spend(&mut book, &attempt(1, 1));
    let standing = send(&mut book, 1, NOW.plus(WAITS[0]));
    assert_eq!(standing.attempts_left, 4);
    assert_eq!(standing.sent_at, NOW.plus(WAITS[0]));
    assert!(find(&mut book, 1, NOW.plus(minutes(5))).is_none());
}

#[test]
fn a_repeat_of_the_call_sends_nothing() {
    let mut book = book_with([sms(1, NOW)]);
    let later = NOW.plus(WAITS[0]);
    let call = marked(mark(7, 7), resend(1, later));
    assert!(matches!(book.resend(&call), Resent::Send(_)));
    let standing = find(&mut book, 1, later).unwrap();
    assert_eq!(book.resend(&call), Resent::Repeated(standing));
}

#[test]
fn a_repeat_with_another_payload_is_told_so() {
    let mut book = book_with([sms(1, NOW)]);
    let later = NOW.plus(WAITS[0]);
    book.resend(&marked(mark(7, 7), resend(1, later)));
    assert_eq!(
        book.resend(&marked(mark(7, 8), resend(1, later))),
        Resent::RequestIdReused
    );
}

#[test]
fn a_repeat_after_the_challenge_is_gone_sends_nothing() {
    let mut book = book_with([sms(1, NOW)]);
    let call = marked(mark(7, 7), resend(1, NOW.plus(WAITS[0])));
    book.resend(&call);
    book.drop_challenge(id(1));
    assert_eq!(book.resend(&call), Resent::NotOpen);
}

#[test]
fn a_call_that_had_to_wait_is_not_remembered() {
    let mut book = book_with([sms(1, NOW)]);
    let call = |now| marked(mark(7, 7), resend(1, now));
    assert!(matches!(book.resend(&call(NOW)), Resent::Full(_)));
    let later = NOW.plus(WAITS[0]);
    assert!(matches!(book.resend(&call(later)), Resent::Send(_)));
}

#[test]
fn nothing_is_sent_where_nothing_was() {
    let mut book = book_with([opening(1)]);
    assert_eq!(book.resend(&resend(1, NOW)), Resent::NothingToSend);
}

#[test]
fn nothing_is_sent_for_a_challenge_that_is_not_open_to_the_caller() {
    let mut book = book_with([hasty(1), hasty(2)]);
    exhaust(&mut book, 2);
    let of_shop = Resend {
        caller: CallerName::new("shop"),
        ..resend(1, NOW)
    };
    let too_late = resend(1, NOW.plus(minutes(5)));
    for hopeless in [of_shop, resend(2, NOW), resend(9, NOW), too_late] {
        assert_eq!(book.resend(&hopeless), Resent::NotOpen);
    }
}

#[test]
fn passing_a_challenge_gives_its_messages_back() {
    let mut book = book_with([sms(1, NOW)]);
    for (seed, at) in (2..40).zip(1..) {
        // Each passes; the day's budget of ten is never met.
        book.conclude(id(seed - 1), id(1));
        open(&mut book, sms(seed, NOW.plus(WAITS[0] * at)));
    }
}

#[test]
fn passing_a_challenge_keeps_the_first_wait() {
    let mut book = book_with([sms(1, NOW)]);
    book.conclude(id(1), id(1));
    let too_early = book.open(sms(2, NOW.plus(seconds(29))));
    assert_eq!(too_early, Opened::SendsFull(NOW.plus(WAITS[0])));
}

#[test]
fn passing_a_challenge_gives_no_other_challenges_messages_back() {
    let mut book = book_with([sms(1, NOW)]);
    let later = NOW.plus(WAITS[0]);
    open(&mut book, sms(2, later));
    book.conclude(id(2), id(1));
    let one_in_ten_minutes = SendCharge {
        windows: Windows {
            short: Limit::new(1, minutes(10)),
            long: Limit::new(1, minutes(10)),
        },
        ..to_destination(1)
    };
    let next = book.next_send(&one_in_ten_minutes, later);
    assert_eq!(next, Some(NOW.plus(minutes(10))));
}

#[test]
fn dropping_a_challenge_gives_nothing_back() {
    let mut book = book_with([sms(1, NOW)]);
    book.drop_challenge(id(1));
    assert_eq!(
        book.open(sms(2, NOW)),
        Opened::SendsFull(NOW.plus(WAITS[0]))
    );
}
