use super::*;
use crate::{
    account::{groups::GroupName, profile::AccountName},
    authorization::action::Transaction,
    fixtures::properties,
    method::MethodLabel,
};
use proptest::prelude::*;

type Parser = fn(&str) -> Result<(), MalformedValue>;

/// The parsers of all free text from people or callers.
const PARSERS: [(&str, Parser); 4] = [
    ("label", |text| MethodLabel::parse(text).map(|_| ())),
    ("group", |text| GroupName::parse(text).map(|_| ())),
    ("account name", |text| AccountName::parse(text).map(|_| ())),
    ("transaction", |text| Transaction::parse(text).map(|_| ())),
];

const HIDDEN: [(&str, char); 24] = [
    ("NUL", '\0'),
    ("tab", '\t'),
    ("newline", '\n'),
    ("vertical tab", '\u{0B}'),
    ("carriage return", '\r'),
    ("escape", '\u{1B}'),
    ("delete", '\u{7F}'),
    ("next line", '\u{85}'),
    ("line separator", '\u{2028}'),
    ("paragraph separator", '\u{2029}'),
    ("soft hyphen", '\u{AD}'),
    ("zero-width space", '\u{200B}'),
    ("zero-width non-joiner", '\u{200C}'),
    ("zero-width joiner", '\u{200D}'),
    ("word joiner", '\u{2060}'),
    ("byte order mark", '\u{FEFF}'),
    ("left-to-right mark", '\u{200E}'),
    ("right-to-left mark", '\u{200F}'),
    ("Arabic letter mark", '\u{61C}'),
    ("right-to-left embedding", '\u{202B}'),
    ("right-to-left override", '\u{202E}'),
    ("right-to-left isolate", '\u{2067}'),
    ("pop directional isolate", '\u{2069}'),
    ("tag", '\u{E0041}'),
];

fn assert_everywhere(text: &str, expected: Result<(), MalformedValue>) {
    for (what, parse) in PARSERS {
        assert_eq!(parse(text), expected, "{what} {text:?}");
    }
}

#[test]
fn plain_text_of_any_script_is_taken() {
    for text in [
        "Jane's phone",
        "Größe 42 – süß",
        "Телефон",
        "هاتف جين",
        "הטלפון של ג'יין",
        "我的手机",
        "携帯電話",
        "📱 work",
        "<b>bold</b>",
        "100 % & more; \"quoted\"",
    ] {
        assert_everywhere(text, Ok(()));
    }
}

#[test]
fn what_hides_something_is_refused_wherever_it_stands() {
    for (what, hidden) in HIDDEN {
        for text in [
            format!("{hidden}plain"),
            format!("pl{hidden}ain"),
            format!("plain{hidden}"),
        ] {
            for (field, parse) in PARSERS {
                assert_eq!(
                    parse(&text),
                    Err(MalformedValue::NotPlainText),
                    "{what} in a {field}"
                );
            }
        }
    }
}

#[test]
fn space_at_either_end_is_refused() {
    for text in [" plain", "plain ", "\u{A0}plain", "plain\u{3000}", " "] {
        assert_everywhere(text, Err(MalformedValue::NotPlainText));
    }
}

#[test]
fn a_header_cannot_be_smuggled_in() {
    assert_everywhere(
        "ACME\r\nBcc: john@example.com",
        Err(MalformedValue::NotPlainText),
    );
}

#[test]
fn length_is_counted_in_bytes() {
    assert_eq!(plain_line("äää", 6), Ok("äää"));
    assert_eq!(plain_line("äää", 5), Err(MalformedValue::TooLong(5)));
}

#[test]
fn a_label_has_at_most_64_bytes() {
    assert!(MethodLabel::parse(&"x".repeat(64)).is_ok());
    assert_eq!(
        MethodLabel::parse(&"x".repeat(65)),
        Err(MalformedValue::TooLong(64))
    );
}

#[test]
fn a_label_may_be_left_out() {
    assert_eq!(MethodLabel::parse(""), Ok(None));
}

#[test]
fn restricted_text_is_refused_for_the_first_reason_that_holds() {
    let read = |text| restricted(text, 3, |byte| byte == b'x', "x");
    assert_eq!(read("xxx"), Ok("xxx"));
    assert_eq!(read(""), Err(MalformedValue::Empty));
    assert_eq!(read("yyyy"), Err(MalformedValue::TooLong(3)));
    assert_eq!(read("xyx"), Err(MalformedValue::Character("x")));
}

proptest! {
    #![proptest_config(properties(512))]

    #[test]
    fn what_is_taken_is_one_line_without_control_characters(text: String) {
        if plain_line(&text, 1000).is_ok() {
            prop_assert!(text.lines().count() <= 1);
            prop_assert!(!text.chars().any(char::is_control));
        }
    }

    #[test]
    fn no_joiner_makes_a_direction_override_pass(text in "[a-zعلی👩💻\u{200C}\u{200D}]{0,8}", over in "[\u{202A}-\u{202E}\u{2066}-\u{2069}\u{200E}\u{200F}]", at: usize) {
        let mut characters: Vec<char> = text.chars().collect();
        let place = at % (characters.len() + 1);
        characters.insert(place, over.chars().next().unwrap());
        let text: String = characters.into_iter().collect();
        prop_assert_eq!(plain_line(&text, 1000), Err(MalformedValue::NotPlainText));
    }

    #[test]
    fn what_is_taken_is_kept_as_it_is(text in "\\PC{0,20}") {
        if let Ok(line) = plain_line(&text, 40) {
            prop_assert_eq!(line, &text);
            prop_assert!(text.len() <= 40);
        }
    }
}

#[test]
fn what_becomes_a_link_in_a_message_is_refused() {
    for link in [
        "https://evil.example",
        "see evil.example",
        "www.evil.example/x",
        "EVIL.COM",
        "ftp://1",
        "täuscher.de",
    ] {
        assert_eq!(
            plain_line_without_link(link, 64),
            Err(MalformedValue::Link),
            "{link}"
        );
    }
    for harmless in [
        "Berlin, Germany",
        "St. Gallen",
        "v1.2.3",
        "Firefox on Windows 11",
        "3.50",
    ] {
        assert_eq!(plain_line_without_link(harmless, 64), Ok(harmless));
    }
}
