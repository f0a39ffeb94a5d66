use super::*;
use crate::value::{malformed::MalformedValue, text::plain_line};

fn is_plain(text: &str) -> bool {
    match plain_line(text, 200) {
        Ok(line) => line == text,
        Err(why) => {
            assert_eq!(why, MalformedValue::NotPlainText);
            false
        }
    }
}

#[test]
fn joiners_pass_where_a_script_needs_them() {
    for (what, text) in [
        ("a Persian name", "علی\u{200C}رضا"),
        ("a Persian plural", "کتاب\u{200C}ها"),
        ("a mark before a non-joiner", "بَ\u{200C}ب"),
        ("an explicit virama in Devanagari", "क्\u{200C}ष"),
        ("a half form in Devanagari", "क्\u{200D}ष"),
        ("a half form at the end", "क्\u{200D}"),
        ("a Sinhala conjunct", "ශ්\u{200D}රී ලංකා"),
        ("a chillu in Malayalam", "അവന്\u{200D}"),
    ] {
        assert!(is_plain(text), "{what}: {text:?}");
    }
}

#[test]
fn joiners_and_tags_pass_within_an_emoji() {
    for (what, text) in [
        ("a technologist", "👩\u{200D}💻"),
        ("one with a skin tone", "👩🏽\u{200D}💻"),
        ("a family", "👨\u{200D}👩\u{200D}👧\u{200D}👦"),
        ("a rainbow flag", "🏳\u{FE0F}\u{200D}🌈"),
        ("a heart on fire", "❤\u{FE0F}\u{200D}🔥 home"),
        ("a health worker", "🧑\u{200D}⚕\u{FE0F}"),
        (
            "Scotland",
            "🏴\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F}",
        ),
    ] {
        assert!(is_plain(text), "{what}: {text:?}");
    }
}

#[test]
fn joiners_and_tags_are_refused_everywhere_else() {
    for (what, text) in [
        ("between Latin letters", "pay\u{200C}pal"),
        ("a joiner between Latin letters", "pay\u{200D}pal"),
        ("between digits", "1\u{200D}2"),
        ("a joiner between Arabic letters", "علی\u{200D}رضا"),
        ("after a letter that does not join", "رضا\u{200C}ر"),
        ("at the start", "\u{200C}علی"),
        ("at the end", "علی\u{200C}"),
        ("twice", "علی\u{200C}\u{200C}رضا"),
        ("a virama without a letter", "\u{94D}\u{200D}क"),
        ("before a vowel sign", "क्\u{200D}ि"),
        ("an emoji and a letter", "👩\u{200D}a"),
        ("a letter and an emoji", "a\u{200D}💻"),
        ("an emoji and the end", "👩\u{200D}"),
        ("two joiners", "👩\u{200D}\u{200D}💻"),
        ("tags without a flag", "\u{E0067}\u{E0062}\u{E007F}"),
        ("tags after a letter", "a\u{E0067}\u{E0062}\u{E007F}"),
        ("a flag without its end", "🏴\u{E0067}\u{E0062}"),
        (
            "more after the end",
            "🏴\u{E0067}\u{E0062}\u{E007F}\u{E0061}",
        ),
        (
            "hidden text in a flag",
            "🏴\u{E0061}\u{E0061}\u{E0061}\u{E0061}\u{E0061}\u{E0061}\u{E0061}\u{E0061}\u{E007F}",
        ),
        ("an override beside a joiner", "علی\u{200C}رضا\u{202E}"),
        ("an isolate within an emoji", "👩\u{2066}\u{200D}💻"),
    ] {
        assert!(!is_plain(text), "{what}: {text:?}");
    }
}

#[test]
fn a_name_without_joiners_is_the_same_for_all_spellings() {
    assert_eq!(without_joiners("علی\u{200C}رضا"), "علیرضا");
    assert_eq!(without_joiners("👩\u{200D}💻 ❤\u{FE0F}"), "👩💻 ❤");
    assert_eq!(without_joiners("plain"), "plain");
}
