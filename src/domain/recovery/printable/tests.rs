use super::*;
use crate::fixtures::assert_all_differ;

fn printable(locale: Option<&str>) -> PrintableRecoveryCodes<'_> {
    PrintableRecoveryCodes {
        locale,
        company: "ACME",
        account: "jane@example.com",
        made_at: Timestamp::from_seconds(1_780_000_000),
    }
}

#[test]
fn a_sheet_names_company_account_date_and_every_code() {
    let codes = [
        "AAAAAA-BBBBBB-CCCCCC".to_owned(),
        "DDDDDD-EEEEEE-FFFFFF".to_owned(),
    ];
    let text = printable(None).text(RecoverySetKind::Codes, &codes);
    for part in [
        "ACME",
        "jane@example.com",
        "2026-05-28",
        codes[0].as_str(),
        codes[1].as_str(),
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_key_is_not_called_codes() {
    let key = ["0000".to_owned()];
    let text = printable(None).text(RecoverySetKind::Key, &key);
    assert!(
        text.contains("Recovery key") && !text.contains("codes"),
        "{text}"
    );
}

#[test]
fn each_language_has_words_of_its_own_and_others_have_the_english_ones() {
    let in_language = |tag| printable(Some(tag)).text(RecoverySetKind::Codes, &[]);
    assert_all_differ(["en", "de", "es", "ms", "ar", "zh"].map(in_language));
    assert_eq!(in_language("de-AT"), in_language("de"));
    assert_eq!(in_language("fr"), in_language("en"));
    assert_eq!(in_language("zh-SG"), in_language("zh"));
    for traditional in ["zh-TW", "zh-Hant", "zh-HK"] {
        assert_eq!(in_language(traditional), in_language("en"), "{traditional}");
    }
    assert_eq!(
        printable(None).text(RecoverySetKind::Codes, &[]),
        in_language("en")
    );
}
