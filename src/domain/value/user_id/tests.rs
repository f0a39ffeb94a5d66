use super::*;
use crate::fixtures::properties;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

fn user(text: &str) -> UserId {
    UserId::parse(text).unwrap()
}

#[test]
fn ids_of_providers_fit_as_they_are() {
    for text in [
        "jane",
        "auth0|507f1f77bcf86cd799439011",
        "google-oauth2|103547991597142817347",
        "o'brien@example.com",
        "CN=Jane Doe,OU=Sales,DC=example,DC=com",
        "https://idp.example/users/42?x=1#y",
        "ACME\\jane",
        "jane doe",
        "Иван",
        "山田太郎",
        "علی",
        "👩",
        "a/b%2Fc;d=\"e\"<f>",
    ] {
        assert_eq!(user(text).as_str(), text);
    }
    assert!(UserId::parse(&"x".repeat(255)).is_ok());
}

#[test]
fn an_id_is_stored_in_nfc() {
    assert_eq!(user("jose\u{301}"), user("jos\u{e9}"));
    assert_eq!(user("A\u{30A}").as_str(), "\u{C5}");
    assert_ne!(user("jos\u{e9}"), user("jose"));
}

#[test]
fn an_id_that_hides_something_is_refused() {
    let refused = Err(MalformedValue::NotAUserId);
    for (what, text) in [
        ("a blank at the start", " jane"),
        ("a line break at the end", "jane\n"),
        ("an ideographic space at the end", "jane\u{3000}"),
        ("NUL", "ja\0ne"),
        ("escape", "ja\u{1B}ne"),
        ("next line", "ja\u{85}ne"),
        ("line separator", "ja\u{2028}ne"),
        ("right-to-left override", "ja\u{202E}ne"),
        ("isolate", "ja\u{2066}ne"),
        ("right-to-left mark", "ja\u{200F}ne"),
        ("Arabic letter mark", "ja\u{61C}ne"),
        ("zero-width space", "ja\u{200B}ne"),
        ("non-joiner between Persian letters", "علی\u{200C}رضا"),
        ("joiner in an emoji", "👩\u{200D}💻"),
        ("soft hyphen", "ja\u{AD}ne"),
        ("combining grapheme joiner", "ja\u{34F}ne"),
        ("Hangul filler", "ja\u{3164}ne"),
        ("variation selector", "ja\u{FE0F}ne"),
        ("a later variation selector", "ja\u{E0100}ne"),
        ("tag", "ja\u{E0041}ne"),
        ("unassigned", "ja\u{378}ne"),
        ("a noncharacter", "ja\u{FFFF}ne"),
    ] {
        assert_eq!(UserId::parse(text), refused, "{what}");
    }
    assert_eq!(UserId::parse(""), Err(MalformedValue::Empty));
    assert_eq!(
        UserId::parse(&"x".repeat(256)),
        Err(MalformedValue::TooLong(255))
    );
}

#[test]
fn normalizing_makes_no_id_too_long() {
    // U+0344 becomes two characters in NFC.
    let grows = "\u{344}".repeat(127);
    assert_eq!(UserId::parse(&grows), Err(MalformedValue::TooLong(255)));
}

#[test]
fn ids_that_look_alike_have_one_skeleton() {
    for (one, other) in [
        ("jane", "JANE"),
        ("jane", "jáne"),
        ("jane", "ｊａｎｅ"),
        ("jane", "𝓳𝓪𝓷𝓮"),
        ("strasse", "Straße"),
        ("σίσυφος", "ΣΊΣΥΦΟΣ"),
        ("ﬁle", "file"),
        ("2nd", "²nd"),
        ("K", "\u{212A}"),
        ("İ", "i"),
    ] {
        assert_eq!(
            user(one).skeleton(),
            user(other).skeleton(),
            "{one} {other}"
        );
    }
    for (one, other) in [
        ("jane", "jane1"),
        ("jane", "jаne"),
        ("a.b", "ab"),
        ("o'brien", "obrien"),
    ] {
        assert_ne!(
            user(one).skeleton(),
            user(other).skeleton(),
            "{one} {other}"
        );
    }
}

#[test]
fn the_cased_skeleton_keeps_case_and_the_folded_form_keeps_accents() {
    assert_ne!(user("jane").cased_skeleton(), user("Jane").cased_skeleton());
    assert_eq!(user("jane").cased_skeleton(), user("jáne").cased_skeleton());
    assert_eq!(user("jáne").folded(), user("JÁNE").folded());
    assert_ne!(user("jáne").folded(), user("jane").folded());
    assert_eq!(user("JANE@Acme").folded(), "jane@acme");
}

#[test]
fn forms_of_an_id_fit_into_an_index_and_tell_ids_apart() {
    let long = "\u{FDFA}".repeat(85);
    let other = format!("{}a", "\u{FDFA}".repeat(84));
    for form in [UserId::skeleton, UserId::cased_skeleton, UserId::folded] {
        assert!(form(&user(&long)).len() <= 255);
        assert_ne!(form(&user(&long)), form(&user(&other)));
    }
}

#[test]
fn rules_decide_which_ids_may_stand_beside_each_other() {
    use UserIdConflict::{DiffersInCase, LooksAlike};
    let rules = |case_sensitive, accent_sensitive| UserIdRules {
        case_sensitive,
        accent_sensitive,
    };
    for (new, existing, strict, cased, accented) in [
        (
            "JANE",
            "jane",
            Some(DiffersInCase),
            None,
            Some(DiffersInCase),
        ),
        ("jáne", "jane", Some(LooksAlike), Some(LooksAlike), None),
        ("ＪＡＮＥ", "jane", Some(LooksAlike), None, None),
        ("jane", "jane", None, None, None),
        ("joe", "jane", None, None, None),
    ] {
        let conflict = |rules: UserIdRules| rules.conflict(&user(new), &user(existing));
        assert_eq!(conflict(rules(false, false)), strict, "{new}");
        assert_eq!(conflict(rules(true, false)), cased, "{new}, case-sensitive");
        assert_eq!(
            conflict(rules(false, true)),
            accented,
            "{new}, accent-sensitive"
        );
        assert_eq!(conflict(rules(true, true)), None, "{new}, both");
    }
}

#[test]
fn rules_are_found_again_by_the_exact_form() {
    let id = user("Jáne");
    for rules in UserIdRules::ALL {
        assert_eq!(
            UserIdRules::of_exact_id(&id, &rules.exact_id(&id)),
            Some(rules)
        );
    }
    assert_eq!(UserIdRules::of_exact_id(&id, "joe"), None);
}

proptest! {
    #![proptest_config(properties(256))]

    #[test]
    fn the_beginning_of_an_id_has_the_beginning_of_its_skeleton(text in "[a-zA-Zéßﬁ각 가áΣ山]{1,12}", at: usize) {
        let places: Vec<usize> = text.char_indices().map(|(place, _)| place).collect();
        let (beginning, _) = text.split_at(places[at % places.len()]);
        let whole = UserId::skeleton_of(&text);
        prop_assert!(whole.starts_with(&UserId::skeleton_of(beginning)), "{whole}");
    }

    #[test]
    fn an_id_reads_back_as_it_is_and_so_does_its_skeleton(text in "\\PC{1,20}") {
        if let Ok(id) = UserId::parse(&text) {
            prop_assert_eq!(&user(id.as_str()), &id);
            let skeleton = id.skeleton();
            if skeleton.len() < 200 {
                prop_assert_eq!(UserId::skeleton_of(&skeleton), skeleton);
            }
        }
    }
}

/// A library of another version of Unicode must not change what is stored: then the form of records changes too.
#[test]
fn the_forms_of_every_character_are_those_of_one_version_of_unicode() {
    let mut hash = Sha256::new();
    let mut assigned = 0_u32;
    for character in '\0'..=char::MAX {
        let text = format!("a{character}b");
        let Ok(id) = UserId::parse(&text) else {
            continue;
        };
        assigned += 1;
        for form in [
            id.as_str(),
            &id.folded(),
            &id.skeleton(),
            &id.cased_skeleton(),
        ] {
            hash.update(form);
            hash.update([0]);
        }
    }
    assert_eq!(char::UNICODE_VERSION, UNICODE_VERSION);
    let digest = data_encoding::HEXLOWER.encode(&hash.finalize());
    let expected = "f0a111d31dd04c14cad463a1c35184956c9ed24dfbe8c8179bf5a6fece45636f";
    assert_eq!((assigned, digest.as_str()), (309_866, expected));
}
