use super::*;
use crate::fixtures::{device, properties};
use proptest::prelude::*;

/// base64url of 32 bytes of value 5.
const TOKEN: &str = "BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU";

fn hash(seed: u8) -> DeviceTokenHash {
    DeviceToken::new([seed; 32]).hash()
}

fn read(text: &str) -> Option<String> {
    DeviceToken::parse(text).map(|token| token.expose())
}

#[test]
fn a_token_is_43_characters_of_base64url() {
    assert_eq!(DeviceToken::new([5; 32]).expose(), TOKEN);
    assert_eq!(read(TOKEN), Some(TOKEN.to_owned()));
}

#[test]
fn a_malformed_token_is_none() {
    let last_bits_set = TOKEN.replace("BQU", "BQV");
    for text in [
        "",
        "undefined",
        &TOKEN[1..],
        &format!("{TOKEN}A"),
        &format!("{TOKEN}="),
        &format!(" {TOKEN}"),
        &TOKEN.replacen('B', "+", 1),
        &TOKEN.replacen('B', "/", 1),
        &last_bits_set,
    ] {
        assert_eq!(read(text), None, "{text:?}");
    }
}

#[test]
fn what_is_kept_of_a_token_is_half_of_its_sha_256() {
    assert_eq!(
        data_encoding::HEXLOWER.encode(hash(5).as_bytes()),
        "f849d67325facf04177bc663b2dc5440"
    );
}

#[test]
fn a_hash_comes_back_from_a_store_as_it_went() {
    assert_eq!(DeviceTokenHash::from_bytes(*hash(5).as_bytes()), hash(5));
}

#[test]
fn tokens_of_a_series_share_half_and_have_half_of_their_own() {
    let one = DeviceToken::of([1; 16], [2; 16]);
    let other = DeviceToken::of([1; 16], [3; 16]);
    let elsewhere = DeviceToken::of([4; 16], [2; 16]);
    assert_eq!(one.series(), other.series());
    assert_ne!(one.hash(), other.hash());
    assert_ne!(one.series(), elsewhere.series());
}

#[test]
fn a_device_holds_what_it_showed_last_and_what_was_given_for_it() {
    let device = device().given_for(hash(1), hash(2));
    assert!(device.holds(hash(2)));
    assert!(device.holds(hash(1)));
    assert!(!device.holds(hash(3)));
}

#[test]
fn two_tabs_that_show_the_same_token_both_keep_what_they_are_given() {
    let device = device().given_for(hash(1), hash(2));
    let device = device.given_for(hash(1), hash(3));
    assert_eq!([1, 2, 3].map(|seed| device.holds(hash(seed))), [true; 3]);
}

#[test]
fn the_first_successor_that_is_shown_ends_the_others_and_what_came_before() {
    let device = device().given_for(hash(1), hash(2));
    let device = device.given_for(hash(1), hash(3));
    let device = device.given_for(hash(3), hash(4));
    assert_eq!(
        [1, 2, 3, 4].map(|seed| device.holds(hash(seed))),
        [false, false, true, true]
    );
}

#[test]
fn of_many_that_were_given_for_one_the_latest_are_remembered() {
    let first = 10_u8;
    let last = first + u8::try_from(MAX_GIVEN_TOKENS).unwrap();
    let device = (first..=last).fold(device(), |device, seed| {
        device.given_for(hash(1), hash(seed))
    });
    assert!(!device.holds(hash(first)));
    assert!((first + 1..=last).all(|seed| device.holds(hash(seed))));
}

fn with_pending(seed: u8, count: usize) -> Device {
    let tokens = (0..count).map(|number| {
        let number = u8::try_from(number).unwrap();
        DeviceTokenHash::from_bytes([seed, number].repeat(8).try_into().unwrap())
    });
    Device {
        id: crate::fixtures::id(seed),
        seen_at: Timestamp::from_seconds(seed.into()),
        given: tokens.collect(),
        ..device()
    }
}

#[test]
fn the_devices_not_seen_for_longest_give_up_their_pending_tokens_first() {
    let mut devices: Vec<Device> = [9, 1, 5, 3, 7].map(|seed| with_pending(seed, 16)).into();
    devices.push(with_pending(0, 1));
    let before = devices.clone();
    forget_surplus_tokens(&mut devices);
    let left = devices.iter().map(|device| device.given.len());
    assert_eq!(left.collect::<Vec<_>>(), [16, 1, 16, 14, 16, 1]);
    for (before, after) in before.iter().zip(&devices) {
        assert!(before.given.ends_with(&after.given), "the oldest go");
    }
    let few = devices.clone();
    forget_surplus_tokens(&mut devices);
    assert_eq!(devices, few);
}

#[test]
fn each_device_keeps_its_latest_pending_token() {
    let mut devices: Vec<Device> = (0..100).map(|seed| with_pending(seed, 2)).collect();
    forget_surplus_tokens(&mut devices);
    assert!(devices.iter().all(|device| device.given.len() == 1));
}

#[test]
fn apps_have_names_of_their_own() {
    for app in [ClientApp::Browser, ClientApp::Mobile] {
        assert_eq!(ClientApp::named(app.as_str()), Some(app));
    }
    assert_eq!(ClientApp::named("browser"), None);
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
        let sent_back = DeviceToken::parse(&token.expose()).unwrap();
        prop_assert_eq!(sent_back.hash(), token.hash());
    }

    #[test]
    fn a_token_has_one_spelling(text in "[A-Za-z0-9_-]{43}") {
        if let Some(token) = read(&text) {
            prop_assert_eq!(token, text);
        }
    }

    /// A series of sign-ins, some by several tabs, some with lost responses. The token that the client kept last is
    /// valid. Once it is presented, all others are invalid.
    #[test]
    fn a_client_that_shows_what_it_was_given_is_always_held(
        tabs in prop::collection::vec((1..4_u8, 0..4_u8), 1..20),
    ) {
        let token = |number: u32| DeviceTokenHash::from_bytes(first_half(Sha256::digest(number.to_be_bytes()).into()));
        let (mut known, mut kept, mut made) = (device().given_for(hash(1), token(0)), 0, 0);
        let mut dead: Vec<u32> = Vec::new();
        for (answers, keeps) in tabs {
            prop_assert!(known.holds(token(kept)));
            let given: Vec<u32> = (0..answers).map(|_| { made += 1; made }).collect();
            for new in &given {
                known = known.given_for(token(kept), token(*new));
            }
            prop_assert!(dead.iter().all(|old| !known.holds(token(*old))));
            // Or no response arrives.
            if let Some(arrived) = given.get(usize::from(keeps)) {
                let lost = given.iter().filter(|other| *other != arrived);
                dead.extend(lost.chain([&kept]));
                kept = *arrived;
                dead.retain(|old| !known.holds(token(*old)));
            }
        }
    }

    #[test]
    fn reading_a_token_never_panics(text: String) {
        let _ = DeviceToken::parse(&text);
    }
}
