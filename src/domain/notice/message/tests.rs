use super::*;
use crate::{
    fixtures::{NOW, digits, email, minutes},
    notice::account_label::AccountLabel,
    value::id::TenantId,
};

#[test]
fn a_message_prints_neither_its_code_nor_its_destination() {
    let message = OutboundMessage {
        key: "key".to_owned(),
        tenant: TenantId::parse("acme").unwrap(),
        destination: Destination::Email(email("jane@example.com")),
        locale: None,
        display_name: "ACME".to_owned(),
        account: AccountLabel::new("jane", false),
        content: MessageContent::Code {
            code: digits("012345"),
            purpose: CodePurpose::SignIn,
            transaction: None,
            asked_at: NOW,
            client_description: ClientDescription::default(),
            valid_for: minutes(5),
            expires_at: NOW,
        },
    };
    let printed = format!("{message:?}");
    for secret in ["012345", "jane", "example.com"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

fn described(place: &str) -> Option<String> {
    ClientDescription::new(place, "").place
}

#[test]
fn a_description_is_shown_without_the_space_around_it() {
    let description = ClientDescription::new(" Berlin, Germany\n", "Firefox on Windows\t");
    assert_eq!(description.place.as_deref(), Some("Berlin, Germany"));
    assert_eq!(description.device.as_deref(), Some("Firefox on Windows"));
    assert_eq!(
        ClientDescription::new("", " "),
        ClientDescription::default()
    );
}

#[test]
fn a_long_description_is_cut_between_characters() {
    let longest = "x".repeat(64);
    assert_eq!(described(&longest), Some(longest.clone()));
    assert_eq!(described(&"x".repeat(65)), Some(longest));
    assert_eq!(described(&"柏".repeat(30)), Some("柏".repeat(21)));
    assert_eq!(
        described(&format!("{} x", "x".repeat(63))),
        Some("x".repeat(63))
    );
}

#[test]
fn a_description_that_must_not_be_shown_is_unknown() {
    for hidden in [
        "Berlin\nYour code is 999999",
        "Berlin \u{202E}nilreB",
        "Ber\u{200B}lin",
        "Berlin, see evil.example",
        "https://evil",
        &format!("{} evil.example", "x".repeat(64)),
    ] {
        assert_eq!(described(hidden), None, "{hidden:?}");
    }
}
