//! Tests of what fits into a text message.

use super::*;

#[test]
fn latin_text_messages_need_no_more_than_the_gsm_alphabet() {
    let texts = MessageTexts::built_in();
    for locale in ["de", "en", "es", "ms"] {
        for content in everything() {
            let text = sms(&texts, locale, content);
            assert_eq!(
                measure(&text).alphabet,
                SmsAlphabet::Gsm7,
                "{text}: {:?}",
                segments::outside_gsm(&text)
            );
        }
    }
}

/// Phones take the direction of a line from its first letter.
#[test]
fn an_arabic_text_message_begins_with_an_arabic_letter() {
    let texts = MessageTexts::built_in();
    for content in everything() {
        let text = sms(&texts, "ar", content);
        let first = text.chars().find(|character| character.is_alphabetic());
        assert!(matches!(first, Some('\u{0620}'..='\u{064A}')), "{text}");
    }
}

#[test]
fn the_client_is_described_as_far_as_it_is_known_and_there_is_room() {
    let texts = MessageTexts::built_in();
    let told = CodeCase {
        place: "Berlin, Germany",
        device: "Firefox on Windows",
        ..SIGN_IN
    };
    assert_eq!(
        sms(&texts, "en", code(&told)),
        "012345 is your ACME sign-in code. Account: jane. Good for 5 minutes. Asked for: Berlin, Germany, Firefox on Windows. \
         Do not share it."
    );
    let host = "login.bank.example".to_owned();
    let bound = loaded(&TenantBranding {
        host: Some(host),
        ..acme()
    });
    assert_eq!(
        sms(&bound, "en", code(&told)),
        "012345 is your ACME sign-in code. Account: jane. Good for 5 minutes. \
         Do not share it.\n@login.bank.example #012345"
    );
    let long = CodeCase {
        place: "Llanfairpwllgwyngyllgogerychwyrndrobwll",
        ..told
    };
    let text = sms(&texts, "en", code(&long));
    assert!(
        text.contains("Asked for: Llanfairpwllgwyngyllgo.., Firefox on Windows."),
        "{text}"
    );
    let mail = mail(&texts, "en", code(&long)).text;
    assert!(
        mail.contains("Llanfairpwllgwyngyllgogerychwyrndrobwll"),
        "{mail}"
    );
}

#[test]
fn what_programs_read_stands_last_the_origin_behind_the_app() {
    let texts = loaded(&TenantBranding {
        host: Some("acme.example".to_owned()),
        android_app_hash: Some("FA+9qCX9VSu".to_owned()),
        ..acme()
    });
    let text = sms(&texts, "en", code(&SIGN_IN));
    let mut lines = text.lines().rev();
    assert_eq!(lines.next(), Some("@acme.example #012345"));
    assert_eq!(lines.next(), Some("FA+9qCX9VSu"));
    assert_eq!(lines.count(), 1, "{text}");
    let notice = sms(&texts, "en", change_notice(NoticeKind::ResetStarted));
    assert!(!notice.contains('\n'), "{notice}");
}

#[test]
fn what_is_confirmed_is_told_whole_however_many_segments_it_takes() {
    let shown = "Pay 40,000.00 EUR to ACME Widgets and Sprockets GmbH & Co. KG, account DE02 1203 0000 0000 2020 51, invoice 2027-000153, due at once";
    let told = CodeCase {
        purpose: CodePurpose::StepUp,
        transaction: shown,
        ..SIGN_IN
    };
    let text = sms(&MessageTexts::built_in(), "en", code(&told));
    assert!(
        text.contains(&format!("You are confirming: {shown}.")),
        "{text}"
    );
    assert_eq!(measure(&text).segments, 2);
    assert!(text.ends_with("Do not share it."), "{text}");
}

#[test]
fn every_text_message_is_one_segment_with_the_longest_values() {
    for locale in LANGUAGES {
        for (company, host) in [
            (LONGEST_NAME, None),
            (
                LONGEST_NAME,
                Some("a-rather-long-name-of-a-host.acme.example"),
            ),
            ("Банк Развития Севера", Some("acme.example")),
            ("🏦🏦🏦🏦🏦🏦🏦🏦🏦🏦🏦🏦", Some("acme.example")),
        ] {
            let texts = loaded(&TenantBranding {
                display_name: Some(DisplayName::parse(company).unwrap()),
                host: host.map(str::to_owned),
                android_app_hash: Some("FA+9qCX9VSu".to_owned()),
                ..acme()
            });
            let codes = CodePurpose::ALL.map(|purpose| {
                code(&CodeCase {
                    purpose,
                    digits: "0123456789",
                    place: "Llanfairpwllgwyngyllgogerychwyrndrobwll",
                    device: "Фаерфокс на Уиндоус",
                    minutes: 10,
                    ..SIGN_IN
                })
            });
            for content in codes.into_iter().chain(NoticeKind::ALL.map(change_notice)) {
                let text = texts
                    .render(&message(phone(), locale, company, content))
                    .text;
                assert_eq!(measure(&text).segments, 1, "{locale}: {text}");
            }
        }
    }
}

#[test]
fn a_caution_stands_in_every_text_message_of_a_company_with_a_name_of_the_gsm_alphabet() {
    let texts = MessageTexts::built_in();
    for (locale, cautions) in [
        (
            "en",
            ["Do not share it.", "Not you? Contact your administrator."],
        ),
        (
            "de",
            [
                "Nicht weitergeben.",
                "Nicht Sie? Bitte die Administration verständigen.",
            ],
        ),
        (
            "es",
            [
                "No la comparta.",
                "¿No fue usted? Avise a su administrador.",
            ],
        ),
        (
            "ms",
            ["Jangan kongsi.", "Bukan anda? Hubungi pentadbir anda."],
        ),
        ("zh", ["请勿告诉他人。", "非本人操作请联系管理员。"]),
        ("ar", ["لا تشاركه.", "لست أنت؟ أبلغ المسؤول"]),
    ] {
        for content in everything() {
            let text = texts
                .render(&message(phone(), locale, LONGEST_NAME, content))
                .text;
            assert!(
                cautions.iter().any(|caution| text.contains(caution)),
                "{text}"
            );
        }
    }
}
