use super::*;
use crate::fixtures::properties;
use proptest::prelude::*;

proptest! {
    #![proptest_config(properties(256))]

    #[test]
    fn a_swap_of_neighbours_is_found_however_many_symbols_there_are(
        checked in prop::collection::vec(0..32_u8, 32),
        place in 0..31_usize,
    ) {
        let mut swapped = checked.clone();
        swapped.swap(place, place + 1);
        let (right, wrong) = (CrockfordSymbols::<33>::of(checked.clone()), CrockfordSymbols::<33>::of(swapped.clone()));
        let differ = right.as_slice().last() != wrong.as_slice().last();
        prop_assert_eq!(differ, checked != swapped);
    }

    #[test]
    fn five_bits_at_a_time_give_all_bits(seed: [u8; 20]) {
        let symbols: Vec<u8> = fives(&seed).collect();
        prop_assert_eq!(symbols.len(), 32);
        let bits = |bytes: &[u8], width: usize| -> u32 {
            bytes.iter().map(|byte| (0..width).map(|bit| u32::from(byte >> bit & 1)).sum::<u32>()).sum()
        };
        prop_assert_eq!(bits(&symbols, 5), bits(&seed, 8));
    }
}
