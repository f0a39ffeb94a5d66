use super::*;
use crate::{
    fixtures::{assert_all_differ, id, properties, subject},
    recovery::CodeSlot,
};
use proptest::prelude::*;

/// The inputs of a delivered code.
#[derive(Clone)]
struct Sent {
    key: [u8; 32],
    digits: u8,
    tenant: &'static str,
    user: &'static str,
    challenge: ChallengeId,
    method: Option<(MethodId, u32)>,
    purpose: &'static str,
}

fn sent() -> Sent {
    Sent {
        key: [7; 32],
        digits: 10,
        tenant: "acme",
        user: "jane",
        challenge: id(1),
        method: Some((id(2), 3)),
        purpose: "SIGN_IN",
    }
}

impl Sent {
    fn code(&self) -> String {
        let code = DeliveredCode {
            key: KeyId::new("k-1"),
            digits: DigitCount::new(self.digits).unwrap(),
            method: self.method,
        };
        let who = subject(self.tenant, self.user);
        let made = code.make(&MacKey::new(self.key), &who, self.challenge, self.purpose);
        made.expose().to_owned()
    }
}

fn challenge_numbered(number: u32) -> ChallengeId {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    ChallengeId::from_bytes(bytes)
}

/// The codes of many challenges with equal inputs otherwise.
fn codes(digits: u8, count: u32) -> impl Iterator<Item = String> {
    let of_challenge = move |number| {
        Sent {
            digits,
            challenge: challenge_numbered(number),
            ..sent()
        }
        .code()
    };
    (0..count).map(of_challenge)
}

fn digits_in(text: &str) -> Option<String> {
    match CanonicalAnswer::parse(text) {
        Ok(CanonicalAnswer::Digits(digits)) => Some(digits.expose().to_owned()),
        Ok(CanonicalAnswer::Recovery(_) | CanonicalAnswer::Bypass(_) | CanonicalAnswer::Key(_))
        | Err(_) => None,
    }
}

#[test]
fn six_to_ten_digits_are_a_code() {
    for typed in ["012345", "1234567", "12345678", "123456789", "0000000000"] {
        assert_eq!(digits_in(typed).as_deref(), Some(typed));
    }
}

#[test]
fn digits_are_read_as_people_and_clients_spell_them() {
    let spellings = [
        ("space before", " 123456"),
        ("space after", "123456 "),
        ("space within", "123 456"),
        ("each digit alone", "1 2 3 4 5 6"),
        ("tab", "123456\t"),
        ("newline", "123456\n"),
        ("carriage return and newline", "123456\r\n"),
        ("newline before", "\n123456"),
        ("hyphen", "123-456"),
        ("hyphen between spaces", "123 - 456"),
        ("no-break space within", "123\u{A0}456"),
        ("narrow no-break space within", "123\u{202F}456"),
        ("no-break space after", "123456\u{A0}"),
        ("ideographic space before", "\u{3000}123456"),
    ];
    for (what, typed) in spellings {
        assert_eq!(digits_in(typed).as_deref(), Some("123456"), "{what}");
    }
}

#[test]
fn a_submitted_code_has_at_most_64_bytes() {
    let padded = |length: usize| format!("{:length$}", "123456");
    assert_eq!(digits_in(&padded(64)).as_deref(), Some("123456"));
    assert_eq!(digits_in(&padded(65)), None);
}

#[test]
fn no_other_spelling_of_digits_is_a_code() {
    let refused = [
        ("empty", ""),
        ("five digits", "12345"),
        ("eleven digits", "12345678901"),
        ("five digits and a space", "123 45"),
        ("eleven digits and a hyphen", "123456-78901"),
        ("only spaces", "      "),
        ("only hyphens", "------"),
        ("hyphen after", "123456-"),
        ("tab within", "123\t456"),
        ("newline within", "123\n456"),
        ("dash within", "123\u{2013}456"),
        ("a list number", "1. 123456"),
        ("NUL", "123456\0"),
        ("NUL within", "123\x00456"),
        ("plus", "+123456"),
        ("minus", "-123456"),
        ("point", "123456.0"),
        ("exponent", "1234e6"),
        ("hexadecimal", "0x123456"),
        ("underscore", "123_456"),
        ("thin space within", "123\u{2009}456"),
        ("ideographic space within", "123\u{3000}456"),
        ("zero-width space", "123\u{200B}456"),
        ("zero-width joiner", "123456\u{200D}"),
        ("byte order mark", "\u{FEFF}123456"),
        ("turned direction", "\u{202E}123456"),
        ("full-width", "１２３４５６"),
        ("Arabic-Indic", "١٢٣٤٥٦"),
        ("extended Arabic-Indic", "۱۲۳۴۵۶"),
        ("Devanagari", "१२३४५६"),
        ("mathematical bold", "𝟏𝟐𝟑𝟒𝟓𝟔"),
        ("superscript", "¹²³⁴⁵⁶"),
        ("circled", "①②③④⑤⑥"),
        ("combining mark", "123456\u{301}"),
        ("one digit of another script", "12345６"),
    ];
    for (what, typed) in refused {
        let outcome = CanonicalAnswer::parse(typed).map(|_| ());
        assert_eq!(outcome, Err(MalformedValue::NotACode), "{what}");
    }
}

#[test]
fn a_recovery_code_is_told_from_digits_by_its_form() {
    let code = RecoveryCode::new(CodeSlot::new(4).unwrap(), &[3; 10]);
    match CanonicalAnswer::parse(&code.expose()) {
        Ok(CanonicalAnswer::Recovery(typed)) => assert_eq!(typed.expose(), code.expose()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_recovery_code_is_read_as_lists_and_word_processors_spell_it() {
    let code = RecoveryCode::new(CodeSlot::new(4).unwrap(), &[3; 10]);
    let bypass = BypassCode::new(&[3; 10]);
    let key = RecoveryKey::new(&[3; 20]);
    for shown in [code.expose(), bypass.expose(), key.expose()] {
        let with_dash = |dash: &str| shown.replace('-', dash);
        let spellings = [
            format!("{shown}\r\n"),
            format!("1. {shown}"),
            format!("10. {}", shown.to_lowercase()),
            format!("\t3.\u{A0}{shown} "),
            with_dash("\u{A0}"),
            with_dash("\u{202F}"),
            with_dash("\u{2010}"),
            with_dash("\u{2011}"),
            with_dash("\u{2013}"),
            with_dash("\u{2015}"),
        ];
        for typed in spellings {
            let read = CanonicalAnswer::parse(&typed).unwrap();
            assert_eq!(*read.expose(), shown, "{typed}");
        }
        for typed in [
            format!("100. {shown}"),
            format!("1.{shown}"),
            format!(". {shown}"),
            format!("1. 2. {shown}"),
            with_dash("\u{2212}"),
            with_dash("\u{200B}"),
            with_dash("\n"),
        ] {
            assert!(CanonicalAnswer::parse(&typed).is_err(), "{typed}");
        }
    }
}

#[test]
fn a_code_has_between_six_and_ten_digits() {
    let possible: Vec<u8> = (0..=255)
        .filter_map(|count| DigitCount::new(count).map(DigitCount::get))
        .collect();
    assert_eq!(possible, [6, 7, 8, 9, 10]);
    assert_eq!(DigitCount::SIX.get(), 6);
}

#[test]
fn codes_are_the_same_if_all_their_digits_are() {
    let matches = |one: &str, other: &str| {
        let digits = |text: &str| Digits(text.to_owned().into());
        digits(one).matches(&digits(other))
    };
    assert!(matches("123456", "123456"));
    assert!(!matches("123456", "123457"));
    assert!(!matches("123456", "023456"));
    assert!(!matches("123456", "1234567"));
}

#[test]
fn codes_print_nothing() {
    let digits = Digits("123456".to_owned().into());
    assert_eq!(format!("{digits:?}"), "Digits([redacted])");
    assert_eq!(
        format!("{:?}", CanonicalAnswer::Digits(digits)),
        "Answer([redacted])"
    );
}

/// Calculated by hand from the definition: HMAC-SHA-256, its first 128 bits modulo a power of ten.
#[test]
fn a_code_is_the_one_that_any_other_process_would_make() {
    let six_digits = Sent {
        digits: 6,
        ..sent()
    };
    let without_method = Sent {
        digits: 6,
        method: None,
        purpose: "VERIFY_EMAIL 1",
        ..sent()
    };
    assert_eq!(sent().code(), "9942256020");
    assert_eq!(six_digits.code(), "256020");
    assert_eq!(without_method.code(), "504010");
}

#[test]
fn a_code_is_the_same_each_time_it_is_made() {
    assert_eq!(sent().code(), sent().code());
}

#[test]
fn a_code_changes_with_each_thing_that_it_is_bound_to() {
    let bound_to = [
        sent(),
        Sent {
            key: [8; 32],
            ..sent()
        },
        Sent {
            tenant: "acme2",
            ..sent()
        },
        Sent {
            user: "Jane",
            ..sent()
        },
        Sent {
            challenge: id(9),
            ..sent()
        },
        Sent {
            method: Some((id(9), 3)),
            ..sent()
        },
        Sent {
            method: Some((id(2), 4)),
            ..sent()
        },
        Sent {
            method: None,
            ..sent()
        },
        Sent {
            purpose: "VERIFY_EMAIL 1",
            ..sent()
        },
    ];
    assert_all_differ(bound_to.map(|sent| sent.code()));
}

#[test]
fn names_that_run_together_alike_make_different_codes() {
    let named = |tenant, user| Sent {
        tenant,
        user,
        ..sent()
    };
    assert_ne!(named("ab", "c").code(), named("a", "bc").code());
}

#[test]
fn codes_have_their_full_width() {
    for width in 6..=10 {
        let mut widths = codes(width, 500).map(|code| code.len());
        assert!(widths.all(|length| length == usize::from(width)));
    }
}

#[test]
fn codes_may_begin_with_zero() {
    let with_zero = codes(6, 500).filter(|code| code.starts_with('0'));
    assert!(with_zero.count() > 20);
}

/// Chi-square with nine degrees of freedom exceeds 33.72 once in ten thousand times.
#[test]
fn every_digit_is_equally_likely_at_every_place() {
    const CODES: u32 = 10_000;
    let mut counts = [[0_u32; 10]; 6];
    for code in codes(6, CODES) {
        for (count, digit) in counts.iter_mut().zip(code.bytes()) {
            count[usize::from(digit - b'0')] += 1;
        }
    }
    let expected = f64::from(CODES) / 10.0;
    for (place, count) in counts.into_iter().enumerate() {
        let deviations = count.map(|count| (f64::from(count) - expected).powi(2) / expected);
        let chi_square: f64 = deviations.iter().sum();
        assert!(chi_square < 33.72, "{chi_square} at place {place}");
    }
}

proptest! {
    #![proptest_config(properties(512))]

    #[test]
    fn digits_are_read_without_spaces_and_hyphens_and_nothing_else(typed in "[0-9 +.０-９٠-٩\u{200B}-]{0,16}") {
        let digits: String = typed.chars().filter(char::is_ascii_digit).collect();
        let inner = typed.trim();
        let is_a_code = inner.chars().all(|c| c.is_ascii_digit() || c == ' ' || c == '-')
            && !inner.starts_with('-')
            && !inner.ends_with('-')
            && (6..=10).contains(&digits.len());
        prop_assert_eq!(digits_in(&typed), is_a_code.then_some(digits));
    }

    #[test]
    fn reading_what_was_typed_never_panics(typed: String) {
        let _ = CanonicalAnswer::parse(&typed);
    }
}
