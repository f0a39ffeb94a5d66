use super::*;

fn notified(text: &str) -> Vec<String> {
    let wrong = read(text).err().unwrap_or_default();
    wrong.iter().map(ToString::to_string).collect()
}

#[test]
fn a_text_of_ones_own_is_taken() {
    let file = read("# Ours.\nsms-do-not-share = Keep it to yourself.\n")
        .ok()
        .unwrap();
    assert_eq!(file.ids, HashSet::from(["sms-do-not-share".to_owned()]));
}

#[test]
fn what_is_wrong_is_told_with_the_text_and_what_would_do() {
    for (text, expected) in [
        (
            "sms-do-not-share = Hush, { $company }.",
            "sms-do-not-share: there is no $company in this text; there may be no values",
        ),
        (
            "code-sign-in-sms = Your code is { $code }.",
            "code-sign-in-sms: $company is missing, in the text or in one of its forms",
        ),
        (
            "code-sign-in-subject = { $code } for { $company }",
            "code-sign-in-subject: there is no $code in this text; there may be $company",
        ),
        (
            "sms-do-not-share = See acme.example for help.",
            "sms-do-not-share: it holds a link or the name of a website; no message has one",
        ),
        (
            "mail-not-you = Go to https://acme now.",
            "mail-not-you: it holds a link or the name of a website; no message has one",
        ),
        (
            "sms-do-not-share = One\n  two.",
            "sms-do-not-share: it has to be one line without characters that hide or turn what stands there",
        ),
        (
            "sms-do-not-share = Keep\u{202E}it.",
            "sms-do-not-share: it has to be one line without characters that hide or turn what stands there",
        ),
        (
            "sms-minutes = { NUMBER($minutes) } minutes",
            "sms-minutes: $minutes is missing, in the text or in one of its forms",
        ),
        (
            "sms-do-not-share = { \"\\u202E\" }",
            "sms-do-not-share: it may hold text, values and choices, but no functions, literals or other texts",
        ),
        ("hello = Hello.", "hello: there is no text of that name"),
        (
            "-brand = ACME",
            "brand: there may be texts and comments only, without attributes",
        ),
        (
            "sms-do-not-share = a\nsms-do-not-share = b",
            "sms-do-not-share: it stands there twice",
        ),
        (
            "# fine\nsms-do-not-share",
            "line 2: Expected a token starting with \"=\"",
        ),
    ] {
        assert_eq!(
            notified(text).first().map(String::as_str),
            Some(expected),
            "{text}"
        );
    }
}

#[test]
fn persian_is_written_with_joiners() {
    assert_eq!(
        notified("sms-do-not-share = آن را به کسی نمی\u{200C}گوییم."),
        Vec::<String>::new()
    );
}
