use super::*;
use crate::{
    challenge::code::CanonicalAnswer,
    fixtures::{assert_all_differ, properties},
    recovery::{HashCost, HashMemory},
};
use proptest::prelude::*;

#[test]
fn a_key_is_eight_groups_of_four_and_its_check() {
    let shown = RecoveryKey::new(&[7; 20]).expose();
    assert_eq!(
        (shown.len(), shown.matches('-').count()),
        (41, 8),
        "{shown}"
    );
}

#[test]
fn a_key_matches_its_own_hash_and_no_other() {
    let (own, other) = (RecoveryKey::new(&[7; 20]), RecoveryKey::new(&[8; 20]));
    assert!(own.matches(&own.hash()));
    assert!(!other.matches(&own.hash()));
    let slow = SecretHash::of(
        own.0.as_slice(),
        &[1; 16],
        HashCost {
            memory_kib: 8,
            passes: 1,
        },
        &mut HashMemory::new(),
    );
    assert!(!own.matches(&slow));
}

#[test]
fn the_hash_does_not_tell_the_key() {
    let key = RecoveryKey::new(&[7; 20]);
    let typed = key.expose().replace('-', "").to_lowercase();
    assert!(!key.hash().to_phc().contains(&typed));
    assert_eq!(key.hash().to_phc().len(), 8 + 64);
}

#[test]
fn every_bit_of_the_seed_is_in_the_key() {
    assert_all_differ((0..160).map(|bit| {
        let mut seed = [0; 20];
        seed[bit / 8] ^= 1 << (bit % 8);
        RecoveryKey::new(&seed).expose()
    }));
}

#[test]
fn a_key_prints_nothing() {
    let key = RecoveryKey::new(&[7; 20]);
    assert_eq!(format!("{key:?}"), "RecoveryKey([redacted])");
}

proptest! {
    #![proptest_config(properties(256))]

    #[test]
    fn a_key_reads_as_itself_however_it_is_typed(seed: [u8; 20]) {
        let shown = RecoveryKey::new(&seed).expose();
        for typed in [shown.clone(), shown.to_lowercase(), shown.replace('-', ""), shown.replace('-', " ")] {
            let Ok(CanonicalAnswer::Key(read)) = CanonicalAnswer::parse(&typed) else {
                return Err(TestCaseError::fail(typed));
            };
            prop_assert_eq!(read.expose(), shown.clone());
        }
    }

    #[test]
    fn a_wrong_symbol_is_found(seed: [u8; 20], place in 0..33_usize, wrong in "[0-9A-HJKMNP-TV-Z]") {
        let shown = RecoveryKey::new(&seed).expose().replace('-', "");
        let mut typed: Vec<char> = shown.chars().collect();
        typed[place] = wrong.chars().next().unwrap();
        let typed: String = typed.into_iter().collect();
        prop_assert_eq!(RecoveryKey::parse(&typed).is_err(), typed != shown);
    }
}
