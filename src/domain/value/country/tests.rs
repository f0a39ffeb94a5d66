use super::*;
use crate::value::destination::{Destination, Phone};

fn country_of(number: &str) -> String {
    Phone::parse(number).unwrap().country().to_string()
}

#[test]
fn a_number_tells_its_country() {
    assert_eq!(country_of("+4915123456789"), "DE");
    assert_eq!(country_of("+436641234567"), "AT");
}

#[test]
fn countries_that_share_a_prefix_are_told_apart() {
    assert_eq!(country_of("+12015550123"), "US");
    assert_eq!(country_of("+15062345678"), "CA");
    assert_eq!(country_of("+18762101234"), "JM");
}

#[test]
fn every_mobile_number_that_is_taken_has_a_country() {
    let regions = PHONE_NUMBER_UTIL.get_supported_regions();
    for region in regions {
        let example = PHONE_NUMBER_UTIL.get_example_number_for_type_and_region(
            region,
            rlibphonenumber::PhoneNumberType::Mobile,
        );
        let number = example.ok().and_then(|number| {
            let number = number.format_as(rlibphonenumber::PhoneNumberFormat::E164);
            Phone::parse(&number).ok()
        });
        if let Some(number) = number {
            assert_ne!(number.country(), Country::NONE, "{region}");
        }
    }
}

#[test]
fn an_address_has_no_country() {
    let address = crate::value::destination::Email::parse("jane@example.com").unwrap();
    assert_eq!(Destination::Email(address).country(), None);
}

#[test]
fn a_country_is_read_as_it_is_written() {
    for text in ["DE", "AT", "US", "XK", "001"] {
        assert_eq!(Country::parse(text).unwrap().to_string(), text);
    }
}

#[test]
fn what_is_no_country_is_refused() {
    for text in [
        "", "D", "de", "De", "DEU", "XX", "ZZ", "49", "+49", "D€", "01", "0001", " DE",
    ] {
        assert_eq!(Country::parse(text), Err(UnknownCountry), "{text:?}");
    }
}
