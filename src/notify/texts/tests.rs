mod fitting;
mod own_words;
mod plurals;

use super::*;
use crate::notify::texts::built_in::BUILT_IN;
use countersign_domain::{
    authorization::action::Transaction,
    challenge::code::{CanonicalAnswer, Digits},
    method::MethodKind,
    notice::{
        account_label::AccountLabel,
        message::{
            ClientDescription, CodePurpose, MessageContent, Notice, NoticeKind, ResetNoticeDetails,
        },
    },
    revert::{RevertClaim, RevertToken},
    value::{
        destination::{Destination, Email, Phone},
        id::UserId,
        tenant::DisplayName,
        time::Timestamp,
    },
};
use proptest::prelude::*;
use segments::{SmsAlphabet, measure};
use std::{fs, path::Path, time::Duration};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const LANGUAGES: [&str; 6] = ["ar", "de", "en", "es", "ms", "zh"];
/// The maximum length of a name in a text message, in the GSM alphabet.
const LONGEST_NAME: &str = "ACME Bank & Trust.";

fn digits(text: &str) -> Digits {
    match CanonicalAnswer::parse(text) {
        Ok(CanonicalAnswer::Digits(digits)) => digits,
        _ => panic!("{text} is a code"),
    }
}

struct CodeCase {
    purpose: CodePurpose,
    digits: &'static str,
    transaction: &'static str,
    place: &'static str,
    device: &'static str,
    minutes: u64,
}

const SIGN_IN: CodeCase = CodeCase {
    purpose: CodePurpose::SignIn,
    digits: "012345",
    transaction: "",
    place: "",
    device: "",
    minutes: 5,
};

fn code(told: &CodeCase) -> MessageContent {
    MessageContent::Code {
        code: digits(told.digits),
        purpose: told.purpose,
        transaction: Transaction::parse(told.transaction).unwrap(),
        asked_at: NOW,
        client_description: ClientDescription::new(told.place, told.device),
        valid_for: Duration::from_mins(told.minutes),
        expires_at: NOW,
    }
}

fn change_notice(kind: NoticeKind) -> MessageContent {
    MessageContent::Notice(Notice {
        codes_left: Some(3),
        ..Notice::of_method(
            kind,
            MethodKind::Email,
            Some("j***@e***.com".to_owned()),
            NOW,
        )
    })
}

fn phone() -> Destination {
    Destination::Phone(Phone::parse("+4915123456789").unwrap())
}

fn email() -> Destination {
    Destination::Email(Email::parse("jane@example.com").unwrap())
}

fn message(
    destination: Destination,
    locale: &str,
    company: &str,
    content: MessageContent,
) -> OutboundMessage {
    OutboundMessage {
        key: "key".to_owned(),
        tenant: TenantId::parse("acme").unwrap(),
        destination,
        locale: Some(locale.to_owned()),
        display_name: company.to_owned(),
        account: AccountLabel::new("jane", false),
        content,
    }
}

fn sms(texts: &MessageTexts, locale: &str, content: MessageContent) -> String {
    texts
        .render(&message(phone(), locale, "ACME", content))
        .text
}

fn mail(texts: &MessageTexts, locale: &str, content: MessageContent) -> RenderedMessage {
    texts.render(&message(email(), locale, "ACME", content))
}

fn acme() -> TenantBranding {
    TenantBranding {
        id: TenantId::parse("acme").unwrap(),
        display_name: Some(DisplayName::parse("ACME").unwrap()),
        host: None,
        android_app_hash: None,
        default_locale: None,
        texts: None,
        revert_page: None,
        cancel_reset_page: None,
    }
}

fn load(tenant: &TenantBranding) -> Result<(MessageTexts, Vec<String>), TextErrors> {
    MessageTexts::load(std::slice::from_ref(tenant), DigitCount::SIX)
}

fn loaded(tenant: &TenantBranding) -> MessageTexts {
    load(tenant).unwrap_or_else(|bad| panic!("{bad}")).0
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn with_texts(folder: &Path) -> TenantBranding {
    TenantBranding {
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
    for (tag, language) in &MessageTexts::built_in().built_in {
        assert_eq!(language.lacks(), None, "{tag}");
    }
}

#[test]
fn a_code_is_told_in_the_persons_language() {
    let texts = MessageTexts::built_in();
    for (locale, expected) in [
        (
            "en",
            "012345 is your ACME sign-in code. Account: jane. Good for 5 minutes. Do not share it.",
        ),
        (
            "de",
            "012345 ist Ihr Anmeldecode für ACME. Konto: jane. Gilt 5 Minuten. Nicht weitergeben.",
        ),
        (
            "es",
            "012345 es su clave de acceso a ACME. Cuenta: jane. Vale 5 minutos. No la comparta.",
        ),
        (
            "ms",
            "012345 ialah kod log masuk ACME anda. Akaun: jane. Sah selama 5 minit. Jangan kongsi.",
        ),
        (
            "zh",
            "【ACME】登录验证码：012345。帐户：jane。5分钟内有效。请勿告诉他人。",
        ),
        (
            "ar",
            "012345 رمز دخولك إلى ACME. الحساب: jane. صالح 5 دقائق. لا تشاركه.",
        ),
    ] {
        assert_eq!(sms(&texts, locale, code(&SIGN_IN)), expected);
    }
}

#[test]
fn a_replaced_method_is_news_of_a_new_security_standard() {
    let texts = MessageTexts::built_in();
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
        let text = mail(&texts, locale, change_notice(NoticeKind::MethodReplaced)).text;
        assert!(text.contains(expected), "{text}");
    }
    assert_eq!(
        sms(&texts, "en", change_notice(NoticeKind::MethodReplaced)),
        "ACME: your security standard has been updated to EMAIL (j***@e***.com). Account: jane. Not you? Contact your administrator."
    );
}

#[test]
fn an_email_with_a_code_reads_downwards() {
    let told = CodeCase {
        purpose: CodePurpose::StepUp,
        transaction: "Pay 40 EUR to ACME",
        place: "Berlin, Germany",
        device: "Firefox on Windows",
        minutes: 1,
        ..SIGN_IN
    };
    let mail = mail(&MessageTexts::built_in(), "en", code(&told));
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
         Account: jane\n\n\
         ACME"
    );
}

/// The text that a reader of the HTML sees.
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
    let texts = MessageTexts::built_in();
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

/// A change that can be reverted.
fn disclaimable(user: &str) -> MessageContent {
    let MessageContent::Notice(told) = change_notice(NoticeKind::MethodAdded) else {
        panic!("it is news");
    };
    MessageContent::Notice(Notice {
        disclaimer: Some(RevertClaim {
            user: UserId::parse(user).unwrap(),
            token: RevertToken::new([0; 16]),
        }),
        ..told
    })
}

#[test]
fn an_email_leads_to_the_companys_page_where_it_has_one_and_a_text_message_never_does() {
    const LINK: &str = "https://acme.example/not-me#jane/AAAAAAAAAAAAAAAAAAAAAA";
    let page = RevertPage::parse("https://acme.example/not-me#{user}/{token}");
    let texts = loaded(&TenantBranding {
        revert_page: page,
        ..acme()
    });
    for locale in LANGUAGES {
        let told = mail(&texts, locale, disclaimable("jane"));
        assert_eq!(seen(&told.html), told.text, "{locale}");
        let alone = told.text.split("\n\n").filter(|part| *part == LINK);
        assert_eq!(alone.count(), 1, "{}", told.text);
        assert!(told.text.contains("72"), "{}", told.text);
        assert!(told.html.contains(&format!("<a href=\"{LINK}\">")));
        let short = sms(&texts, locale, disclaimable("jane"));
        assert!(
            !short.contains("acme.example") && !short.contains("AAAA"),
            "{short}"
        );
        let without = mail(&MessageTexts::built_in(), locale, disclaimable("jane"));
        let other = mail(&texts, locale, change_notice(NoticeKind::MethodAdded));
        assert!(without == other, "{}", without.text);
    }
}

#[test]
fn an_email_leads_to_the_page_that_cancels_a_reset_and_shows_no_bare_token_then() {
    const LINK: &str = "https://acme.example/cancel#j%2Bd/TOKEN";
    let begun = || {
        MessageContent::Notice(Notice {
            reset: Some(ResetNoticeDetails {
                user: UserId::parse("j+d").unwrap(),
                due_at: NOW,
                cancel_token: "TOKEN".to_owned(),
            }),
            ..Notice::of(NoticeKind::ResetStarted, NOW)
        })
    };
    let texts = loaded(&TenantBranding {
        cancel_reset_page: RevertPage::parse("https://acme.example/cancel#{user}/{token}"),
        ..acme()
    });
    for locale in LANGUAGES {
        let told = mail(&texts, locale, begun());
        assert_eq!(seen(&told.html), told.text, "{locale}");
        assert!(told.html.contains(&format!("<a href=\"{LINK}\">")));
        assert_eq!(told.text.matches("TOKEN").count(), 1, "{}", told.text);
        let without = mail(&MessageTexts::built_in(), locale, begun());
        assert!(without.text.contains("TOKEN"), "{}", without.text);
        assert!(!without.text.contains("https://"), "{}", without.text);
    }
}

#[test]
fn html_names_its_language_and_direction() {
    let texts = MessageTexts::built_in();
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

fn everything() -> Vec<MessageContent> {
    let codes = CodePurpose::ALL.map(|purpose| {
        code(&CodeCase {
            purpose,
            place: "Berlin, Germany",
            device: "Firefox on Windows",
            ..SIGN_IN
        })
    });
    codes
        .into_iter()
        .chain(NoticeKind::ALL.map(change_notice))
        .collect()
}

#[test]
fn a_language_without_texts_falls_back_part_by_part_then_to_the_companys_then_to_english() {
    let texts = loaded(&TenantBranding {
        default_locale: Some("de-CH".to_owned()),
        ..acme()
    });
    for (locale, expected) in [
        ("zh-Hans-CN", "登录验证码"),
        ("zh-SG", "登录验证码"),
        ("zh-TW", "Anmeldecode"),
        ("zh-HK", "Anmeldecode"),
        ("zh-Hant", "Anmeldecode"),
        ("es-419", "clave de acceso"),
        ("ar-EG-u-nu-arab", "رمز دخولك"),
        ("pt-BR", "Anmeldecode"),
    ] {
        let text = sms(&texts, locale, code(&SIGN_IN));
        assert!(text.contains(expected), "{locale}: {text}");
    }
    let text = sms(&MessageTexts::built_in(), "pt-BR", code(&SIGN_IN));
    assert!(text.contains("sign-in code"), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// No value from a caller is interpreted as a placeholder or as markup.
    #[test]
    fn no_value_breaks_a_message(
        company in "[^\\p{C}\\p{Z}]{1,12}",
        place in "[^\\p{C}\\p{Z}]{0,12}",
        shown in "[^\\p{C}\\p{Z}]{0,12}",
        locale in prop::sample::select(&LANGUAGES[..]),
    ) {
        let texts = MessageTexts::built_in();
        let client_description = ClientDescription::new(&place, "");
        let transaction = Transaction::parse(&shown);
        prop_assume!(transaction.is_ok());
        let content = || MessageContent::Code {
            code: digits("012345"),
            purpose: CodePurpose::StepUp,
            transaction: transaction.clone().unwrap(),
            asked_at: NOW,
            client_description: client_description.clone(),
            valid_for: Duration::from_mins(5),
            expires_at: NOW,
        };
        let sms = texts.render(&message(phone(), locale, &company, content())).text;
        let mail = texts.render(&message(email(), locale, &company, content()));
        for text in [&sms, &mail.text] {
            for name in ["company", "code", "minutes", "client", "transaction", "method", "left", "time"] {
                prop_assert!(!text.contains(&format!("{{${name}}}")), "{}", text);
            }
            prop_assert!(text.contains("012345"));
            prop_assert!(text.contains(&shown), "{}", text);
        }
        prop_assert_eq!(seen(&mail.html), mail.text);
    }
}

#[test]
fn every_message_names_its_account_in_every_language() {
    let texts = MessageTexts::built_in();
    for (tag, _) in BUILT_IN {
        for (content, again) in everything().into_iter().zip(everything()) {
            let RenderedMessage { text, html, .. } = mail(&texts, tag, content);
            for shown in [sms(&texts, tag, again), text, html] {
                assert!(shown.contains("jane"), "{tag}: {shown}");
            }
        }
    }
}
