use super::*;
use crate::fixtures::properties;
use proptest::prelude::*;

/// How often an epoch can still grow: once a millisecond for two million years.
const ROOM: i64 = 1 << 56;

#[test]
fn the_first_epoch_is_large_whatever_the_seed() {
    assert_eq!(Epoch::first(0).number(), 1 << 40);
}

#[test]
fn the_first_epoch_leaves_room_to_grow_whatever_the_seed() {
    assert!(Epoch::first(u64::MAX).number() < i64::MAX - ROOM);
}

#[test]
fn the_last_epoch_stays_the_last() {
    let last = Epoch::from_number(i64::MAX);
    assert_eq!(last.grown(), last);
}

proptest! {
    #![proptest_config(properties(256))]

    #[test]
    fn a_first_epoch_is_positive_large_and_has_room(seed: u64) {
        let first = Epoch::first(seed).number();
        prop_assert!(first >= 1 << 40);
        prop_assert!(first < i64::MAX - ROOM);
    }

    #[test]
    fn another_seed_makes_another_epoch(one: u64, other: u64) {
        prop_assume!(one >> 2 != other >> 2);
        prop_assert_ne!(Epoch::first(one), Epoch::first(other));
    }

    #[test]
    fn a_grown_epoch_is_greater(number in ..i64::MAX) {
        let epoch = Epoch::from_number(number);
        prop_assert!(epoch.grown().number() > number);
    }

    #[test]
    fn an_epoch_comes_back_from_a_store_as_it_went(number: i64) {
        prop_assert_eq!(Epoch::from_number(number).number(), number);
    }
}
