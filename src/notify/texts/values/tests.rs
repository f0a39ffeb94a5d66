use super::*;
use crate::notify::texts::MessageTexts;

fn in_language(tag: &str, check: impl Fn(&LanguageTexts)) {
    check(&MessageTexts::built_in().built_in[tag]);
}

#[test]
fn an_instant_says_its_zone() {
    let at = Timestamp::from_seconds(1_800_000_000);
    assert_eq!(clear_time(at), "2027-01-15 08:00 UTC+00:00");
}

#[test]
fn minutes_are_rounded_up_and_at_least_one() {
    for (seconds, told) in [(0, 1), (59, 1), (60, 1), (61, 2), (300, 5)] {
        assert_eq!(minutes(Duration::from_secs(seconds)), told, "{seconds}");
    }
}

#[test]
fn a_long_name_is_cut_and_says_so() {
    for (text, expected) in [
        ("ACME", "ACME"),
        ("0123456789", "0123456789"),
        ("0123456789A", "01234567.."),
        ("0123456 89A", "0123456.."),
        ("0123456📱89A", "0123456.."),
        ("银行银行银行银行银行银行", "银行银行银行银行.."),
    ] {
        assert_eq!(shortened(text, 10), expected);
    }
}

#[test]
fn a_value_is_isolated_only_where_directions_meet() {
    in_language("en", |english| {
        assert_eq!(isolated(english, "ACME"), "ACME");
        assert_eq!(isolated(english, "شركة"), "\u{2068}شركة\u{2069}");
    });
    in_language("ar", |arabic| {
        assert_eq!(isolated(arabic, "ACME"), "\u{2068}ACME\u{2069}");
    });
}
