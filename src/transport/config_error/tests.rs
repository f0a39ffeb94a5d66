use super::ConfigError;
use figment::{
    Figment,
    providers::{Format, Toml},
};
use serde::Deserialize;

const CANARY: &str = "CANARYc2VjcmV0";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read into")]
struct RingExample {
    lookup: String,
    #[serde(default)]
    key: Vec<KeyExample>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read into")]
struct KeyExample {
    id: String,
    retired_at: Option<i64>,
    kind: Option<SortExample>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SortExample {
    Old,
    New,
}

#[track_caller]
fn said_of_syntax(text: &str) -> String {
    let said = ConfigError::from_syntax(text)
        .expect("it is broken")
        .to_string();
    assert!(!said.contains(CANARY), "{said}");
    said
}

#[track_caller]
fn said_of_value(text: &str) -> String {
    assert_eq!(ConfigError::from_syntax(text), None);
    let error = Figment::from(Toml::string(text)).extract::<RingExample>();
    let error = error.expect_err("a value is wrong");
    let said = ConfigError::from_value(&error, Some(text)).to_string();
    assert!(!said.contains(CANARY), "{said}");
    said
}

#[test]
fn a_broken_line_is_told_by_place_and_kind() {
    for (text, place) in [
        (
            format!("lookup = \"a\"\nsecret = \"{CANARY}\n"),
            "line 2, column ",
        ),
        (format!("# ü\nsecret = {CANARY}\n"), "line 2, column 10"),
        (format!("secret \"{CANARY}\"\n"), "line 1, column 8"),
        (format!("{CANARY}\n"), "line 1, column "),
        (
            format!("{CANARY} = 1\n{CANARY} = 2\n"),
            "line 2, column 1: duplicate key",
        ),
        (
            format!("[[key]\nsecret = \"{CANARY}\"\n"),
            "line 1, column 6",
        ),
        (format!("secret = \"\\q{CANARY}\"\n"), "line 1, column "),
        (
            format!("a = 1\na.{CANARY} = 2\n"),
            "line 2, column 1: dotted key",
        ),
    ] {
        let said = said_of_syntax(&text);
        assert!(said.contains(place), "{said}");
        let kind = said.split_once(": ").map(|(_, kind)| kind);
        assert!(kind.is_some_and(|kind| !kind.is_empty()), "{said}");
    }
}

#[test]
fn a_value_that_does_not_fit_is_told_by_place_field_and_kind() {
    for (text, expected) in [
        (
            format!("lookup = \"a\"\n[[key]]\nid = \"k\"\nretired_at = \"{CANARY}\"\n"),
            "line 4, column 14: key.0.retired_at: it has to be i64, and is a text",
        ),
        (
            format!("lookup = \"a\"\nkey = \"{CANARY}\"\n"),
            "line 2, column 7: key: it has to be a sequence, and is a text",
        ),
        (
            format!("lookup = \"a\"\nother = \"{CANARY}\"\n"),
            "line 2, column 9: other: there is no such field; there are lookup, key",
        ),
        (
            format!("lookup = \"a\"\n[[key]]\nid = \"k\"\nkind = \"{CANARY}\"\n"),
            "line 4, column 8: key.0.kind: it has to be one of old, new",
        ),
        (format!("key = [] # {CANARY}\n"), "`lookup` is missing"),
    ] {
        let said = said_of_value(&text);
        assert!(said.contains(expected), "{said}");
    }
}
