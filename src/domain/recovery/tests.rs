use super::*;
use crate::{
    challenge::code::CanonicalAnswer,
    fixtures::{assert_all_differ, properties},
    value::crockford::ALPHABET,
};
use proptest::prelude::*;

const CHEAP: HashCost = HashCost {
    memory_kib: 8,
    passes: 1,
};

fn code(slot: u8, seed: [u8; 10]) -> RecoveryCode {
    RecoveryCode::new(CodeSlot::new(slot).unwrap(), &seed)
}

/// The symbols without hyphens.
fn symbols(slot: u8, seed: [u8; 10]) -> Vec<u8> {
    let shown = code(slot, seed).expose();
    shown.bytes().filter(|byte| *byte != b'-').collect()
}

fn is_refused(symbols: &[u8]) -> bool {
    RecoveryCode::parse(std::str::from_utf8(symbols).unwrap()).is_err()
}

/// Reads a code and writes it as users see it.
fn read(text: &str) -> Option<String> {
    RecoveryCode::parse(text).ok().map(|code| code.expose())
}

fn flip(seed: [u8; 10], bit: usize) -> [u8; 10] {
    let mut flipped = seed;
    flipped[bit / 8] ^= 1 << (bit % 8);
    flipped
}

#[test]
fn there_are_32_slots() {
    assert_eq!(CodeSlot::new(31).map(CodeSlot::number), Some(31));
    assert_eq!(CodeSlot::new(32), None);
}

#[test]
fn letters_that_look_like_digits_are_read_as_digits() {
    let shown = code(1, [0; 10]).expose();
    assert!(shown.contains('0') && shown.contains('1'), "{shown}");
    for (digit, letters) in [("0", ["O", "o", "O"]), ("1", ["I", "l", "L"])] {
        for letter in letters {
            assert_eq!(read(&shown.replace(digit, letter)), Some(shown.clone()));
        }
    }
}

#[test]
fn a_symbol_outside_the_alphabet_is_refused() {
    let shown = code(0, [0; 10]).expose();
    for stranger in ["U", "u", "_", "*", "\t", "\n", "\0", "é", "０", "\u{200B}"] {
        assert_eq!(
            read(&shown.replacen('0', stranger, 1)),
            None,
            "{stranger:?}"
        );
    }
}

#[test]
fn a_code_that_is_too_short_or_too_long_is_refused() {
    let whole = symbols(0, [0; 10]);
    let longer = [whole.as_slice(), b"0"].concat();
    assert!(is_refused(&whole[1..]));
    assert!(is_refused(&whole[..17]));
    assert!(is_refused(&longer));
    assert!(is_refused(b""));
    assert!(is_refused(b"---"));
}

#[test]
fn a_code_matches_its_own_hash() {
    let own = code(3, [7; 10]);
    assert!(own.matches(&own.hash(&[1; 16], CHEAP, &mut HashMemory::new())));
}

#[test]
fn a_code_does_not_match_the_hash_of_another() {
    let others = code(3, [8; 10]).hash(&[1; 16], CHEAP, &mut HashMemory::new());
    assert!(!code(3, [7; 10]).matches(&others));
}

#[test]
fn a_code_does_not_match_the_hash_of_the_same_bits_in_another_slot() {
    let others = code(4, [7; 10]).hash(&[1; 16], CHEAP, &mut HashMemory::new());
    assert!(!code(3, [7; 10]).matches(&others));
}

#[test]
fn a_code_matches_whichever_way_it_is_typed() {
    let own = code(3, [7; 10]);
    let typed = RecoveryCode::parse(&own.expose().to_lowercase().replace('-', " ")).unwrap();
    assert!(typed.matches(&own.hash(&[1; 16], CHEAP, &mut HashMemory::new())));
}

#[test]
fn two_salts_give_two_hashes() {
    let own = code(3, [7; 10]);
    assert!(
        own.hash(&[1; 16], CHEAP, &mut HashMemory::new())
            != own.hash(&[2; 16], CHEAP, &mut HashMemory::new())
    );
}

#[test]
fn a_hash_tells_its_function_and_its_cost() {
    let hash = code(3, [7; 10]).hash(&[1; 16], CHEAP, &mut HashMemory::new());
    assert!(
        hash.to_phc().starts_with("$argon2id$v=19$m=8,t=1,p=1$"),
        "{}",
        hash.to_phc()
    );
}

#[test]
fn a_hash_comes_back_from_a_store_as_it_went() {
    let own = code(3, [7; 10]);
    let stored = own
        .hash(&[1; 16], CHEAP, &mut HashMemory::new())
        .to_phc()
        .into_owned();
    assert!(own.matches(&SecretHash::from_phc(stored)));
}

#[test]
fn nothing_matches_what_is_no_hash() {
    for stored in ["", "$argon2id$", "3902E0-3M04R0-4G0WZ6"] {
        assert!(!code(3, [7; 10]).matches(&SecretHash::from_phc(stored.to_owned())));
    }
}

#[test]
fn the_dummy_hash_is_of_a_code_of_the_last_slot() {
    let dummy = dummy_code(&[5; 16]);
    assert_eq!(dummy.slot(), CodeSlot(31));
    assert_eq!(read(&dummy.expose()), Some(dummy.expose()));
}

#[test]
fn codes_and_hashes_print_nothing() {
    let own = code(3, [7; 10]);
    assert_eq!(format!("{own:?}"), "RecoveryCode([redacted])");
    assert_eq!(
        format!("{:?}", own.hash(&[1; 16], CHEAP, &mut HashMemory::new())),
        "SlowHash([redacted])"
    );
}

proptest! {
    #![proptest_config(properties(48))]

    #[test]
    fn a_code_is_shown_in_three_groups_of_six(slot in 0..32_u8, seed: [u8; 10]) {
        let shown = code(slot, seed).expose();
        let groups: Vec<&str> = shown.split('-').collect();
        prop_assert!(groups.iter().all(|group| group.len() == 6));
        prop_assert_eq!(groups.len(), 3);
        prop_assert!(shown.bytes().all(|byte| byte == b'-' || ALPHABET.contains(&byte)));
    }

    #[test]
    fn a_code_reads_as_it_was_shown(slot in 0..32_u8, seed: [u8; 10]) {
        let made = code(slot, seed);
        let typed = RecoveryCode::parse(&made.expose()).unwrap();
        prop_assert_eq!(typed.expose(), made.expose());
        prop_assert_eq!(typed.slot().number(), slot);
    }

    #[test]
    fn case_hyphens_and_spaces_do_not_matter(
        slot in 0..32_u8,
        seed: [u8; 10],
        lower: [bool; 18],
        before in prop::array::uniform18(prop::sample::select(vec!["", "", "-", " ", " - "])),
    ) {
        let mut typed = String::new();
        for ((symbol, lower), before) in symbols(slot, seed).into_iter().zip(lower).zip(before) {
            typed += before;
            typed.push(char::from(if lower { symbol.to_ascii_lowercase() } else { symbol }));
        }
        prop_assert_eq!(read(&typed), Some(code(slot, seed).expose()));
    }

    #[test]
    fn every_wrong_symbol_is_noticed(slot in 0..32_u8, seed: [u8; 10]) {
        let right = symbols(slot, seed);
        for place in 0..right.len() {
            for symbol in ALPHABET.iter().filter(|symbol| **symbol != right[place]) {
                let mut wrong = right.clone();
                wrong[place] = *symbol;
                prop_assert!(is_refused(&wrong), "{} at {place}", char::from(*symbol));
            }
        }
    }

    #[test]
    fn every_swap_of_two_different_symbols_is_noticed(slot in 0..32_u8, seed: [u8; 10]) {
        let right = symbols(slot, seed);
        for later in 0..right.len() {
            for earlier in (0..later).filter(|earlier| right[*earlier] != right[later]) {
                let mut swapped = right.clone();
                swapped.swap(earlier, later);
                prop_assert!(is_refused(&swapped), "{earlier} and {later}");
            }
        }
    }

    #[test]
    fn all_eighty_bits_are_in_the_code(slot in 0..32_u8, seed: [u8; 10]) {
        let neighbours = (0..80).map(|bit| code(slot, flip(seed, bit)).expose());
        assert_all_differ(neighbours.chain([code(slot, seed).expose()]));
    }

    #[test]
    fn a_code_is_never_taken_for_digits(slot in 0..32_u8, seed: [u8; 10]) {
        let shown = code(slot, seed).expose();
        for typed in [shown.replace('-', ""), shown] {
            prop_assert!(matches!(CanonicalAnswer::parse(&typed), Ok(CanonicalAnswer::Recovery(_))));
        }
    }

    #[test]
    fn six_to_ten_digits_are_never_taken_for_a_code(number in "[0-9]{6,10}") {
        prop_assert_eq!(read(&number), None);
    }

    #[test]
    fn reading_a_code_never_panics(text: String) {
        let _ = RecoveryCode::parse(&text);
    }
}
