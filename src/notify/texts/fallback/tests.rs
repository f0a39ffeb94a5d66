use super::*;

#[test]
fn a_tag_loses_its_end_part_by_part() {
    for (tag, expected) in [
        ("zh-Hant-TW", &["zh-hant-tw", "zh-hant", "zh"][..]),
        ("de-AT", &["de-at", "de"]),
        ("en", &["en"]),
        ("ar-EG-u-nu-arab", &["ar-eg", "ar"]),
        ("en-x-piglatin", &["en"]),
        ("sl-rozaj-biske", &["sl-rozaj-biske", "sl-rozaj", "sl"]),
        ("x-private", &[]),
        ("", &[]),
    ] {
        assert_eq!(chain(tag), expected, "{tag}");
    }
}
