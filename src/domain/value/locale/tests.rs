use super::*;
use crate::fixtures::properties;
use proptest::prelude::*;

fn read(text: &str) -> Option<String> {
    Locale::parse(text).map(|locale| locale.as_str().to_owned())
}

#[test]
fn a_locale_is_kept_in_its_canonical_spelling() {
    for (sent, kept) in [
        ("de", "de"),
        ("EN", "en"),
        ("en-us", "en-US"),
        ("PT-br", "pt-BR"),
        ("ZH-hans-cn", "zh-Hans-CN"),
        ("de-DE-1996", "de-DE-1996"),
        ("en_US", "en-US"),
        ("zh_Hant", "zh-Hant"),
        ("zh_hant_TW", "zh-Hant-TW"),
        (" de\n", "de"),
        ("en_US.UTF-8", "en-US"),
        ("de_DE@euro", "de-DE"),
        ("de_DE.ISO-8859-15@euro", "de-DE"),
        ("sr_RS@latin", "sr-Latn-RS"),
        ("sr_RS.UTF-8@cyrillic", "sr-Cyrl-RS"),
        ("uz_UZ@cyrillic", "uz-Cyrl-UZ"),
    ] {
        assert_eq!(read(sent).as_deref(), Some(kept), "{sent:?}");
    }
}

#[test]
fn what_names_no_language_is_none() {
    for text in [
        "",
        " ",
        "d",
        "C",
        "C.UTF-8",
        "POSIX",
        "posix",
        "und",
        "und-DE",
        "undefined",
        "null",
        "de--DE",
        "de-",
        "de__DE",
        "en-US,en;q=0.9",
        "*",
        "deutsch-Deutschland",
        "日本",
        "@euro",
        ".UTF-8",
    ] {
        assert_eq!(read(text), None, "{text:?}");
    }
}

#[test]
fn a_locale_has_at_most_64_bytes() {
    let tag = |length: usize| format!("de-x-{}", "abcd-".repeat(20))[..length].to_owned();
    assert!(read(&tag(64)).is_some());
    assert_eq!(read(&tag(65)), None);
}

#[test]
fn a_tag_loses_its_end_part_by_part() {
    for (tag, expected) in [
        ("de-AT", &["de-at", "de"][..]),
        ("en", &["en"]),
        ("en-GB", &["en-gb", "en"]),
        ("ar-EG-u-nu-arab", &["ar-eg", "ar"]),
        ("en-x-piglatin", &["en"]),
        ("sl-rozaj-biske", &["sl-rozaj-biske", "sl-rozaj", "sl"]),
        ("zh-Hans-CN", &["zh-hans-cn", "zh-hans", "zh"]),
        ("zh-SG", &["zh-sg", "zh"]),
        ("xx-YY", &["xx-yy", "xx"]),
        ("x-private", &[]),
        ("", &[]),
    ] {
        assert_eq!(fallback_chain(tag), expected, "{tag}");
    }
}

#[test]
fn texts_in_another_script_are_no_fallback() {
    for (tag, expected) in [
        ("zh-Hant", &["zh-hant", "zh-tw"][..]),
        ("zh-TW", &["zh-tw", "zh-hant-tw", "zh-hant"]),
        ("zh-HK", &["zh-hk", "zh-hant-hk", "zh-hant", "zh-tw"]),
        ("zh-MO", &["zh-mo", "zh-hant-mo", "zh-hant", "zh-tw"]),
        ("zh-Hant-TW", &["zh-hant-tw", "zh-hant", "zh-tw"]),
        ("zh-Hant-HK", &["zh-hant-hk", "zh-hant", "zh-tw"]),
        ("ms-Arab", &["ms-arab"]),
        ("sr-Latn-RS", &["sr-latn-rs", "sr-latn"]),
        ("uz-Cyrl", &["uz-cyrl"]),
        ("pa-PK", &["pa-pk", "pa-arab-pk", "pa-arab"]),
    ] {
        assert_eq!(fallback_chain(tag), expected, "{tag}");
    }
}

proptest! {
    #![proptest_config(properties(256))]

    #[test]
    fn reading_a_locale_never_panics(text: String) {
        let read = Locale::parse(&text);
        let _ = fallback_chain(read.as_ref().map_or(&text, Locale::as_str));
    }

    #[test]
    fn a_locale_that_was_kept_reads_as_itself(text in "[a-zA-Z]{2,3}([-_][a-zA-Z]{4})?([-_][a-zA-Z]{2})?(@latin|[.]UTF-8)?") {
        if let Some(kept) = read(&text) {
            prop_assert_eq!(read(&kept), Some(kept));
        }
    }
}
