use super::*;

fn tenant(id: &str) -> TenantId {
    TenantId::parse(id).unwrap()
}

#[test]
fn a_company_is_called_what_its_operator_calls_it() {
    for name in [
        "ACME & Söhne",
        "Booking.com",
        "Dr. Müller S.p.A.",
        "شرکت می\u{200C}خواهم",
    ] {
        let acme = DisplayName::parse(name).unwrap();
        let names: DisplayNames = [(tenant("acme"), acme)].into_iter().collect();
        assert_eq!(names.of(&tenant("acme")), name);
    }
    let names = DisplayNames::default();
    assert_eq!(names.of(&tenant("other")), "other");
}

#[test]
fn a_name_hides_nothing_and_leads_nowhere() {
    for (name, why) in [
        ("", MalformedValue::Empty),
        (&*"x".repeat(65), MalformedValue::TooLong(64)),
        ("ACME\nBank", MalformedValue::NotPlainText),
        ("ACME\u{202E}knaB", MalformedValue::NotPlainText),
        (" ACME", MalformedValue::NotPlainText),
        ("see https://x", MalformedValue::Link),
        ("https://booking.com", MalformedValue::Link),
    ] {
        assert_eq!(DisplayName::parse(name), Err(why), "{name:?}");
    }
}
