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
            "sms-do-not-share: $company is not allowed in this text; it may contain no values",
        ),
        (
            "code-sign-in-sms = Your code is { $code }.",
            "code-sign-in-sms: $company is missing; every form of the text has to contain it",
        ),
        (
            "code-sign-in-subject = { $code } for { $company }",
            "code-sign-in-subject: $code is not allowed in this text; it may contain $company",
        ),
        (
            "sms-do-not-share = See acme.example for help.",
            "sms-do-not-share: contains a link or the name of a website, which texts must not",
        ),
        (
            "mail-not-you = Go to https://acme now.",
            "mail-not-you: contains a link or the name of a website, which texts must not",
        ),
        (
            "sms-do-not-share = One\n  two.",
            "sms-do-not-share: has to be one line, without invisible characters or changes of text direction",
        ),
        (
            "sms-do-not-share = Keep\u{202E}it.",
            "sms-do-not-share: has to be one line, without invisible characters or changes of text direction",
        ),
        (
            "sms-minutes = { NUMBER($minutes) } minutes",
            "sms-minutes: $minutes is missing; every form of the text has to contain it",
        ),
        (
            "sms-do-not-share = { \"\\u202E\" }",
            "sms-do-not-share: only text, values and choices are allowed, no functions, literals or other texts",
        ),
        ("hello = Hello.", "hello: no text has this name"),
        (
            "-brand = ACME",
            "brand: only texts and comments are allowed, without attributes",
        ),
        (
            "sms-do-not-share = a\nsms-do-not-share = b",
            "sms-do-not-share: defined twice; remove one",
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
