//! Tests of placeholders and malformed templates.

use super::{RequestTemplate, TemplateError, TemplateSecrets};
use crate::parsed_message::ParsedMessage;

fn secrets() -> TemplateSecrets {
    TemplateSecrets::from([("token".to_owned(), "s3cret".to_owned().into())])
}

fn read(text: &str) -> Result<RequestTemplate, TemplateError> {
    RequestTemplate::read(text, "Acme", &secrets())
}

fn filled(text: &str) -> String {
    let letter = ParsedMessage {
        text: "Code {key}: 123456".to_owned().into(),
        ..ParsedMessage::example()
    };
    read(text).unwrap().fill(&letter).as_str().to_owned()
}

#[test]
fn every_place_is_filled_in() {
    assert_eq!(filled("{destination} {digits}"), "+10000000000 10000000000");
    assert_eq!(filled("{sender}/{key}"), "Acme/example");
    assert_eq!(filled("Bearer {secret:token}"), "Bearer s3cret");
    assert_eq!(filled("{{{key}}}"), "{example}");
    assert_eq!(filled(""), "");
}

#[test]
fn a33_what_a_message_says_is_no_template() {
    assert_eq!(filled("{text}"), "Code {key}: 123456");
}

#[test]
fn what_is_no_template_is_refused() {
    for (text, expected) in [
        ("{", TemplateError::Brace),
        ("}", TemplateError::Brace),
        ("{key", TemplateError::Brace),
        ("{number}", TemplateError::Unknown("number".to_owned())),
        ("{}", TemplateError::Unknown(String::new())),
        (
            "{secret:other}",
            TemplateError::NoSecret("other".to_owned()),
        ),
    ] {
        assert_eq!(read(text).err(), Some(expected), "{text}");
    }
    let nobody = RequestTemplate::read("{sender}", "", &secrets()).err();
    assert_eq!(nobody, Some(TemplateError::NoSender));
    let header = RequestTemplate::header("{text}", "Acme", &secrets()).err();
    assert_eq!(header, Some(TemplateError::TextInHeader));
}
