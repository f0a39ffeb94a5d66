use super::*;
use crate::fixtures::{NOW, id, properties};
use proptest::prelude::*;

/// 32 bytes of value 5.
const TOKEN: &str = "BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU";

fn hash(seed: u8) -> TokenHash {
    DeviceToken::new([seed; 32]).hash()
}

fn read(text: &str) -> Result<Option<String>, Malformed> {
    let token = DeviceToken::parse(text)?;
    Ok(token.map(|token| token.expose()))
}

#[test]
fn a_token_is_43_characters_of_base64url() {
    assert_eq!(DeviceToken::new([5; 32]).expose(), TOKEN);
    assert_eq!(read(TOKEN), Ok(Some(TOKEN.to_owned())));
}

#[test]
fn a_client_may_have_no_token() {
    assert_eq!(read(""), Ok(None));
}

#[test]
fn what_is_no_token_is_refused() {
    let last_bits_set = TOKEN.replace("BQU", "BQV");
    for text in [
        &TOKEN[1..],
        &format!("{TOKEN}A"),
        &format!("{TOKEN}="),
        &format!(" {TOKEN}"),
        &TOKEN.replacen('B', "+", 1),
        &TOKEN.replacen('B', "/", 1),
        &last_bits_set,
    ] {
        assert_eq!(read(text), Err(Malformed::NotADeviceToken), "{text:?}");
    }
}

#[test]
fn what_is_kept_of_a_token_is_its_sha_256() {
    assert_eq!(
        data_encoding::HEXLOWER.encode(hash(5).as_bytes()),
        "f849d67325facf04177bc663b2dc544051831c589ef581d412f2eba44834e77c"
    );
}

#[test]
fn a_hash_comes_back_from_a_store_as_it_went() {
    assert_eq!(TokenHash::from_bytes(*hash(5).as_bytes()), hash(5));
}

#[test]
fn a_device_holds_its_token_and_the_one_before() {
    let device = Device {
        id: id(1),
        token: hash(2),
        predecessor: Some(hash(1)),
        seen_at: NOW,
    };
    assert!(device.holds(hash(2)));
    assert!(device.holds(hash(1)));
    assert!(!device.holds(hash(3)));
}

#[test]
fn a_new_device_holds_one_token() {
    let device = Device {
        id: id(1),
        token: hash(2),
        predecessor: None,
        seen_at: NOW,
    };
    assert!(device.holds(hash(2)));
    assert!(!device.holds(hash(1)));
}

#[test]
fn a_token_prints_nothing() {
    assert_eq!(
        format!("{:?}", DeviceToken::new([5; 32])),
        "DeviceToken([redacted])"
    );
}

proptest! {
    #![proptest_config(properties(128))]

    #[test]
    fn a_token_reads_as_it_was_given(bytes: [u8; 32]) {
        let token = DeviceToken::new(bytes);
        let sent_back = DeviceToken::parse(&token.expose()).unwrap().unwrap();
        prop_assert_eq!(sent_back.hash(), token.hash());
    }

    #[test]
    fn a_token_has_one_spelling(text in "[A-Za-z0-9_-]{43}") {
        if let Ok(token) = read(&text) {
            prop_assert_eq!(token, Some(text));
        }
    }

    #[test]
    fn reading_a_token_never_panics(text: String) {
        let _ = DeviceToken::parse(&text);
    }
}
