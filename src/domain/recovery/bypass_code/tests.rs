use super::*;
use crate::{
    challenge::code::CanonicalAnswer,
    fixtures::{assert_all_differ, properties},
};
use proptest::prelude::*;

const CHEAP: HashCost = HashCost {
    memory_kib: 8,
    passes: 1,
};

#[test]
fn a_code_is_three_groups_of_six_and_begins_with_the_letter_that_recovery_codes_lack() {
    let shown = BypassCode::new(&[7; 10]).expose();
    assert_eq!(shown.len(), 20);
    assert!(shown.starts_with('U'));
    assert_eq!(shown.matches('-').count(), 2);
    assert_eq!(shown.matches('U').count(), 1, "{shown}");
}

#[test]
fn what_is_no_bypass_code_is_refused() {
    for text in [
        "",
        "U",
        "-U-",
        "UU",
        "123456",
        "0U0000",
        "U00000-000000-00000",
    ] {
        assert!(BypassCode::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_code_matches_its_own_hash_and_no_other() {
    let (own, other) = (BypassCode::new(&[7; 10]), BypassCode::new(&[8; 10]));
    let hash = own.hash(&[1; 16], CHEAP);
    assert!(own.matches(&hash));
    assert!(!other.matches(&hash));
}

#[test]
fn every_bit_of_the_seed_is_in_the_code() {
    let flipped = (0..80).map(|bit| {
        let mut seed = [0; 10];
        seed[bit / 8] ^= 1 << (bit % 8);
        BypassCode::new(&seed).expose()
    });
    assert_all_differ(flipped);
}

#[test]
fn a_code_prints_nothing() {
    assert_eq!(
        format!("{:?}", BypassCode::new(&[7; 10])),
        "BypassCode([redacted])"
    );
}

proptest! {
    #![proptest_config(properties(256))]

    #[test]
    fn a_code_reads_as_itself_however_it_is_typed(seed: [u8; 10]) {
        let shown = BypassCode::new(&seed).expose();
        for typed in [shown.clone(), shown.to_lowercase(), shown.replace('-', ""), shown.replace('-', " ")] {
            prop_assert!(BypassCode::is_meant_by(&typed));
            let Ok(CanonicalAnswer::Bypass(read)) = CanonicalAnswer::parse(&typed) else {
                return Err(TestCaseError::fail(typed));
            };
            prop_assert_eq!(read.expose(), shown.clone());
        }
    }

    #[test]
    fn a_wrong_symbol_is_found(seed: [u8; 10], place in 0..17_usize, wrong in "[0-9A-HJKMNP-TV-Z]") {
        let shown = BypassCode::new(&seed).expose().replace('-', "");
        let mut typed: Vec<char> = shown.chars().collect();
        typed[place + 1] = wrong.chars().next().unwrap();
        let typed: String = typed.into_iter().collect();
        prop_assert_eq!(BypassCode::parse(&typed).is_err(), typed != shown);
    }
}
