//! Batches of real changes on the real tables, and what becomes of a member that is refused or meets a full disk.

use super::*;
use crate::{
    crypto::KeyRing,
    ports::Committed,
    store::{
        record::{Operation, Outcome, Sealing},
        sqlite::{operations, schema},
    },
    system::SystemEntropy,
};
use countersign_domain::{
    caller::CallerName,
    change::{Base, Change, Made, Receipt, Spend, Write},
    epoch::Epoch,
    event::{Event, EventKind, Facts},
    id::{Id, Subject, SubjectTag, TenantId, UserId},
    request::RequestMark,
    secret::Sealed,
    time::Timestamp,
};
use std::sync::Arc;
use tempfile::TempDir;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// The attestation with which the disk is full.
const FULL: &str = "full";

/// What keeps a member from harming the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writer {
    Sound,
    /// What a member wrote before it was refused stays.
    WithoutSavepoints,
    /// The end of the transaction goes unnoticed: the next statement begins another.
    MissesTheEnd,
}

/// The change that makes a user, on the strength of an attestation.
fn new_user(user: u8, attestation: &str) -> Change {
    let subject = Subject {
        tenant: TenantId::parse("acme").unwrap(),
        user: UserId::parse(&format!("user-{user}")).unwrap(),
    };
    let tag = SubjectTag([user; 16]);
    Change {
        base: Base::Absent,
        epoch: Epoch::first(1),
        now: NOW,
        spends: vec![Spend::Attestation(
            CallerName::new("portal"),
            attestation.to_owned(),
        )],
        writes: vec![
            Write::UserKey(Sealed::from_bytes(vec![1])),
            Write::Profile {
                profile: Sealed::from_bytes(vec![2]),
                email_verified: false,
                email_version: 0,
                email_tag: None,
                email_since: None,
            },
        ],
        event: Event {
            id: Id::from_bytes([user; 16]),
            tenant: subject.tenant.clone(),
            subject: tag,
            kind: EventKind::UserUpserted,
            caller: CallerName::new("portal"),
            at: NOW,
            facts: Facts::none(),
            personal: Sealed::from_bytes(vec![3]),
        },
        notices: Vec::new(),
        receipt: Some(Receipt {
            mark: RequestMark {
                tag: [user; 16],
                payload: [1; 16],
            },
            made: Made::Nothing,
            answer: None,
            at: NOW,
        }),
        subject,
    }
}

fn work(
    db: &Connection,
    operation: &Operation,
    sealing: &Sealing,
    writer: Writer,
) -> JobResult<Outcome> {
    let done = operations::run(db, operation, sealing);
    match writer {
        Writer::WithoutSavepoints => db.execute_batch("RELEASE member; SAVEPOINT member")?,
        Writer::MissesTheEnd if db.is_autocommit() => {
            db.execute_batch("BEGIN IMMEDIATE; SAVEPOINT member")?;
        }
        Writer::Sound | Writer::MissesTheEnd => {}
    }
    done
}

/// Writes users in one batch, each by an attestation; what each was told, and how many calls
/// are on record as done.
fn write_users(attestations: &[&str], writer: Writer) -> (Vec<Stored<Outcome>>, i64) {
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
    let sealing = Sealing::new(Arc::new(ring), Arc::new(SystemEntropy));
    let (mut jobs, mut answers): (Vec<Box<dyn Job>>, _) = (Vec::new(), Vec::new());
    for (user, attestation) in (1..).zip(attestations) {
        let change = new_user(user, attestation);
        let operation = Operation::change(Arc::new(change), &sealing);
        let sealing = sealing.clone();
        let (answer, answered) = oneshot::channel();
        jobs.push(Box::new(Task {
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

fn acknowledged(answers: &[Stored<Outcome>]) -> i64 {
    let done = answers
        .iter()
        .filter(|answer| matches!(answer, Ok(Outcome::Change(Committed::Done))));
    i64::try_from(done.count()).unwrap()
}

#[test]
fn a67_a_member_that_is_refused_leaves_nothing_in_its_batch() {
    let (answers, done) = write_users(&["one", "one", "two"], Writer::Sound);
    let expected = [Committed::Done, Committed::ProofSpent, Committed::Done];
    for (answer, expected) in answers.into_iter().zip(expected) {
        assert_eq!(answer.unwrap(), Outcome::Change(expected));
    }
    assert_eq!(done, 2);
}

#[test]
fn a67_without_savepoints_a_refused_member_is_written_control() {
    let (answers, done) = write_users(&["one", "one", "two"], Writer::WithoutSavepoints);
    assert_eq!((acknowledged(&answers), done), (2, 3));
}

#[test]
fn a65_nobody_is_acknowledged_whose_transaction_ended_early() {
    let (answers, done) = write_users(&["one", FULL, "two"], Writer::Sound);
    assert!(answers.iter().all(Result::is_err), "{answers:?}");
    assert_eq!(done, 0);
}

#[test]
fn a65_a_writer_that_misses_the_end_acknowledges_what_is_lost_control() {
    let (answers, done) = write_users(&["one", FULL, "two"], Writer::MissesTheEnd);
    assert_eq!((acknowledged(&answers), done), (2, 1));
}
