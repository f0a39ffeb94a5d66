//! Tests of replies that concern the address, and of others.

use super::{is_address_refusal, is_enhanced, queue_id};

#[test]
fn only_a_permanent_reply_about_the_address_is_one() {
    for (code, enhanced) in [
        ("550", None),
        ("550", Some("5.1.1")),
        ("551", Some("5.1.6")),
        ("552", Some("5.2.2")),
        ("553", Some("5.1.3")),
        ("550", Some("5.4.1")),
        ("554", None),
    ] {
        assert!(is_address_refusal(code, enhanced), "{code} {enhanced:?}");
    }
    for (code, enhanced) in [
        ("450", Some("4.2.1")),
        ("421", None),
        ("452", None),
        ("550", Some("5.1.7")),
        ("550", Some("5.1.8")),
        ("550", Some("5.7.1")),
        ("554", Some("5.7.1")),
        ("552", Some("5.3.4")),
        ("503", Some("5.5.1")),
        ("503", None),
        ("530", None),
        ("535", None),
    ] {
        assert!(!is_address_refusal(code, enhanced), "{code} {enhanced:?}");
    }
}

#[test]
fn an_enhanced_code_is_three_numbers() {
    assert!(is_enhanced("5.1.1") && is_enhanced("4.7.123"));
    for word in [
        "",
        "5",
        "5.1",
        "5.1.1.1",
        "a.b.c",
        "<jane@example.com>:",
        "5.1.1234",
        "5..1",
    ] {
        assert!(!is_enhanced(word), "{word}");
    }
}

#[test]
fn the_queue_id_is_found_where_there_is_one() {
    let id = |line| queue_id([line].into_iter());
    assert_eq!(
        id("2.0.0 Ok: queued as 4F0C21A"),
        Some("4F0C21A".to_owned())
    );
    assert_eq!(
        id("OK Queued as ab-1 for delivery"),
        Some("ab-1".to_owned())
    );
    assert_eq!(id("2.0.0 OK"), None);
    assert_eq!(id("queued as "), None);
    assert_eq!(queue_id(std::iter::empty()), None);
}
