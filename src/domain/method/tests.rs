use super::*;
use crate::fixtures::{email, phone};

fn app() -> MethodSecret {
    MethodSecret::Totp {
        secret: TotpSecret::new(vec![1; 20]),
        parameters: TotpParameters::UNIVERSAL,
    }
}

fn number() -> Destination {
    Destination::Phone(phone("+4915123456789"))
}

fn address() -> Destination {
    Destination::Email(email("jane@example.com"))
}

#[test]
fn an_app_is_stronger_than_a_number_and_a_number_than_an_address() {
    assert!(MethodKind::Totp.strength() > MethodKind::Sms.strength());
    assert!(MethodKind::Sms.strength() > MethodKind::Email.strength());
}

#[test]
fn kinds_are_listed_strongest_first() {
    assert!(MethodKind::ALL.is_sorted_by(|one, next| one.strength() > next.strength()));
}

#[test]
fn a_kind_is_told_by_its_name() {
    assert_eq!(
        MethodKind::ALL.map(MethodKind::as_str),
        ["TOTP", "SMS", "EMAIL"]
    );
    for kind in MethodKind::ALL {
        assert_eq!(MethodKind::named(kind.as_str()), Some(kind));
    }
    assert_eq!(MethodKind::named("totp"), None);
}

#[test]
fn an_app_needs_no_channel() {
    assert_eq!(MethodKind::Totp.channel(), None);
    assert_eq!(MethodKind::Sms.channel(), Some(Channel::Sms));
    assert_eq!(MethodKind::Email.channel(), Some(Channel::Email));
}

#[test]
fn what_is_sealed_tells_the_kind() {
    assert_eq!(app().kind(), MethodKind::Totp);
    assert_eq!(MethodSecret::Destination(number()).kind(), MethodKind::Sms);
    assert_eq!(
        MethodSecret::Destination(address()).kind(),
        MethodKind::Email
    );
}

#[test]
fn what_is_sealed_tells_where_messages_go() {
    assert_eq!(app().destination(), None);
    assert_eq!(
        MethodSecret::Destination(number()).destination(),
        Some(&number())
    );
}

#[test]
fn a_label_comes_back_from_a_store_as_it_went() {
    let label = MethodLabel::parse("My phone").unwrap().unwrap();
    assert_eq!(MethodLabel::from_stored(label.as_str().to_owned()), label);
}

#[test]
fn a_methods_secret_prints_nothing() {
    let printed = format!("{:?} {:?}", app(), MethodSecret::Destination(address()));
    assert!(
        !printed.contains("jane") && !printed.contains("[1, 1"),
        "{printed}"
    );
}
