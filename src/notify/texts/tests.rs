use super::*;
use countersign_domain::{
    action::Transaction,
    code::{Answer, Digits},
    destination::{Destination, Email, Phone},
    message::{CodePurpose, Content, Notice, NoticeKind, Whence},
    method::Kind,
    tenant::DisplayName,
    time::Timestamp,
};
use proptest::prelude::*;
use segments::{Alphabet, measure};
use std::{fs, path::Path, time::Duration};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const LANGUAGES: [&str; 6] = ["ar", "de", "en", "es", "ms", "zh"];
/// The longest that a text message shows of a name, in the GSM alphabet.
const LONGEST_NAME: &str = "ACME Bank & Trust.";

fn digits(text: &str) -> Digits {
    match Answer::parse(text) {
        Ok(Answer::Digits(digits)) => digits,
        _ => panic!("{text} is a code"),
    }
}

struct Code {
    purpose: CodePurpose,
    digits: &'static str,
    transaction: &'static str,
    place: &'static str,
    device: &'static str,
    minutes: u64,
}

const SIGN_IN: Code = Code {
    purpose: CodePurpose::SignIn,
    digits: "012345",
    transaction: "",
    place: "",
    device: "",
    minutes: 5,
};

fn code(told: &Code) -> Content {
    Content::Code {
        code: digits(told.digits),
        purpose: told.purpose,
        transaction: Transaction::parse(told.transaction).unwrap(),
        asked_at: NOW,
        whence: Whence::parse(told.place, told.device).unwrap(),
        good_for: Duration::from_mins(told.minutes),
        expires_at: NOW,
    }
}

fn news(kind: NoticeKind) -> Content {
    Content::Notice(Notice {
        codes_left: Some(3),
        ..Notice::of_method(kind, Kind::Email, Some("j***@e***.com".to_owned()), NOW)
    })
}

fn phone() -> Destination {
    Destination::Phone(Phone::parse("+4915123456789").unwrap())
}

fn email() -> Destination {
    Destination::Email(Email::parse("jane@example.com").unwrap())
}

fn message(destination: Destination, locale: &str, company: &str, content: Content) -> Message {
    Message {
        key: "key".to_owned(),
        tenant: TenantId::parse("acme").unwrap(),
        destination,
        locale: Some(locale.to_owned()),
        display_name: company.to_owned(),
        content,
    }
}

fn sms(texts: &Texts, locale: &str, content: Content) -> String {
    texts
        .render(&message(phone(), locale, "ACME", content))
        .text
}

fn mail(texts: &Texts, locale: &str, content: Content) -> Rendered {
    texts.render(&message(email(), locale, "ACME", content))
}

fn acme() -> Tenant {
    Tenant {
        id: TenantId::parse("acme").unwrap(),
        display_name: Some(DisplayName::parse("ACME").unwrap()),
        host: None,
        android_app_hash: None,
        default_locale: None,
        texts: None,
    }
}

fn load(tenant: &Tenant) -> Result<(Texts, Vec<String>), BadTexts> {
    Texts::load(std::slice::from_ref(tenant), DigitCount::SIX)
}

fn loaded(tenant: &Tenant) -> Texts {
    load(tenant).unwrap_or_else(|bad| panic!("{bad}")).0
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn with_texts(folder: &Path) -> Tenant {
    Tenant {
        texts: Some(folder.to_owned()),
        ..acme()
    }
}

fn refusal(files: &[(&str, &str)]) -> String {
    let folder = folder(files);
    let refused = load(&with_texts(folder.path()))
        .err()
        .expect("the texts are refused");
    refused
        .to_string()
        .replace(&folder.path().display().to_string(), "FOLDER")
}

#[test]
fn every_built_in_language_has_every_text() {
    for (tag, text) in BUILT_IN {
        let wrong = file::read(text).err().unwrap_or_default();
        assert!(wrong.is_empty(), "{tag}: {wrong:?}");
    }
    for (tag, language) in &Texts::built_in().built_in {
        assert_eq!(language.lacks(), None, "{tag}");
    }
}

#[test]
fn a_code_is_told_in_the_persons_language() {
    let texts = Texts::built_in();
    for (locale, expected) in [
        (
            "en",
            "012345 is your ACME sign-in code. Good for 5 minutes. Do not share it.",
        ),
        (
            "de",
            "012345 ist Ihr Anmeldecode für ACME. Gilt 5 Minuten. Nicht weitergeben.",
        ),
        (
            "es",
            "012345 es su clave de acceso a ACME. Vale 5 minutos. No la comparta.",
        ),
        (
            "ms",
            "012345 ialah kod log masuk ACME anda. Sah selama 5 minit. Jangan kongsi.",
        ),
        (
            "zh",
            "【ACME】登录验证码：012345。5分钟内有效。请勿告诉他人。",
        ),
        ("ar", "012345 رمز دخولك إلى ACME. صالح 5 دقائق. لا تشاركه."),
    ] {
        assert_eq!(sms(&texts, locale, code(&SIGN_IN)), expected);
    }
}

#[test]
fn a_replaced_method_is_news_of_a_new_security_standard() {
    let texts = Texts::built_in();
    for (locale, expected) in [
        (
            "en",
            "Your security standard has been updated to EMAIL (j***@e***.com).",
        ),
        (
            "de",
            "Ihr Sicherheitsstandard wurde auf EMAIL (j***@e***.com) aktualisiert.",
        ),
        (
            "es",
            "Su método de seguridad se ha actualizado a EMAIL (j***@e***.com).",
        ),
        (
            "ms",
            "Standard keselamatan anda telah dikemas kini kepada EMAIL (j***@e***.com).",
        ),
        (
            "zh",
            "您的安全验证方式已更新为电子邮件 EMAIL (j***@e***.com)。",
        ),
        (
            "ar",
            "تم تحديث معيار الأمان لديك إلى بريد إلكتروني (EMAIL) (\u{2068}j***@e***.com\u{2069}).",
        ),
    ] {
        let text = mail(&texts, locale, news(NoticeKind::MethodReplaced)).text;
        assert!(text.contains(expected), "{text}");
    }
    assert_eq!(
        sms(&texts, "en", news(NoticeKind::MethodReplaced)),
        "ACME: your security standard has been updated to EMAIL (j***@e***.com). Not you? Contact your administrator."
    );
}

#[test]
fn an_email_with_a_code_reads_downwards() {
    let told = Code {
        purpose: CodePurpose::StepUp,
        transaction: "Pay 40 EUR to ACME",
        place: "Berlin, Germany",
        device: "Firefox on Windows",
        minutes: 1,
        ..SIGN_IN
    };
    let mail = mail(&Texts::built_in(), "en", code(&told));
    assert_eq!(mail.subject, "Your ACME confirmation code");
    assert_eq!(
        mail.text,
        "Your ACME confirmation code\n\n\
         Type this code to confirm what you are about to do at ACME:\n\n\
         012345\n\n\
         You are confirming: Pay 40 EUR to ACME\n\n\
         The code is good for 1 minute.\n\n\
         Asked for: 2027-01-15 08:00 UTC+00:00, Berlin, Germany, Firefox on Windows\n\n\
         Do not share this code. Nobody at ACME will ever ask you for it. If you did not ask for it, somebody may know \
         your password: contact your administrator.\n\n\
         ACME"
    );
}

/// What a reader sees of HTML.
fn seen(html: &str) -> String {
    let body = html.split_once("<main").unwrap().1;
    let mut text = String::new();
    for piece in body.split('<').skip(1) {
        let (tag, said) = piece.split_once('>').unwrap();
        text.push_str(said);
        if tag == "/h1" || tag == "/p" {
            text.push('\n');
        }
    }
    let lines = text.lines().filter(|line| !line.is_empty());
    let text = lines.collect::<Vec<_>>().join("\n\n");
    let plain = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'");
    plain.replace("&amp;", "&")
}

#[test]
fn html_says_what_the_text_says_loads_nothing_and_leads_nowhere() {
    let texts = Texts::built_in();
    for locale in LANGUAGES {
        for content in everything() {
            let mail = mail(&texts, locale, content);
            assert_eq!(seen(&mail.html), mail.text);
            for loaded in ["http", "src", "href", "url(", "@import", "<script", "<img"] {
                assert!(!mail.html.contains(loaded), "{loaded}: {}", mail.html);
            }
            assert!(!mail.subject.contains("012345"), "{}", mail.subject);
        }
    }
}

#[test]
fn html_names_its_language_and_direction() {
    let texts = Texts::built_in();
    for (locale, expected) in [
        ("en-GB", "lang=\"en\" dir=\"ltr\""),
        ("ms", "lang=\"ms\" dir=\"ltr\""),
        ("ar-EG", "lang=\"ar\" dir=\"rtl\""),
    ] {
        let html = mail(&texts, locale, code(&SIGN_IN)).html;
        assert!(html.contains(&format!("<html {expected}>")), "{html}");
        assert!(
            html.contains("<p dir=\"ltr\" style=\"margin:16px 0;font-family:ui-monospace"),
            "{html}"
        );
    }
}

fn everything() -> Vec<Content> {
    let codes = CodePurpose::ALL.map(|purpose| {
        code(&Code {
            purpose,
            place: "Berlin, Germany",
            device: "Firefox on Windows",
            ..SIGN_IN
        })
    });
    codes.into_iter().chain(NoticeKind::ALL.map(news)).collect()
}

#[test]
fn a_language_without_texts_falls_back_part_by_part_then_to_the_companys_then_to_english() {
    let texts = loaded(&Tenant {
        default_locale: Some("de-CH".to_owned()),
        ..acme()
    });
    for (locale, expected) in [
        ("zh-Hant-TW", "登录验证码"),
        ("es-419", "clave de acceso"),
        ("ar-EG-u-nu-arab", "رمز دخولك"),
        ("pt-BR", "Anmeldecode"),
    ] {
        let text = sms(&texts, locale, code(&SIGN_IN));
        assert!(text.contains(expected), "{locale}: {text}");
    }
    let text = sms(&Texts::built_in(), "pt-BR", code(&SIGN_IN));
    assert!(text.contains("sign-in code"), "{text}");
}

#[test]
fn every_number_has_its_plural_form() {
    let texts = Texts::built_in();
    let left = |locale: &str, left: u32| {
        let notice = Notice {
            codes_left: Some(left),
            ..Notice::of(NoticeKind::RecoveryCodeUsed, NOW)
        };
        mail(&texts, locale, Content::Notice(notice)).text
    };
    for (locale, number, expected) in [
        ("en", 1, "1 code is left."),
        ("en", 0, "0 codes are left."),
        ("en", 7, "7 codes are left."),
        ("de", 1, "Es ist noch 1 Code übrig."),
        ("de", 2, "Es sind noch 2 Codes übrig."),
        ("es", 1, "Queda 1 código."),
        ("es", 2, "Quedan 2 códigos."),
        ("ms", 1, "Baki kod: 1."),
        ("zh", 1, "还剩1个恢复码。"),
        ("ar", 0, "لم يبق أي رمز."),
        ("ar", 1, "بقي رمز واحد."),
        ("ar", 2, "بقي رمزان."),
        ("ar", 3, "بقيت 3 رموز."),
        ("ar", 10, "بقيت 10 رموز."),
        ("ar", 11, "بقي 11 رمزًا."),
        ("ar", 99, "بقي 99 رمزًا."),
        ("ar", 100, "بقي 100 رمز."),
    ] {
        let text = left(locale, number);
        assert!(text.contains(expected), "{locale} {number}: {text}");
    }
    for (minutes, expected) in [
        (1, "صالح دقيقة واحدة."),
        (2, "صالح دقيقتين."),
        (3, "صالح 3 دقائق."),
    ] {
        let text = sms(&texts, "ar", code(&Code { minutes, ..SIGN_IN }));
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn latin_text_messages_need_no_more_than_the_gsm_alphabet() {
    let texts = Texts::built_in();
    for locale in ["de", "en", "es", "ms"] {
        for content in everything() {
            let text = sms(&texts, locale, content);
            assert_eq!(
                measure(&text).alphabet,
                Alphabet::Gsm7,
                "{text}: {:?}",
                segments::outside_gsm(&text)
            );
        }
    }
}

/// Phones take the direction of a line from the first letter in it.
#[test]
fn an_arabic_text_message_begins_with_an_arabic_letter() {
    let texts = Texts::built_in();
    for content in everything() {
        let text = sms(&texts, "ar", content);
        let first = text.chars().find(|character| character.is_alphabetic());
        assert!(matches!(first, Some('\u{0620}'..='\u{064A}')), "{text}");
    }
}

#[test]
fn whence_is_told_as_far_as_it_is_known_and_there_is_room() {
    let texts = Texts::built_in();
    let told = Code {
        place: "Berlin, Germany",
        device: "Firefox on Windows",
        ..SIGN_IN
    };
    assert_eq!(
        sms(&texts, "en", code(&told)),
        "012345 is your ACME sign-in code. Good for 5 minutes. Asked for: 2027-01-15 08:00 UTC+00:00, Berlin, Germany, \
         Firefox on Windows. Do not share it."
    );
    let host = "login.bank.example".to_owned();
    let bound = loaded(&Tenant {
        host: Some(host),
        ..acme()
    });
    assert_eq!(
        sms(&bound, "en", code(&told)),
        "012345 is your ACME sign-in code. Good for 5 minutes. Asked for: Berlin, Germany, Firefox on Windows. \
         Do not share it.\n@login.bank.example #012345"
    );
    let long = Code {
        place: "Llanfairpwllgwyngyllgogerychwyrndrobwll",
        ..told
    };
    let text = sms(&bound, "en", code(&long));
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
    let texts = loaded(&Tenant {
        host: Some("acme.example".to_owned()),
        android_app_hash: Some("FA+9qCX9VSu".to_owned()),
        ..acme()
    });
    let text = sms(&texts, "en", code(&SIGN_IN));
    let mut lines = text.lines().rev();
    assert_eq!(lines.next(), Some("@acme.example #012345"));
    assert_eq!(lines.next(), Some("FA+9qCX9VSu"));
    assert_eq!(lines.count(), 1, "{text}");
    let notice = sms(&texts, "en", news(NoticeKind::ResetBegun));
    assert!(!notice.contains('\n'), "{notice}");
}

#[test]
fn what_is_confirmed_is_told_whole_however_many_segments_it_takes() {
    let shown = "Pay 40,000.00 EUR to ACME Widgets and Sprockets GmbH & Co. KG, account DE02 1203 0000 0000 2020 51, invoice 2027-000153, due at once";
    let told = Code {
        purpose: CodePurpose::StepUp,
        transaction: shown,
        ..SIGN_IN
    };
    let text = sms(&Texts::built_in(), "en", code(&told));
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
            let texts = loaded(&Tenant {
                display_name: Some(DisplayName::parse(company).unwrap()),
                host: host.map(str::to_owned),
                android_app_hash: Some("FA+9qCX9VSu".to_owned()),
                ..acme()
            });
            let codes = CodePurpose::ALL.map(|purpose| {
                code(&Code {
                    purpose,
                    digits: "0123456789",
                    place: "Llanfairpwllgwyngyllgogerychwyrndrobwll",
                    device: "Фаерфокс на Уиндоус",
                    minutes: 10,
                    ..SIGN_IN
                })
            });
            for content in codes.into_iter().chain(NoticeKind::ALL.map(news)) {
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
    let texts = Texts::built_in();
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

#[test]
fn a_company_says_things_its_own_way_and_leaves_the_rest() {
    let folder = folder(&[
        ("en.ftl", "sms-do-not-share = Keep it to yourself."),
        (
            "zh-Hant.ftl",
            "code-sign-in-sms = { $company }：{ $code } 是您的登入驗證碼。",
        ),
    ]);
    let texts = loaded(&with_texts(folder.path()));
    assert_eq!(
        sms(&texts, "en-GB", code(&SIGN_IN)),
        "012345 is your ACME sign-in code. Good for 5 minutes. Keep it to yourself."
    );
    let text = sms(&texts, "zh-Hant-TW", code(&SIGN_IN));
    assert!(
        text.starts_with("ACME：012345 是您的登入驗證碼。5分钟内有效。"),
        "{text}"
    );
    let other = Message {
        tenant: TenantId::parse("other").unwrap(),
        ..message(phone(), "en", "Other", code(&SIGN_IN))
    };
    assert!(texts.render(&other).text.ends_with("Do not share it."));
}

#[test]
fn texts_that_can_not_be_used_are_refused_with_their_place() {
    let long = format!(
        "code-sign-in-sms = {{ $company }} {{ $code }} {}",
        "x".repeat(140)
    );
    let accent = format!(
        "code-sign-in-sms = {{ $company }} {{ $code }} {}",
        "ê".repeat(60)
    );
    for (files, expected) in [
        (
            &[("README.md", "")][..],
            "FOLDER: the folder has no file whose name ends in .ftl",
        ),
        (
            &[("english!.ftl", "")],
            "FOLDER/english!.ftl: the file has to be named after a language, such as pt-BR.ftl",
        ),
        (
            &[("fr.ftl", "sms-do-not-share = Ne le partagez pas.")],
            "FOLDER/fr.ftl: code-sign-in-sms: it is missing; a language that is not built in needs every text",
        ),
        (
            &[("en.ftl", &long)],
            "FOLDER/en.ftl: code-sign-in-sms: with sms-do-not-share and the longest values it takes 173 of 160 GSM-7 characters",
        ),
        (
            &[("en.ftl", &accent)],
            "FOLDER/en.ftl: code-sign-in-sms: with sms-do-not-share and the longest values it takes 93 of 70 UCS-2 characters; `ê` is not in the GSM alphabet",
        ),
        (
            &[(
                "en.ftl",
                "code-sign-in-sms = { $company ->\n [ACME] { $code }\n *[other] { $company } { $code }\n }",
            )],
            "FOLDER/en.ftl: code-sign-in-sms: $company is missing, in the text or in one of its forms",
        ),
        (
            &[(
                "en.ftl",
                "code-sign-in-sms = { $company }.example says { $code }",
            )],
            "FOLDER/en.ftl: code-sign-in-sms: it holds a link or the name of a website; no message has one",
        ),
    ] {
        let told = refusal(files);
        assert_eq!(
            told.lines().nth(1),
            Some(&*format!("  - {expected}")),
            "{told}"
        );
    }
}

#[test]
fn a_text_of_ones_own_leaves_room_for_the_origin_and_a_built_in_one_gives_way() {
    let long = format!(
        "code-sign-in-sms = {{ $company }} {{ $code }} {}",
        "x".repeat(110)
    );
    let folder = folder(&[("en.ftl", &long)]);
    let bound = Tenant {
        host: Some("login.bank.example".to_owned()),
        ..with_texts(folder.path())
    };
    let refused = load(&bound).err().unwrap().to_string();
    assert!(
        refused.contains("code-sign-in-sms: with sms-do-not-share, origin, android_app_hash and the longest values it takes 167 of 160 GSM-7"),
        "{refused}"
    );
    let crowded = Tenant {
        host: Some("a-rather-long-name-of-a-host.acme.example".to_owned()),
        ..acme()
    };
    let (texts, warnings) = load(&crowded).unwrap_or_else(|bad| panic!("{bad}"));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains(" in ar, zh;"), "{warnings:?}");
    assert!(!sms(&texts, "ar", code(&SIGN_IN)).contains('@'));
    assert!(sms(&texts, "en", code(&SIGN_IN)).ends_with(".acme.example #012345"));
}

#[test]
fn a_default_language_without_texts_is_refused() {
    let refused = load(&Tenant {
        default_locale: Some("tlh".to_owned()),
        ..acme()
    });
    assert_eq!(
        refused.err().unwrap().to_string().lines().nth(1),
        Some(
            "  - tenants: `acme`: default_locale: there are no texts in `tlh`, nor in what it falls back to"
        )
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever callers may send stands in no text as something to be filled in, and turns nothing into markup.
    #[test]
    fn no_value_breaks_a_message(
        company in "[^\\p{C}\\p{Z}]{1,12}",
        place in "[^\\p{C}\\p{Z}]{0,12}",
        shown in "[^\\p{C}\\p{Z}]{0,12}",
        locale in prop::sample::select(&LANGUAGES[..]),
    ) {
        let texts = Texts::built_in();
        let whence = Whence::parse(&place, "");
        let transaction = Transaction::parse(&shown);
        prop_assume!(whence.is_ok() && transaction.is_ok());
        let content = || Content::Code {
            code: digits("012345"),
            purpose: CodePurpose::StepUp,
            transaction: transaction.clone().unwrap(),
            asked_at: NOW,
            whence: whence.clone().unwrap(),
            good_for: Duration::from_mins(5),
            expires_at: NOW,
        };
        let sms = texts.render(&message(phone(), locale, &company, content())).text;
        let mail = texts.render(&message(email(), locale, &company, content()));
        for text in [&sms, &mail.text] {
            for name in ["company", "code", "minutes", "whence", "transaction", "method", "left", "time"] {
                prop_assert!(!text.contains(&format!("{{${name}}}")), "{}", text);
            }
            prop_assert!(text.contains("012345"));
            prop_assert!(text.contains(&shown), "{}", text);
        }
        prop_assert_eq!(seen(&mail.html), mail.text);
    }
}
