use super::*;
use crate::fixtures::{assert_all_differ, properties};
use proptest::prelude::*;

fn stored() -> StoredAuditEvent {
    StoredAuditEvent {
        row: 17,
        id: vec![1; 16],
        tenant: "acme".to_owned(),
        subject: vec![2; 16],
        kind: "METHOD_ADDED".to_owned(),
        caller: "portal".to_owned(),
        at: 1_800_000_000_000,
        details: "kind=TOTP".to_owned(),
        personal: vec![9],
    }
}

fn changed(change: impl FnOnce(&mut StoredAuditEvent)) -> StoredAuditEvent {
    let mut event = stored();
    change(&mut event);
    event
}

fn hash_of(event: &StoredAuditEvent) -> [u8; 32] {
    ChainHead::EMPTY.after(event).hash
}

const ALL_KINDS: [AuditEventKind; 31] = [
    AuditEventKind::UserUpserted,
    AuditEventKind::UserDeleted,
    AuditEventKind::SignInAllowed,
    AuditEventKind::ChallengeApproved,
    AuditEventKind::ChallengeRejected,
    AuditEventKind::ChallengeCanceled,
    AuditEventKind::EnrollmentStarted,
    AuditEventKind::MethodAdded,
    AuditEventKind::MethodReplaced,
    AuditEventKind::MethodRenamed,
    AuditEventKind::DefaultChanged,
    AuditEventKind::MethodRemoved,
    AuditEventKind::RecoveryCodesGenerated,
    AuditEventKind::PolicyUpdated,
    AuditEventKind::RecoveryCodesConfirmed,
    AuditEventKind::ResetStarted,
    AuditEventKind::ResetCodeMailed,
    AuditEventKind::ResetCanceled,
    AuditEventKind::ResetConfirmed,
    AuditEventKind::UserReset,
    AuditEventKind::UserUnlocked,
    AuditEventKind::BypassCodeIssued,
    AuditEventKind::ChangeReverted,
    AuditEventKind::TwoFactorDisabled,
    AuditEventKind::UserExported,
    AuditEventKind::DeviceTrusted,
    AuditEventKind::DeviceRenamed,
    AuditEventKind::DeviceRevoked,
    AuditEventKind::AllDevicesRevoked,
    AuditEventKind::DeviceDisowned,
    AuditEventKind::DeviceTokenReused,
];

/// Calculated by hand: SHA-256 of the length-prefixed fields.
#[test]
fn a_chain_can_be_verified_by_anyone() {
    let head = ChainHead::EMPTY.after(&stored());
    assert_eq!(
        data_encoding::HEXLOWER.encode(&head.hash),
        "ff715ed28732e24330b680171279379cae8d063d5dc6e36c086665a9d7e0f46c"
    );
}

#[test]
fn events_are_numbered_from_one() {
    let first = ChainHead::EMPTY.after(&stored());
    assert_eq!(first.sequence, 1);
    assert_eq!(first.after(&stored()).sequence, 2);
}

#[test]
fn a_head_changes_with_each_field_of_its_event() {
    let events = [
        stored(),
        changed(|event| event.id[15] = 0),
        changed(|event| event.tenant = "acme2".to_owned()),
        changed(|event| event.subject[0] = 0),
        changed(|event| event.kind = "METHOD_REMOVED".to_owned()),
        changed(|event| event.caller = "shop".to_owned()),
        changed(|event| event.at += 1),
        changed(|event| event.details.push('X')),
        changed(|event| event.personal.push(0)),
        changed(|event| event.personal.clear()),
    ];
    assert_all_differ(events.iter().map(hash_of));
}

#[test]
fn a_head_changes_when_text_moves_from_one_field_to_the_next() {
    let moved = changed(|event| {
        event.kind = "METHOD_ADDEDp".to_owned();
        event.caller = "ortal".to_owned();
    });
    assert_ne!(hash_of(&moved), hash_of(&stored()));
}

#[test]
fn a_head_changes_with_all_that_came_before() {
    let after_another = ChainHead {
        hash: [1; 32],
        ..ChainHead::EMPTY
    };
    let later = ChainHead {
        sequence: 5,
        ..ChainHead::EMPTY
    };
    let heads = [ChainHead::EMPTY, after_another, later];
    assert_all_differ(heads.map(|head| head.after(&stored()).hash));
}

#[test]
fn two_events_in_another_order_make_another_chain() {
    let (one, two) = (stored(), changed(|event| event.at += 1));
    let in_order = ChainHead::EMPTY.after(&one).after(&two);
    let in_reverse = ChainHead::EMPTY.after(&two).after(&one);
    assert_ne!(in_order.hash, in_reverse.hash);
}

/// Row numbers have gaps where a transaction was rolled back; the sequence has none.
#[test]
fn the_row_is_the_stores_own_affair() {
    let elsewhere = changed(|event| event.row = 18);
    assert_eq!(hash_of(&elsewhere), hash_of(&stored()));
}

#[test]
fn every_kind_of_event_has_a_name_of_its_own() {
    assert_all_differ(ALL_KINDS.map(AuditEventKind::as_str));
}

#[test]
fn no_facts_are_no_text() {
    assert_eq!(AuditDetails::none().as_str(), "");
}

#[test]
fn facts_are_pairs_with_a_space_between() {
    let details = AuditDetails::none().with("kind", "TOTP").with("left", 3);
    assert_eq!(details.as_str(), "kind=TOTP left=3");
}

#[test]
fn facts_come_back_from_a_store_as_they_went() {
    let details = AuditDetails::none().with("kind", "TOTP");
    assert_eq!(
        AuditDetails::from_stored(details.as_str().to_owned()),
        details
    );
}

proptest! {
    #![proptest_config(properties(256))]

    #[test]
    fn a_value_with_spaces_stays_one_pair(value in "[ -~]{0,20}") {
        let details = AuditDetails::none().with("one", &value).with("two", 2);
        let pairs: Vec<&str> = details.as_str().split(' ').collect();
        prop_assert_eq!(pairs, [&format!("one={}", value.replace(' ', "_")), "two=2"]);
    }
}
