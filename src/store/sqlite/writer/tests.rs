//! Batches of real changes on the real tables, and what becomes of a member that is refused or meets a full disk.

use super::*;
use crate::{
    crypto::KeyRing,
    ports::CommitResult,
    store::{
        record::{OperationOutcome, RecordSealing, StoreOperation},
        sqlite::{operations, schema},
    },
};
use countersign_domain::{
    account::change::{
        AccountChange, AccountWriteOp, ChangeBase, ConsumedProof, CreatedResource,
        IdempotencyRecord,
    },
    audit_event::{AuditDetails, AuditEvent, AuditEventKind},
    authorization::caller::CallerName,
    value::{
        epoch::Epoch,
        id::{Id, Subject, SubjectTag, TenantId, UserId},
        idempotency_key::IdempotencyKey,
        secret::SealedBytes,
        time::Timestamp,
    },
};
use countersign_transport::system::SystemEntropy;
use std::sync::Arc;
use tempfile::TempDir;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// The attestation with which the disk is full.
const FULL: &str = "full";

/// What keeps a member from harming the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SavepointUse {
    Sound,
    /// What a member wrote before it was refused stays.
    WithoutSavepoints,
    /// The end of the transaction goes unnoticed: the next statement begins another.
    MissesTheEnd,
}

/// The change that makes a user, on the strength of an attestation.
fn new_user(user: u8, attestation: &str) -> AccountChange {
    let subject = Subject {
        tenant: TenantId::parse("acme").unwrap(),
        user: UserId::parse(&format!("user-{user}")).unwrap(),
    };
    let tag = SubjectTag([user; 16]);
    AccountChange {
        base: ChangeBase::Absent,
        epoch: Epoch::first(1),
        now: NOW,
        consumed_proofs: vec![ConsumedProof::Attestation(
            CallerName::new("portal"),
            attestation.to_owned(),
        )],
        writes: vec![
            AccountWriteOp::UserKey(SealedBytes::from_bytes(vec![1])),
            AccountWriteOp::Profile {
                profile: SealedBytes::from_bytes(vec![2]),
                email_verified: false,
                email_version: 0,
                email_tag: None,
                email_since: None,
            },
        ],
        event: AuditEvent {
            id: Id::from_bytes([user; 16]),
            tenant: subject.tenant.clone(),
            subject: tag,
            kind: AuditEventKind::UserUpserted,
            caller: CallerName::new("portal"),
            at: NOW,
            details: AuditDetails::none(),
            personal: SealedBytes::from_bytes(vec![3]),
        },
        notices: Vec::new(),
        idempotency_record: Some(IdempotencyRecord {
            idempotency_key: IdempotencyKey {
                key_digest: [user; 16],
                request_fingerprint: [1; 16],
            },
            created: CreatedResource::Nothing,
            answer: None,
            at: NOW,
        }),
        subject,
    }
}

fn work(
    db: &Connection,
    operation: &StoreOperation,
    sealing: &RecordSealing,
    writer: SavepointUse,
) -> JobResult<OperationOutcome> {
    let done = operations::run(db, operation, sealing);
    match writer {
        SavepointUse::WithoutSavepoints => db.execute_batch("RELEASE member; SAVEPOINT member")?,
        SavepointUse::MissesTheEnd if db.is_autocommit() => {
            db.execute_batch("BEGIN IMMEDIATE; SAVEPOINT member")?;
        }
        SavepointUse::Sound | SavepointUse::MissesTheEnd => {}
    }
    done
}

/// Writes users in one batch, each by an attestation; what each was told, and how many calls
/// are on record as done.
fn write_users(
    attestations: &[&str],
    writer: SavepointUse,
) -> (Vec<StoreResult<OperationOutcome>>, i64) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("test.db");
    schema::migrate(&file).unwrap();
    let db = connection::open_writer(&file).unwrap();
    let disk_full = format!(
        "CREATE TRIGGER disk_full BEFORE INSERT ON attestations WHEN NEW.attestation_id = '{FULL}'
         BEGIN SELECT RAISE(ROLLBACK, 'database or disk is full'); END"
    );
    db.execute_batch(&disk_full).unwrap();
    let ring = KeyRing::parse(&KeyRing::new_text(&SystemEntropy)).unwrap();
    let sealing = RecordSealing::new(Arc::new(ring), Arc::new(SystemEntropy));
    let (mut jobs, mut answers): (Vec<Box<dyn WriteJob>>, _) = (Vec::new(), Vec::new());
    for (user, attestation) in (1..).zip(attestations) {
        let change = new_user(user, attestation);
        let operation = StoreOperation::change(Arc::new(change), &sealing);
        let sealing = sealing.clone();
        let (answer, answered) = oneshot::channel();
        jobs.push(Box::new(WriterTask {
            work: Some(move |db: &Connection| work(db, &operation, &sealing, writer)),
            result: None,
            answer,
        }));
        answers.push(answered);
    }
    write_batch(&db, jobs);
    let answers = answers
        .into_iter()
        .map(|mut answer| answer.try_recv().unwrap());
    let answers = answers.collect();
    drop(db);
    let db = connection::open_reader(&file).unwrap();
    let done = "SELECT count(*) FROM idempotency_records";
    let done = db.query_row(done, (), |row| row.get(0));
    (answers, done.unwrap())
}

fn acknowledged(answers: &[StoreResult<OperationOutcome>]) -> i64 {
    let done = answers
        .iter()
        .filter(|answer| matches!(answer, Ok(OperationOutcome::Change(CommitResult::Done))));
    i64::try_from(done.count()).unwrap()
}

#[test]
fn a67_a_member_that_is_refused_leaves_nothing_in_its_batch() {
    let (answers, done) = write_users(&["one", "one", "two"], SavepointUse::Sound);
    let expected = [
        CommitResult::Done,
        CommitResult::ProofSpent,
        CommitResult::Done,
    ];
    for (answer, expected) in answers.into_iter().zip(expected) {
        assert_eq!(answer.unwrap(), OperationOutcome::Change(expected));
    }
    assert_eq!(done, 2);
}

#[test]
fn a67_without_savepoints_a_refused_member_is_written_control() {
    let (answers, done) = write_users(&["one", "one", "two"], SavepointUse::WithoutSavepoints);
    assert_eq!((acknowledged(&answers), done), (2, 3));
}

#[test]
fn a65_nobody_is_acknowledged_whose_transaction_ended_early() {
    let (answers, done) = write_users(&["one", FULL, "two"], SavepointUse::Sound);
    assert!(answers.iter().all(Result::is_err), "{answers:?}");
    assert_eq!(done, 0);
}

#[test]
fn a65_a_writer_that_misses_the_end_acknowledges_what_is_lost_control() {
    let (answers, done) = write_users(&["one", FULL, "two"], SavepointUse::MissesTheEnd);
    assert_eq!((acknowledged(&answers), done), (2, 1));
}
