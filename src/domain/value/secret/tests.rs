use super::*;
use crate::fixtures::{assert_all_differ, id, jane, properties, subject};
use proptest::prelude::*;

fn mac(key: u8, fields: &[&[u8]]) -> [u8; 32] {
    MacKey::new([key; 32]).mac(fields.iter().copied())
}

fn some_fields() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(0..3_u8, 0..6), 0..4)
}

fn joined(fields: &[Vec<u8>]) -> Vec<u8> {
    length_prefixed(fields.iter().map(Vec::as_slice))
}

#[test]
fn fields_are_joined_with_their_lengths() {
    assert_eq!(
        length_prefixed([b"ab".as_slice(), b""]),
        [0, 0, 0, 2, b'a', b'b', 0, 0, 0, 0]
    );
}

/// The expected value comes from another implementation of HMAC-SHA-256.
#[test]
fn a_mac_is_the_one_that_any_other_process_would_make() {
    let expected = "6f4a7bac82de33e991ed8642163b7130f0b6fe18a7f7750e9617bce31abdc596";
    let made = mac(7, &[b"ab", b"c"]);
    assert_eq!(data_encoding::HEXLOWER.encode(&made), expected);
}

#[test]
fn a_mac_changes_with_the_borders_between_its_fields() {
    let split: [&[&[u8]]; 6] = [
        &[b"ab", b"c"],
        &[b"a", b"bc"],
        &[b"abc"],
        &[b"abc", b""],
        &[b"", b"abc"],
        &[b"a", b"b", b"c"],
    ];
    assert_all_differ(split.map(|fields| mac(7, fields)));
}

#[test]
fn a_mac_changes_with_its_key() {
    assert_ne!(mac(7, &[b"abc"]), mac(8, &[b"abc"]));
}

#[test]
fn a_tag_is_the_first_half_of_the_mac() {
    let tag = MacKey::new([7; 32]).tag([b"abc".as_slice()]);
    assert_eq!(tag, mac(7, &[b"abc"])[..16]);
}

#[test]
fn a_ciphertext_is_bound_to_one_purpose_and_all_that_this_names() {
    let (jane, john) = (jane(), subject("acme", "john"));
    let (other_tenant, moved) = (subject("acme2", "jane"), subject("acmej", "ane"));
    let mut bound = Vec::new();
    for who in [&jane, &john, &other_tenant, &moved] {
        bound.extend([
            SealingContext::Profile(who),
            SealingContext::UserKey(who),
            SealingContext::Method(who, id(1), 1),
            SealingContext::Method(who, id(1), 2),
            SealingContext::Method(who, id(2), 1),
        ]);
    }
    for who in [SubjectTag([1; 16]), SubjectTag([2; 16])] {
        bound.extend([
            SealingContext::Challenge(who, id(1)),
            SealingContext::Challenge(who, id(2)),
            SealingContext::IdempotencyRecord(who, [1; 16]),
            SealingContext::IdempotencyRecord(who, [2; 16]),
            SealingContext::Notice(who, id(1)),
            SealingContext::Notice(who, id(2)),
        ]);
    }
    for tenant in [&jane.tenant, &other_tenant.tenant] {
        bound.push(SealingContext::TenantKey(tenant));
    }
    assert_all_differ(bound.iter().map(SealingContext::associated_data));
}

#[test]
fn a_ciphertext_is_bound_to_the_same_each_time() {
    let jane = jane();
    let bound = || SealingContext::Method(&jane, id(1), 1).associated_data();
    assert_eq!(bound(), bound());
}

#[test]
fn secrets_print_nothing() {
    assert_eq!(format!("{:?}", SecretBytes::new(vec![1, 2])), "[redacted]");
    assert_eq!(format!("{:?}", MacKey::new([1; 32])), "MacKey([redacted])");
    assert_eq!(
        format!("{:?}", SealedBytes::from_bytes(vec![1, 2])),
        "Sealed(2 bytes)"
    );
}

proptest! {
    #![proptest_config(properties(1024))]

    #[test]
    fn no_two_lists_of_fields_are_joined_alike(one in some_fields(), other in some_fields()) {
        prop_assert_eq!(joined(&one) == joined(&other), one == other);
    }
}
