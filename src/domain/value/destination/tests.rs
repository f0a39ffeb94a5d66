use super::*;
use crate::fixtures::{assert_all_differ, email, phone, properties};
use proptest::prelude::*;
use std::collections::HashSet;

const SPELLINGS: [&str; 60] = [
    "tel:+4915123456789",
    "TEL:+49-151-2345-6789",
    " +49 151 23456789",
    "+4915123456789\n",
    "\t+49 151 23456789\r\n",
    "\u{202A}+49 151 23456789\u{202C}",
    "\u{202D}+4915123456789\u{202C}",
    "\u{2066}+49 151 23456789\u{2069}",
    "\u{200E}+4915123456789",
    "\u{FEFF}+4915123456789",
    "+49\u{200B}15123456789",
    "+49\u{A0}151\u{A0}23456789",
    "+49\u{202F}151\u{2009}23456789",
    "+49\u{2011}151\u{2013}23456789",
    "+49\u{2212}151\u{2212}23456789",
    "tel: +49 151 23456789",
    "+4915123456789",
    "+49 15123456789",
    "+49 151 23456789",
    "+49 151 2345 6789",
    "+49 151 234 567 89",
    "+49 151 23 45 67 89",
    "+49 1512 3456789",
    "+49 15123 456789",
    "+ 49 151 23456789",
    "+ 4915123456789",
    "+4 9 1 5 1 2 3 4 5 6 7 8 9",
    "+49  151  23456789",
    "+49 151 23456789 ",
    "+49-151-23456789",
    "+49-151-2345-6789",
    "+49-15123456789",
    "+49--151--23456789",
    "+49 151-23456789",
    "+49 - 151 - 23456789",
    "+4915123456789-",
    "+49.151.23456789",
    "+49.151.2345.6789",
    "+49.15123456789",
    "+49 151.23456789",
    "+4915123456789.",
    "+49/151/23456789",
    "+49 151/23456789",
    "+49 151 / 23456789",
    "+49 151 23456789/",
    "+49 (151) 23456789",
    "+49(151)23456789",
    "+49 (151) 2345-6789",
    "+49 (151)/23456789",
    "+49((151))23456789",
    "+(49)15123456789",
    "+(49) (151) 23456789",
    "+49 (0)151 23456789",
    "+49 (0) 151 23456789",
    "+49(0)15123456789",
    "+49-(0)151-23456789",
    "+49.(0).151.23456789",
    "+49 0151 23456789",
    "+49015123456789",
    "++49 151 23456789",
];

const NOT_NUMBERS: [&str; 36] = [
    "tel:+4915123456789;ext=5",
    "tel:+4915123456789;phone-context=+49",
    "tel:15123456789",
    "tel:tel:+4915123456789",
    "sms:+4915123456789",
    "tel:+49%20151%2023456789",
    "+49 151 23456789#5",
    "+49 151 23456789,5",
    "+49\n15123456789",
    "+٤٩15123456789",
    "\u{202E}987654321519 4+",
    "",
    " ",
    "+",
    "++++",
    "+ ( ) - . /",
    "+0",
    "+1",
    "+49",
    "+4915",
    "+999 123 456 789",
    "+0049 151 23456789",
    "+49151234567890123456",
    "4915123456789",
    "004915123456789",
    "015123456789",
    "(+49) 151 23456789",
    "+49+15123456789",
    "+4915123456789/+4915123456788",
    "+4915123456789/15123456788",
    "+49 151 23456789 ext. 5",
    "+49 151 23456789 x5",
    "+49 151 23456789;ext=5",
    "+1 800 FLOWERS",
    "＋4915123456789",
    "+４９15123456789",
];

const NOT_ADDRESSES: [(&str, &str); 36] = [
    ("nothing", ""),
    ("no at", "jane"),
    ("no local part", "@example.com"),
    ("no domain", "jane@"),
    ("no top-level domain", "jane@localhost"),
    ("two ats", "jane@doe@example.com"),
    ("space before", " jane@example.com"),
    ("space after", "jane@example.com "),
    ("space within", "ja ne@example.com"),
    ("space in the domain", "jane@exam ple.com"),
    ("two dots", "jane..doe@example.com"),
    ("dot first", ".jane@example.com"),
    ("dot last", "jane.@example.com"),
    ("empty label", "jane@example..com"),
    ("dot after the domain", "jane@example.com."),
    ("hyphen first", "jane@-example.com"),
    ("hyphen last", "jane@example-.com"),
    ("display name", "Jane <jane@example.com>"),
    ("quoted display name", "\"Jane\" <jane@example.com>"),
    ("brackets", "<jane@example.com>"),
    ("comment", "jane(doe)@example.com"),
    ("list", "jane@example.com,john@example.com"),
    ("other list", "jane@example.com;john@example.com"),
    ("group", "us:jane@example.com;"),
    ("IPv4 literal", "jane@[127.0.0.1]"),
    ("IPv6 literal", "jane@[IPv6:::1]"),
    ("newline after", "jane@example.com\n"),
    ("header", "jane@example.com\r\nBcc: john@example.com"),
    ("newline within", "ja\nne@example.com"),
    ("quoted newline", "\"ja\r\nne\"@example.com"),
    ("quoted tab", "\"ja\tne\"@example.com"),
    ("NUL", "jane\0@example.com"),
    ("letter outside ASCII", "jäne@example.com"),
    (
        "invisible character in the domain",
        "jane@b\u{AD}ücher.example",
    ),
    ("no domain outside ASCII", "jane@bü cher.example"),
    ("top-level domain outside ASCII alone", "jane@ü"),
];

fn to_number(number: &str) -> Destination {
    Destination::Phone(phone(number))
}

fn to_address(address: &str) -> Destination {
    Destination::Email(email(address))
}

#[test]
fn all_spellings_of_a_number_are_one_number() {
    assert_all_differ(SPELLINGS);
    for spelling in SPELLINGS {
        let read = Phone::parse(spelling).map(|phone| phone.0);
        assert_eq!(read.as_deref(), Ok("+4915123456789"), "{spelling}");
    }
}

#[test]
fn all_spellings_of_a_number_are_counted_together() {
    let buckets: HashSet<String> = SPELLINGS.map(|text| to_number(text).bucket()).into();
    assert_eq!(buckets.len(), 1);
}

#[test]
fn a_number_with_an_inner_trunk_prefix_is_one_number_too() {
    assert_eq!(phone("+54 11 15 2345 6789"), phone("+54 9 11 2345 6789"));
}

#[test]
fn mobile_numbers_of_many_countries_are_read() {
    for number in [
        "+12015550123",
        "+447400123456",
        "+33612345678",
        "+393123456789",
        "+61412345678",
        "+8801812345678",
        "+919812345678",
        "+819012345678",
    ] {
        assert_eq!(
            Phone::parse(number).map(|phone| phone.0).as_deref(),
            Ok(number)
        );
    }
}

#[test]
fn a_number_that_takes_no_text_messages_is_refused() {
    let refused = [
        ("German landline", "+49 30 901820"),
        ("German premium rate", "+49 900 1234567"),
        ("German toll-free", "+49 800 3301000"),
        ("German shared cost", "+49 180 5123456"),
        ("German personal number", "+49 700 12345678"),
        ("British landline", "+44 20 7946 0958"),
        ("British pager", "+44 7640 123456"),
        ("British VoIP", "+44 56 1234 5678"),
        ("Italian landline", "+39 02 3661 8300"),
        ("North American toll-free", "+1 800 555 0199"),
        ("North American premium rate", "+1 900 555 0199"),
        ("international toll-free", "+800 1234 5678"),
        ("Argentine landline", "+54 11 2345 6789"),
    ];
    for (what, number) in refused {
        assert_eq!(
            Phone::parse(number),
            Err(MalformedValue::NotAMobileNumber),
            "{what}"
        );
    }
}

#[test]
fn what_is_no_number_in_international_form_is_refused() {
    for text in NOT_NUMBERS {
        assert_eq!(
            Phone::parse(text),
            Err(MalformedValue::NotANumber),
            "{text:?}"
        );
    }
}

#[test]
fn a_spelling_has_a_bound() {
    let marked = |marks: usize| {
        let (head, tail) = SPELLINGS[16].split_at(3);
        Phone::parse(&format!("{head}{}{tail}", "\u{200B}".repeat(marks)))
    };
    assert_eq!(SPELLINGS[16], "+4915123456789");
    assert_eq!(marked(38), Ok(phone(SPELLINGS[16])));
    assert_eq!(marked(39), Err(MalformedValue::NotANumber));
    let spaced = |spaces: usize| Phone::parse(&format!("+49{}15123456789", " ".repeat(spaces)));
    assert_eq!(spaced(26), Ok(phone(SPELLINGS[16])));
    assert_eq!(spaced(27), Err(MalformedValue::NotANumber));
}

/// `9` is the mobile token of Argentina, which libphonenumber inserts for `15`; `1` was the one of Mexico until 2020.
#[test]
fn argentine_and_mexican_numbers_are_one_number_with_and_without_their_mobile_tokens() {
    for (spelling, number) in [
        ("+54 9 11 2345 6789", "+5491123456789"),
        ("+54 11 15 2345 6789", "+5491123456789"),
        ("+54 (011) 15-2345-6789", "+5491123456789"),
        ("+54 9 343 412 3456", "+5493434123456"),
        ("+54 343 15 412 3456", "+5493434123456"),
        ("+52 55 1234 5678", "+525512345678"),
        ("+52 1 55 1234 5678", "+525512345678"),
        ("+52-1-55-1234-5678", "+525512345678"),
        ("+5215512345678", "+525512345678"),
    ] {
        let read = Phone::parse(spelling).map(|phone| phone.0);
        assert_eq!(read.as_deref(), Ok(number), "{spelling}");
    }
    let landline = Phone::parse("+54 11 2345 6789");
    assert_eq!(landline, Err(MalformedValue::NotAMobileNumber));
}

#[test]
fn domains_that_can_not_exist_are_refused() {
    for (what, domain) in [
        ("IPv4", "192.0.2.1"),
        ("a number at the top", "example.123"),
        ("a digit at the top", "example.c0m"),
        ("one letter at the top", "example.c"),
        ("no A-label", "xn--a.example"),
        ("no A-label at the top", "example.xn--a"),
        ("underscore", "mail_1.example.com"),
        (
            "a label of 64 bytes",
            &*format!("{}.example", "x".repeat(64)),
        ),
        ("never given away", "example.invalid"),
        ("this machine", "mail.localhost"),
    ] {
        let address = format!("jane@{domain}");
        assert_eq!(
            Email::parse(&address),
            Err(MalformedValue::NotAnAddress),
            "{what}"
        );
    }
    for domain in [
        "1and1.example",
        "192.0.2.1.example",
        "ab--cd.example",
        "xn--bcher-kva.xn--p1ai",
        "x.museum",
    ] {
        assert!(Email::parse(&format!("jane@{domain}")).is_ok(), "{domain}");
    }
}

#[test]
fn a_number_is_given_in_e_164() {
    let number = phone("+49 (0)151 23456789");
    assert_eq!(number.as_str(), "+4915123456789");
    assert_eq!(Destination::Phone(number).as_str(), "+4915123456789");
}

#[test]
fn the_domain_of_an_address_is_folded_and_the_local_part_kept() {
    assert_eq!(
        email("Jane.Doe+News@EXAMPLE.Co.UK").as_str(),
        "Jane.Doe+News@example.co.uk"
    );
}

#[test]
fn a_domain_outside_ascii_is_kept_as_its_a_label() {
    for spelling in [
        "Jane@bücher.example",
        "Jane@BÜCHER.example",
        "Jane@XN--bcher-kva.example",
    ] {
        assert_eq!(email(spelling).as_str(), "Jane@xn--bcher-kva.example");
    }
}

#[test]
fn addresses_of_one_mailbox_differ_only_in_case_and_in_the_form_of_the_domain() {
    let jane = email("jane.doe@xn--bcher-kva.example");
    for same in ["Jane.Doe@xn--bcher-kva.example", "JANE.DOE@BÜCHER.EXAMPLE"] {
        assert!(jane.is_same_mailbox(&email(same)), "{same}");
    }
    for other in [
        "janedoe@xn--bcher-kva.example",
        "jane.doe+news@xn--bcher-kva.example",
        "jane.doe@bucher.example",
        "jane.doe@mail.xn--bcher-kva.example",
    ] {
        assert!(!jane.is_same_mailbox(&email(other)), "{other}");
    }
}

#[test]
fn addresses_that_differ_in_case_are_counted_together() {
    let (upper, lower) = (
        to_address("JANE@EXAMPLE.COM"),
        to_address("jane@example.com"),
    );
    assert_ne!(upper, lower);
    assert_eq!(upper.bucket(), lower.bucket());
    assert!(upper.is_same(&lower));
}

#[test]
fn two_addresses_are_counted_apart() {
    assert_ne!(
        to_address("jane@example.com").bucket(),
        to_address("john@example.com").bucket()
    );
}

#[test]
fn what_is_no_plain_address_is_refused() {
    for (what, text) in NOT_ADDRESSES {
        assert_eq!(
            Email::parse(text),
            Err(MalformedValue::NotAnAddress),
            "{what}"
        );
    }
}

#[test]
fn a_masked_number_shows_three_characters_and_two() {
    assert_eq!(to_number("+4915123456789").masked(), "+49*********89");
    assert_eq!(to_number("+12015550123").masked(), "+12*******23");
}

#[test]
fn a_masked_address_shows_two_letters_and_the_top_level_domain() {
    for (address, masked) in [
        ("jane@example.com", "j***@e***.com"),
        ("j@e.com", "j***@e***.com"),
        ("jane.doe@mail.example.co.uk", "j***@m***.uk"),
    ] {
        assert_eq!(to_address(address).masked(), masked);
    }
}

#[test]
fn messages_go_by_the_channel_of_their_destination() {
    assert_eq!(to_number("+4915123456789").channel(), Channel::Sms);
    assert_eq!(to_address("jane@example.com").channel(), Channel::Email);
    assert_eq!(Channel::Sms.as_str(), "SMS");
    assert_eq!(Channel::Email.as_str(), "EMAIL");
}

#[test]
fn destinations_print_nothing() {
    let (number, address) = (phone("+4915123456789"), email("jane@example.com"));
    assert_eq!(format!("{number:?}"), "Phone([redacted])");
    assert_eq!(format!("{address:?}"), "Email([redacted])");
    for destination in [Destination::Phone(number), Destination::Email(address)] {
        assert_eq!(format!("{destination:?}"), "Destination([redacted])");
    }
}

/// About one in five is a valid mobile number.
fn something_like_a_number() -> impl Strategy<Value = String> {
    let begins = vec![
        "+49 15",
        "+49 (0)16",
        "+44 7",
        "+33 6",
        "+39 3",
        "+1 201",
        "+54 9 11",
        "+54 11 15",
        "+61 4",
        "+91 9",
        "+880 1",
        "+30 2",
    ];
    let begin = prop::sample::select(begins);
    (begin, "[0-9]{2,4}[ ./-]?[0-9]{2,3}[ ./-]?[0-9]{2,4}")
        .prop_map(|(begin, rest)| format!("{begin}{rest}"))
}

proptest! {
    #![proptest_config(properties(512))]

    #[test]
    fn reading_a_number_never_panics(text: String) {
        let _ = Phone::parse(&text);
    }

    #[test]
    fn reading_what_looks_like_a_number_never_panics(text in "\\+[0-9 ()./+-]{0,42}") {
        let _ = Phone::parse(&text);
    }

    #[test]
    fn a_number_is_read_as_itself(text in something_like_a_number()) {
        if let Ok(number) = Phone::parse(&text) {
            prop_assert_eq!(Phone::parse(number.as_str()), Ok(number));
        }
    }

    #[test]
    fn a_number_is_a_plus_and_up_to_fifteen_digits(text in something_like_a_number()) {
        if let Ok(Phone(number)) = Phone::parse(&text) {
            let digits = number.strip_prefix('+').unwrap_or_default();
            prop_assert!((7..=15).contains(&digits.len()), "{number}");
            prop_assert!(digits.bytes().all(|byte| byte.is_ascii_digit()), "{number}");
        }
    }

    #[test]
    fn grouping_makes_no_other_number(
        separators in prop::collection::vec(prop::sample::select(vec!["", "", " ", "-", ".", "/"]), 13),
    ) {
        let mut spelled = String::new();
        for (digit, separator) in "4915123456789".chars().zip(separators) {
            spelled.push(digit);
            spelled += separator;
        }
        let read = Phone::parse(&format!("+{spelled}")).map(|phone| phone.0);
        prop_assert_eq!(read.as_deref(), Ok("+4915123456789"), "+{}", spelled);
    }

    #[test]
    fn a_masked_number_hides_all_but_five_characters(rest in "1[567][0-9]{9}") {
        if let Ok(number) = Phone::parse(&format!("+49{rest}")) {
            let masked = Destination::Phone(number.clone()).masked();
            prop_assert_eq!(masked.len(), number.0.len());
            prop_assert_eq!(masked.matches('*').count(), number.0.len() - 5);
        }
    }

    #[test]
    fn reading_an_address_never_panics(text in prop_oneof![any::<String>(), "[a-z.@\"\\\\<> ()\\[\\]-]{0,40}"]) {
        let _ = Email::parse(&text);
    }

    #[test]
    fn an_address_is_one_line_of_plain_ascii(text in "[ -~\r\n\té]{1,12}@[ -~\r\n\té]{1,8}\\.com") {
        if let Ok(Email(address)) = Email::parse(&text) {
            prop_assert!(address.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{address:?}");
        }
    }

    #[test]
    fn an_address_is_read_as_itself(text in "[A-Za-z0-9.+_-]{1,10}@[A-Za-z0-9-]{1,8}\\.[A-Za-z]{2,3}") {
        if let Ok(address) = Email::parse(&text) {
            prop_assert_eq!(Email::parse(address.as_str()), Ok(address));
        }
    }

    #[test]
    fn a_masked_address_hides_all_but_the_first_letters(
        local in "[a-z][a-z0-9]{0,12}",
        name in "[a-z][a-z0-9]{0,12}",
    ) {
        let masked = to_address(&format!("{local}@{name}.org")).masked();
        prop_assert_eq!(masked, format!("{}***@{}***.org", &local[..1], &name[..1]));
    }
}
