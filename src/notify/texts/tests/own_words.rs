//! Tests of a tenant's own texts: accepted, or refused with their place.

use super::*;

#[test]
fn a_company_says_things_its_own_way_and_leaves_the_rest() {
    let folder = folder(&[
        ("en.ftl", "sms-do-not-share = Keep it to yourself."),
        (
            "zh-Hans.ftl",
            "code-sign-in-sms = { $company }：{ $code } 是您登录用的验证码。",
        ),
    ]);
    let texts = loaded(&with_texts(folder.path()));
    assert_eq!(
        sms(&texts, "en-GB", code(&SIGN_IN)),
        "012345 is your ACME sign-in code. Account: jane. Good for 5 minutes. Keep it to yourself."
    );
    let text = sms(&texts, "zh-Hans-CN", code(&SIGN_IN));
    assert!(
        text.starts_with("ACME：012345 是您登录用的验证码。帐户：jane。5分钟内有效。"),
        "{text}"
    );
    let other = OutboundMessage {
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
            "FOLDER: the folder has no .ftl file",
        ),
        (
            &[("english!.ftl", "")],
            "FOLDER/english!.ftl: the file name is not a language tag: name the file like pt-BR.ftl",
        ),
        (
            &[("fr.ftl", "sms-do-not-share = Ne le partagez pas.")],
            "FOLDER/fr.ftl: code-sign-in-sms: missing; a language that is not built in needs every text",
        ),
        (
            &[("zh-TW.ftl", "sms-do-not-share = 請勿告訴他人。")],
            "FOLDER/zh-TW.ftl: code-sign-in-sms: missing; a language that is not built in needs every text",
        ),
        (
            &[("en.ftl", &long)],
            "FOLDER/en.ftl: code-sign-in-sms: too long: with sms-do-not-share and the longest values it has 173 of at most 160 GSM-7 characters",
        ),
        (
            &[("en.ftl", &accent)],
            "FOLDER/en.ftl: code-sign-in-sms: too long: with sms-do-not-share and the longest values it has 93 of at most 70 UCS-2 characters; `ê` is not in the GSM alphabet",
        ),
        (
            &[(
                "en.ftl",
                "code-sign-in-sms = { $company ->\n [ACME] { $code }\n *[other] { $company } { $code }\n }",
            )],
            "FOLDER/en.ftl: code-sign-in-sms: $company is missing; every form of the text has to contain it",
        ),
        (
            &[(
                "en.ftl",
                "code-sign-in-sms = { $company }.example says { $code }",
            )],
            "FOLDER/en.ftl: code-sign-in-sms: contains a link or the name of a website, which texts must not",
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
    let bound = TenantBranding {
        host: Some("login.bank.example".to_owned()),
        ..with_texts(folder.path())
    };
    let refused = load(&bound).err().unwrap().to_string();
    assert!(
        refused.contains("code-sign-in-sms: too long: with sms-do-not-share, origin, android_app_hash and the longest values it has 167 of at most 160 GSM-7"),
        "{refused}"
    );
    let crowded = TenantBranding {
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
    let refused = load(&TenantBranding {
        default_locale: Some("tlh".to_owned()),
        ..acme()
    });
    assert_eq!(
        refused.err().unwrap().to_string().lines().nth(1),
        Some(
            "  - tenants: `acme`: default_locale: no texts in `tlh` or in a language that it falls back to"
        )
    );
}
