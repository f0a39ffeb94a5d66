use super::*;

fn size(text: &str) -> (SmsAlphabet, usize, usize) {
    let SmsSize {
        alphabet,
        length,
        segments,
    } = measure(text);
    (alphabet, length, segments)
}

#[test]
fn the_alphabet_has_127_characters_beside_the_escape_and_its_extension_10() {
    assert_eq!(BASIC.chars().count(), 127);
    assert_eq!(EXTENSION.chars().count(), 10);
    let twice = BASIC
        .chars()
        .chain(EXTENSION.chars())
        .collect::<std::collections::HashSet<_>>();
    assert_eq!(twice.len(), 137);
}

#[test]
fn lengths_are_those_counted_by_hand() {
    use SmsAlphabet::{Gsm7, Ucs2};
    for (text, expected) in [
        ("", (Gsm7, 0, 1)),
        ("012345", (Gsm7, 6, 1)),
        ("Größe @ 5 Ω", (Gsm7, 11, 1)),
        ("5 €", (Gsm7, 4, 1)),
        ("[~]", (Gsm7, 6, 1)),
        ("á", (Ucs2, 1, 1)),
        ("验证码", (Ucs2, 3, 1)),
        ("📱", (Ucs2, 2, 1)),
        ("`", (Ucs2, 1, 1)),
    ] {
        assert_eq!(size(text), expected, "{text:?}");
    }
}

#[test]
fn segments_are_those_counted_by_hand() {
    use SmsAlphabet::{Gsm7, Ucs2};
    for (character, count, expected) in [
        ("a", 160, (Gsm7, 160, 1)),
        ("a", 161, (Gsm7, 161, 2)),
        ("a", 306, (Gsm7, 306, 2)),
        ("a", 307, (Gsm7, 307, 3)),
        ("€", 80, (Gsm7, 160, 1)),
        // 76 in each of two segments, because the 77th would be split; by length alone two would suffice.
        ("€", 153, (Gsm7, 306, 3)),
        ("码", 70, (Ucs2, 70, 1)),
        ("码", 71, (Ucs2, 71, 2)),
        ("码", 134, (Ucs2, 134, 2)),
        ("码", 135, (Ucs2, 135, 3)),
        ("📱", 35, (Ucs2, 70, 1)),
        // 33 in each of two segments, for the same reason.
        ("📱", 67, (Ucs2, 134, 3)),
    ] {
        assert_eq!(
            size(&character.repeat(count)),
            expected,
            "{count} × {character}"
        );
    }
}

#[test]
fn the_character_that_costs_the_alphabet_is_named() {
    assert_eq!(outside_gsm("Kraków"), Some('ó'));
    assert_eq!(outside_gsm("Köln"), None);
}
