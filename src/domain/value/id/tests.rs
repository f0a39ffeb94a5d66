use super::*;
use crate::fixtures::{jane, properties};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// The characters that the API contract allows in tenant ids.
const NAME_CHARACTERS: &str =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~@+:-";

/// The unreserved characters of AIP-155.
const UNRESERVED: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-";

const HEX: &str = "000102030405060708090a0b0c0d0e0f";

fn tenant(text: &str) -> Result<(), MalformedValue> {
    TenantId::parse(text).map(|_| ())
}

fn user(text: &str) -> Result<(), MalformedValue> {
    UserId::parse(text).map(|_| ())
}

fn request(text: &str) -> Result<(), MalformedValue> {
    RequestId::parse(text).map(|_| ())
}

fn attestation(text: &str) -> Result<(), MalformedValue> {
    AttestationId::parse(text).map(|_| ())
}

/// Returns the characters below U+0300 that `parse` accepts when repeated 16 times.
fn accepted_characters(parse: fn(&str) -> Result<(), MalformedValue>) -> BTreeSet<char> {
    ('\0'..'\u{300}')
        .filter(|character| parse(&character.to_string().repeat(16)).is_ok())
        .collect()
}

fn an_id(text: &str) -> Result<ChallengeId, MalformedValue> {
    ChallengeId::parse(text)
}

#[test]
fn names_have_exactly_the_characters_of_the_contract() {
    let expected: BTreeSet<char> = NAME_CHARACTERS.chars().collect();
    assert_eq!(accepted_characters(tenant), expected);
}

#[test]
fn names_have_1_to_128_characters() {
    assert_eq!(tenant(""), Err(MalformedValue::Empty));
    assert_eq!(tenant("x"), Ok(()));
    assert_eq!(tenant(&"x".repeat(128)), Ok(()));
    assert_eq!(tenant(&"x".repeat(129)), Err(MalformedValue::TooLong(128)));
}

#[test]
fn one_strange_character_spoils_a_name() {
    for name in [
        "acme ", "ac me", "acme\n", "acmé", "acme/eu", "acme\0", "ａcme",
    ] {
        assert!(
            matches!(tenant(name), Err(MalformedValue::Character(_))),
            "{name:?}"
        );
    }
}

#[test]
fn names_are_kept_as_they_were_given() {
    let name = "Jane.Doe+1@ACME:eu~-_";
    assert_eq!(UserId::parse(name).unwrap().as_str(), name);
    assert_eq!(TenantId::parse(name).unwrap().as_str(), name);
}

#[test]
fn names_are_compared_byte_for_byte() {
    assert_ne!(UserId::parse("jane"), UserId::parse("Jane"));
    assert_ne!(TenantId::parse("acme"), TenantId::parse("Acme"));
}

#[test]
fn a_user_is_not_printed_and_a_tenant_is() {
    let printed = format!("{:?}", jane());
    assert!(!printed.contains("jane"), "{printed}");
    assert_eq!(
        printed,
        "Subject { tenant: TenantId(acme), user: UserId([redacted]) }"
    );
}

#[test]
fn an_id_is_32_hexadecimal_characters() {
    let id = an_id(HEX).unwrap();
    assert_eq!(
        id.as_bytes(),
        &std::array::from_fn(|byte| u8::try_from(byte).unwrap())
    );
    assert_eq!(id.to_string(), HEX);
    assert_eq!(format!("{id:?}"), HEX);
}

#[test]
fn an_id_may_come_back_in_capitals() {
    assert_eq!(an_id(&HEX.to_uppercase()), an_id(HEX));
}

#[test]
fn what_is_no_id_is_refused() {
    let longer = HEX.to_owned() + "00";
    let spaced = HEX.replace("00", " 0");
    let strange = HEX.replace("0f", "0g");
    for text in ["", "00", &HEX[1..], &HEX[2..], &longer, &spaced, &strange] {
        assert_eq!(an_id(text), Err(MalformedValue::NotAnId), "{text:?}");
    }
}

#[test]
fn a_request_id_has_printable_ascii_and_an_attestation_id_the_unreserved_characters() {
    let printable: BTreeSet<char> = (' '..='~').collect();
    assert_eq!(accepted_characters(request), printable);
    let unreserved: BTreeSet<char> = UNRESERVED.chars().collect();
    assert_eq!(accepted_characters(attestation), unreserved);
}

#[test]
fn a_request_id_has_1_to_128_characters() {
    assert_eq!(request("1"), Ok(()));
    assert_eq!(request("{7f9c}: retry #1"), Ok(()));
    assert_eq!(request(&"x".repeat(128)), Ok(()));
    assert_eq!(request(&"x".repeat(129)), Err(MalformedValue::TooLong(128)));
}

#[test]
fn a_request_id_may_be_left_out() {
    assert!(matches!(RequestId::parse(""), Ok(None)));
}

#[test]
fn an_attestation_id_has_16_to_64_characters() {
    assert_eq!(attestation(""), Err(MalformedValue::Empty));
    assert_eq!(
        attestation(&"x".repeat(15)),
        Err(MalformedValue::TooShort(16))
    );
    assert_eq!(attestation(&"x".repeat(16)), Ok(()));
    assert_eq!(attestation(&"x".repeat(64)), Ok(()));
    assert_eq!(
        attestation(&"x".repeat(65)),
        Err(MalformedValue::TooLong(64))
    );
}

#[test]
fn ids_of_other_requests_are_kept_as_they_were_given() {
    let name = "Abc-123_x.y~zzzz";
    assert_eq!(RequestId::parse(name).unwrap().unwrap().as_str(), name);
    assert_eq!(AttestationId::parse(name).unwrap().as_str(), name);
}

proptest! {
    #![proptest_config(properties(256))]

    #[test]
    fn an_id_reads_as_it_is_written(bytes: [u8; 16]) {
        let id = ChallengeId::from_bytes(bytes);
        prop_assert_eq!(an_id(&id.to_string()), Ok(id));
        prop_assert_eq!(id.as_bytes(), &bytes);
    }

    #[test]
    fn reading_ids_never_panics(text: String) {
        let _ = (an_id(&text), user(&text), request(&text), attestation(&text));
    }
}
