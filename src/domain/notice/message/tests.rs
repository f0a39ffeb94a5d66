use super::*;
use crate::{
    fixtures::{NOW, digits, email, minutes},
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
