//! The very bytes that are stored. Where one of these tests fails, rows that are stored already may not be read any more:
//! add fields, or raise the form, but never let a line change that a released version writes.

use super::*;
use countersign_domain::{
    account::change::{CreatedResource, IdempotencyRecord, UnapprovedEnding},
    challenge::verdict::ChallengeOutcome,
    value::{id::SubjectTag, idempotency_key::IdempotencyKey},
};
use data_encoding::HEXLOWER;

/// A name and the bytes in hexadecimal, one a line.
const GOLDEN: &str = include_str!("golden.txt");

fn golden(name: &str) -> Vec<u8> {
    let mut lines = GOLDEN.lines().filter_map(|line| line.split_once(": "));
    let line = lines.find(|(of, _)| *of == name);
    let (_, hex) = line.unwrap_or_else(|| panic!("{name} is not in golden.txt"));
    HEXLOWER.decode(hex.as_bytes()).unwrap()
}

#[track_caller]
fn assert_golden(name: &str, bytes: &[u8]) {
    assert_eq!(
        HEXLOWER.encode(bytes),
        HEXLOWER.encode(&golden(name)),
        "{name}"
    );
}

fn endings() -> Vec<(&'static str, ChallengeOutcome)> {
    let by =
        |purpose, answered_by| ChallengeOutcome::Approved(Box::new(approval(purpose, answered_by)));
    let change = ApprovedPurpose::Change {
        action: "remove_method".to_owned(),
    };
    vec![
        (
            "ending sign-in",
            by(ApprovedPurpose::SignIn, AnsweredBy::RecoveryCode),
        ),
        (
            "ending step-up",
            ChallengeOutcome::Approved(Box::new(step_up())),
        ),
        (
            "ending verification",
            by(
                ApprovedPurpose::VerifyEmail,
                AnsweredBy::Code(MethodKind::Email),
            ),
        ),
        (
            "ending enrollment",
            by(
                ApprovedPurpose::Enrollment,
                AnsweredBy::Code(MethodKind::Sms),
            ),
        ),
        (
            "ending reset",
            by(ApprovedPurpose::Reset, AnsweredBy::BypassCode),
        ),
        ("ending change", by(change, AnsweredBy::Password)),
        (
            "ending recovery key",
            by(ApprovedPurpose::SignIn, AnsweredBy::RecoveryKey),
        ),
        (
            "ending exhausted",
            ChallengeOutcome::Without(UnapprovedEnding::Exhausted),
        ),
        (
            "ending canceled",
            ChallengeOutcome::Without(UnapprovedEnding::Canceled),
        ),
        (
            "ending superseded",
            ChallengeOutcome::Without(UnapprovedEnding::Superseded),
        ),
    ]
}

fn idempotency_records() -> Vec<(&'static str, IdempotencyRecord)> {
    let idempotency_record = |created| IdempotencyRecord {
        idempotency_key: IdempotencyKey {
            key_digest: [1; 16],
            request_fingerprint: [2; 16],
        },
        created,
        answer: None,
        at: NOW,
    };
    let with_answer = IdempotencyRecord {
        answer: Some(sealed_bytes(60)),
        ..idempotency_record(CreatedResource::Challenge(test_id(80)))
    };
    vec![
        (
            "idempotency nothing",
            idempotency_record(CreatedResource::Nothing),
        ),
        ("idempotency challenge", with_answer),
        (
            "idempotency method",
            idempotency_record(CreatedResource::Method(test_id(81))),
        ),
        (
            "idempotency token",
            idempotency_record(CreatedResource::TokenOf(test_id(82))),
        ),
    ]
}

#[test]
fn an_account_is_stored_in_the_golden_bytes() {
    let account = representative();
    let record = stored_account(&account);
    assert_golden("account", &record.encode_to_vec());
    let stored = pb::AccountRecord::decode(golden("account").as_slice()).unwrap();
    assert_eq!(read(&stored, &stored_profile(&account)), Ok(account));
}

#[test]
fn a_profile_is_stored_in_the_golden_bytes() {
    let account = representative();
    let profile = stored_profile(&account);
    assert_golden("profile", &profile.encode_to_vec());
    let stored = pb::AccountProfile::decode(golden("profile").as_slice()).unwrap();
    assert_eq!(read(&stored_account(&account), &stored), Ok(account));
}

#[test]
fn endings_are_stored_in_the_golden_bytes() {
    let caller = CallerName::new("portal");
    for (name, ended) in endings() {
        let stored = ending::stored_ending(&caller, NOW, &ended);
        assert_golden(name, &stored.encode_to_vec());
        let stored = pb::ChallengeEnding::decode(golden(name).as_slice()).unwrap();
        assert_eq!(ending::ended(&jane(), stored), Ok((caller.clone(), ended)));
    }
}

#[test]
fn idempotency_records_are_stored_in_the_golden_bytes() {
    for (name, idempotency_record) in idempotency_records() {
        let row = idempotency::row(&idempotency_record, SubjectTag([3; 16]));
        assert_golden(name, &row.record);
        assert_eq!(
            row.key_digest,
            idempotency_record.idempotency_key.key_digest
        );
        assert_eq!(row.has_answer, idempotency_record.answer.is_some());
        let read = idempotency_record_from_row("test", row.key_digest, &golden(name));
        assert_eq!(read.unwrap(), idempotency_record);
    }
}

#[test]
fn an_idempotency_record_of_a_newer_version_is_refused() {
    let unknown_field = [0x7a, 1, 0];
    let record = [golden("idempotency nothing"), unknown_field.to_vec()].concat();
    let refused = idempotency_record_from_row("test", [1; 16], &record).unwrap_err();
    assert_eq!(refused.cause.to_string(), InvalidRow::Newer.to_string());
}

#[test]
fn the_keys_in_use_are_stored_in_the_golden_bytes() {
    let key = pb::KeyInUse {
        canary: vec![1, 2, 3],
        active_at_millis: 1,
    };
    let in_use = pb::KeysInUse { keys: vec![key] };
    assert_golden("keys in use", &in_use.encode_to_vec());
    let stored = pb::KeysInUse::decode(golden("keys in use").as_slice()).unwrap();
    assert_eq!(stored, in_use);
}
