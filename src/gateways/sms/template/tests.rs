//! What is filled in, and what is no template.

use super::{BadTemplate, Secrets, Template};
use crate::gateways::letter::Letter;

fn secrets() -> Secrets {
    Secrets::from([("token".to_owned(), "s3cret".to_owned().into())])
}

fn read(text: &str) -> Result<Template, BadTemplate> {
    Template::read(text, "Acme", &secrets())
}

fn filled(text: &str) -> String {
    let letter = Letter {
        text: "Code {key}: 123456".to_owned().into(),
        ..Letter::example()
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
        ("{", BadTemplate::Brace),
        ("}", BadTemplate::Brace),
        ("{key", BadTemplate::Brace),
        ("{number}", BadTemplate::Unknown("number".to_owned())),
        ("{}", BadTemplate::Unknown(String::new())),
        ("{secret:other}", BadTemplate::NoSecret("other".to_owned())),
    ] {
        assert_eq!(read(text).err(), Some(expected), "{text}");
    }
    let nobody = Template::read("{sender}", "", &secrets()).err();
    assert_eq!(nobody, Some(BadTemplate::NoSender));
    let header = Template::header("{text}", "Acme", &secrets()).err();
    assert_eq!(header, Some(BadTemplate::TextInHeader));
}
