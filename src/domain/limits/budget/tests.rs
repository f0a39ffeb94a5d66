use super::*;
use crate::fixtures::properties;
use proptest::prelude::*;

const NONE_BEFORE: [i64; 0] = [];

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn limit(count: u32, millis: u64) -> RateLimit {
    RateLimit::new(count, Duration::from_millis(millis))
}

/// Two in 10 ms and three in 100 ms.
fn two_limits() -> RateLimitWindows {
    RateLimitWindows {
        short: limit(2, 10),
        long: limit(3, 100),
    }
}

fn full_until(
    windows: RateLimitWindows,
    charged: impl IntoIterator<Item = i64>,
    now: i64,
) -> Option<i64> {
    let until = windows.full_until(charged.into_iter().map(at), at(now));
    until.map(Timestamp::millis)
}

/// How many of `charged` count at an instant.
fn counted(charged: &[i64], limit: RateLimit, now: i64) -> usize {
    let within = i64::try_from(limit.within.as_millis()).unwrap();
    charged.iter().filter(|past| **past + within > now).count()
}

fn fits(windows: RateLimitWindows, charged: &[i64], now: i64) -> bool {
    [windows.short, windows.long]
        .into_iter()
        .all(|limit| counted(charged, limit, now) < usize::try_from(limit.count).unwrap())
}

/// The model: waits one millisecond at a time until one more fits.
fn waited_until(windows: RateLimitWindows, charged: &[i64], now: i64) -> Option<i64> {
    let mut instant = now;
    while !fits(windows, charged, instant) {
        instant += 1;
    }
    (instant > now).then_some(instant)
}

prop_compose! {
    fn some_windows()(
        short in (1..4_u32, 1..15_u64),
        long in (1..6_u32, 1..60_u64),
    ) -> RateLimitWindows {
        RateLimitWindows { short: limit(short.0, short.1), long: limit(long.0, long.1) }
    }
}

fn some_instants() -> impl Strategy<Value = Vec<i64>> {
    prop::collection::vec(0..80_i64, 0..9)
}

#[test]
fn an_empty_budget_has_room() {
    assert_eq!(full_until(two_limits(), NONE_BEFORE, 0), None);
}

#[test]
fn one_fewer_than_the_limit_leaves_room() {
    assert_eq!(full_until(two_limits(), [50], 50), None);
}

#[test]
fn a_full_short_window_has_room_when_its_oldest_has_left() {
    assert_eq!(full_until(two_limits(), [50, 55], 56), Some(60));
    assert_eq!(full_until(two_limits(), [50, 55], 59), Some(60));
    assert_eq!(full_until(two_limits(), [50, 55], 60), None);
}

#[test]
fn a_full_long_window_holds_although_the_short_one_has_room() {
    assert_eq!(full_until(two_limits(), [0, 20, 40], 60), Some(100));
}

#[test]
fn of_two_full_windows_the_later_counts() {
    assert_eq!(full_until(two_limits(), [0, 95, 96], 97), Some(105));
    assert_eq!(full_until(two_limits(), [90, 95, 96], 97), Some(190));
}

#[test]
fn more_than_the_limit_wait_until_enough_have_left() {
    assert_eq!(full_until(two_limits(), [50, 51, 52, 53], 53), Some(151));
}

#[test]
fn an_instant_in_the_future_counts() {
    let single = RateLimitWindows::only(limit(1, 10));
    assert_eq!(full_until(single, [70], 50), Some(80));
}

#[test]
fn a_single_limit_is_both_windows() {
    let single = RateLimitWindows::only(limit(1, 10));
    assert_eq!(single.short, single.long);
}

#[test]
fn a_limit_of_none_never_has_room() {
    let none = RateLimitWindows::only(limit(0, 10));
    assert_eq!(full_until(none, NONE_BEFORE, 50), Some(60));
    assert_eq!(full_until(none, NONE_BEFORE, 60), Some(70));
}

#[test]
fn classes_are_told_by_their_numbers() {
    assert_eq!(AttemptClass::ALL.map(AttemptClass::number), [0, 1, 2]);
    for class in AttemptClass::ALL {
        assert_eq!(AttemptClass::numbered(class.number()), Some(class));
    }
    assert_eq!(AttemptClass::numbered(3), None);
}

proptest! {
    #![proptest_config(properties(1024))]

    #[test]
    fn a_budget_is_full_until_the_first_instant_at_which_one_more_fits(
        windows in some_windows(),
        charged in some_instants(),
        now in 0..80_i64,
    ) {
        prop_assert_eq!(
            full_until(windows, charged.clone(), now),
            waited_until(windows, &charged, now)
        );
    }

    #[test]
    fn the_order_of_charges_does_not_matter(
        windows in some_windows(),
        (charged, shuffled) in some_instants()
            .prop_flat_map(|charged| (Just(charged.clone()), Just(charged).prop_shuffle())),
        now in 0..80_i64,
    ) {
        prop_assert_eq!(full_until(windows, charged, now), full_until(windows, shuffled, now));
    }

    #[test]
    fn asking_at_every_instant_never_gets_more_than_the_limits(windows in some_windows()) {
        let mut charged = Vec::new();
        for now in 0..200 {
            while full_until(windows, charged.clone(), now).is_none() {
                charged.push(now);
            }
            for limit in [windows.short, windows.long] {
                prop_assert!(counted(&charged, limit, now) <= usize::try_from(limit.count).unwrap());
            }
        }
    }
}

proptest! {
    #![proptest_config(properties(256))]

    #[test]
    fn as_many_more_fit_as_there_is_room(
        windows in some_windows(),
        mut charged in some_instants(),
        now in 0..80_i64,
    ) {
        let room = windows.room(charged.iter().copied().map(at), at(now));
        let mut fitting = 0;
        while full_until(windows, charged.clone(), now).is_none() {
            charged.push(now);
            fitting += 1;
        }
        prop_assert_eq!(room, fitting);
    }
}
