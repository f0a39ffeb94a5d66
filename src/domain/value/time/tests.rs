use super::*;

#[test]
fn a_day_is_written_as_the_calendar_has_it() {
    for (seconds, date) in [
        (0, "1970-01-01"),
        (951_782_400, "2000-02-29"),
        (951_868_800, "2000-03-01"),
        (1_780_000_000, "2026-05-28"),
        (4_107_542_399, "2100-02-28"),
        (4_107_542_400, "2100-03-01"),
        (253_402_300_799, "9999-12-31"),
    ] {
        assert_eq!(Timestamp::from_seconds(seconds).date(), date);
    }
}

use crate::fixtures::properties;
use proptest::prelude::*;

const MILLISECOND: Duration = Duration::from_millis(1);

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

#[test]
fn seconds_are_a_thousand_milliseconds() {
    assert_eq!(Timestamp::from_seconds(-3).millis(), -3000);
    assert_eq!(at(1_999).seconds(), 1);
    assert_eq!(at(2_000).seconds(), 2);
}

#[test]
fn there_are_no_seconds_before_1970() {
    assert_eq!(at(-1).seconds(), 0);
    assert_eq!(at(i64::MIN).seconds(), 0);
}

/// 9999-12-31T23:59:59.999Z.
#[test]
fn the_latest_instant_is_the_end_of_the_year_9999() {
    assert_eq!(Timestamp::LATEST.seconds(), 253_402_300_799);
    assert_eq!(
        Timestamp::LATEST.plus(MILLISECOND).seconds(),
        253_402_300_800
    );
}

#[test]
fn time_never_wraps() {
    let (first, last) = (at(i64::MIN), at(i64::MAX));
    assert_eq!(last.plus(MILLISECOND), last);
    assert_eq!(at(1).plus(Duration::MAX), last);
    assert_eq!(first.minus(MILLISECOND), first);
    assert_eq!(last.since(first), Duration::from_millis(u64::MAX >> 1));
    assert_eq!(Timestamp::from_seconds(i64::MAX), last);
}

#[test]
fn nothing_has_passed_since_an_instant_to_come() {
    assert_eq!(at(5).since(at(6)), Duration::ZERO);
    assert_eq!(at(5).since(at(5)), Duration::ZERO);
    assert_eq!(at(6).since(at(5)), MILLISECOND);
}

#[test]
fn a_span_is_counted_in_milliseconds() {
    assert_eq!(millis(Duration::from_secs(2)), 2_000);
    assert_eq!(millis(Duration::from_nanos(1_999_999)), 1);
    assert_eq!(millis(Duration::MAX), i64::MAX);
}

proptest! {
    #![proptest_config(properties(256))]

    #[test]
    fn a_span_later_is_that_span_since(start in -1_000_000_000_000..1_000_000_000_000_i64, span in 0..1_000_000_000_000_u64) {
        let span = Duration::from_millis(span);
        let later = at(start).plus(span);
        prop_assert_eq!(later.since(at(start)), span);
        prop_assert_eq!(later.minus(span), at(start));
    }
}
