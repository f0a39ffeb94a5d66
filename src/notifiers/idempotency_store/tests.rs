//! Tests of what is sent, what is not sent again, and what is kept.

use super::{
    DATABASE, IdempotencyFileError, IdempotencyStore, IdempotencyStoreError,
    IdempotencyStoreOpenError, ReservationResult,
};
use crate::{
    outcome::{SendFailure, SendOutcome},
    parsed_message::{IdentifiedMessage, ParsedMessage, RetrySafety},
};
use countersign_domain::value::time::Timestamp;
use countersign_proto::notifier::RefusalReason;
use countersign_transport::system::SystemEntropy;
use rusqlite::Connection;
use tempfile::TempDir;

const NOW: Timestamp = Timestamp::from_millis(1_780_000_000_000);

fn filed(key: u8, mark: u8, kind: RetrySafety) -> IdentifiedMessage {
    IdentifiedMessage {
        letter: ParsedMessage {
            kind,
            ..ParsedMessage::example()
        },
        tag: [key; 16],
        mark: [mark; 16],
    }
}

async fn open(folder: &TempDir) -> IdempotencyStore {
    IdempotencyStore::open(folder.path(), &SystemEntropy)
        .await
        .unwrap()
}

/// Changes the file through a separate connection.
fn tamper(folder: &TempDir, statements: &str) {
    let file = Connection::open(folder.path().join(DATABASE)).unwrap();
    file.execute_batch(statements).unwrap();
}

fn taken() -> SendOutcome {
    SendOutcome::Taken {
        provider_id: "id-1".to_owned(),
    }
}

#[tokio::test]
async fn what_was_concluded_is_told_again_also_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let idempotency_store = open(&folder).await;
    let outcomes = [
        taken(),
        SendOutcome::Refused(RefusalReason::OptedOut),
        SendOutcome::Refused(RefusalReason::InvalidDestination),
    ];
    for (key, sent) in (1..).zip(&outcomes) {
        let filed = filed(key, 0, RetrySafety::Code);
        assert_eq!(
            idempotency_store.begin(&filed, NOW).await.unwrap(),
            ReservationResult::Now
        );
        idempotency_store
            .conclude(&filed.tag, sent, NOW)
            .await
            .unwrap();
    }
    drop(idempotency_store);
    let idempotency_store = open(&folder).await;
    for (key, sent) in (1..).zip(outcomes) {
        let again = idempotency_store
            .begin(&filed(key, 0, RetrySafety::Code), NOW)
            .await
            .unwrap();
        assert_eq!(again, ReservationResult::Before(sent));
    }
}

#[tokio::test]
async fn what_was_not_taken_is_sent_again_and_may_be_another_message() {
    let folder = TempDir::new().unwrap();
    let idempotency_store = open(&folder).await;
    let first = filed(1, 0, RetrySafety::Code);
    assert_eq!(
        idempotency_store.begin(&first, NOW).await.unwrap(),
        ReservationResult::Now
    );
    let failed = SendOutcome::Failed(SendFailure::Connection);
    idempotency_store
        .conclude(&first.tag, &failed, NOW)
        .await
        .unwrap();
    let other = filed(1, 9, RetrySafety::Code);
    assert_eq!(
        idempotency_store.begin(&other, NOW).await.unwrap(),
        ReservationResult::Now
    );
    idempotency_store
        .conclude(&other.tag, &taken(), NOW)
        .await
        .unwrap();
    let again = idempotency_store.begin(&first, NOW).await.unwrap();
    assert_eq!(again, ReservationResult::AnotherMessage);
}

#[tokio::test]
async fn of_what_is_in_doubt_only_a_notice_is_sent_again() {
    let folder = TempDir::new().unwrap();
    let idempotency_store = open(&folder).await;
    for (key, kind, expected) in [
        (1, RetrySafety::Code, ReservationResult::InDoubt),
        (2, RetrySafety::Notice, ReservationResult::Now),
    ] {
        let begun = filed(key, 0, kind);
        assert_eq!(
            idempotency_store.begin(&begun, NOW).await.unwrap(),
            ReservationResult::Now
        );
        assert_eq!(
            idempotency_store.begin(&begun, NOW).await.unwrap(),
            expected,
            "begun"
        );
        let doubt = SendOutcome::InDoubt(SendFailure::Timeout);
        idempotency_store
            .conclude(&begun.tag, &doubt, NOW)
            .await
            .unwrap();
        assert_eq!(
            idempotency_store.begin(&begun, NOW).await.unwrap(),
            expected,
            "in doubt"
        );
        let other = idempotency_store
            .begin(&filed(key, 9, kind), NOW)
            .await
            .unwrap();
        assert_eq!(other, ReservationResult::AnotherMessage);
    }
}

#[tokio::test]
async fn only_what_is_old_is_forgotten() {
    let folder = TempDir::new().unwrap();
    let idempotency_store = open(&folder).await;
    let later = Timestamp::from_millis(NOW.millis() + 1000);
    for (key, at) in [(1, NOW), (2, later)] {
        let filed = filed(key, 0, RetrySafety::Code);
        idempotency_store.begin(&filed, at).await.unwrap();
        idempotency_store
            .conclude(&filed.tag, &taken(), at)
            .await
            .unwrap();
    }
    assert_eq!(idempotency_store.purge(later).await.unwrap(), 1);
    let first = idempotency_store
        .begin(&filed(1, 0, RetrySafety::Code), later)
        .await
        .unwrap();
    assert_eq!(first, ReservationResult::Now);
    let second = idempotency_store
        .begin(&filed(2, 0, RetrySafety::Code), later)
        .await
        .unwrap();
    assert_eq!(second, ReservationResult::Before(taken()));
}

#[tokio::test]
async fn one_process_has_a_idempotency_store_and_its_key_stays() {
    let folder = TempDir::new().unwrap();
    let idempotency_store = open(&folder).await;
    let tag = idempotency_store.key().tag([b"x".as_slice()]);
    let second = IdempotencyStore::open(folder.path(), &SystemEntropy).await;
    assert!(matches!(second, Err(IdempotencyStoreOpenError::InUse(_))));
    drop(idempotency_store);
    assert_eq!(open(&folder).await.key().tag([b"x".as_slice()]), tag);
    std::fs::write(folder.path().join(super::KEY), "nonsense").unwrap();
    let broken = IdempotencyStore::open(folder.path(), &SystemEntropy).await;
    assert!(matches!(broken, Err(IdempotencyStoreOpenError::Key(_))));
}

#[tokio::test]
async fn what_is_acknowledged_is_flushed_to_the_disk() {
    let folder = TempDir::new().unwrap();
    let idempotency_store = open(&folder).await;
    let database = idempotency_store.database.lock().await;
    let pragma = |name: &str| database.pragma_query_value(None, name, |row| row.get(0));
    let journal_mode: String = pragma("journal_mode").unwrap();
    let synchronous = database.pragma_query_value(None, "synchronous", |row| row.get(0));
    assert_eq!(
        (journal_mode.as_str(), synchronous.unwrap()),
        ("wal", 2),
        "2 is FULL"
    );
}

#[tokio::test]
async fn what_can_not_be_noted_before_is_not_started() {
    let folder = TempDir::new().unwrap();
    let idempotency_store = open(&folder).await;
    tamper(
        &folder,
        "CREATE TRIGGER full BEFORE INSERT ON messages BEGIN SELECT RAISE(ABORT, 'full'); END",
    );
    let code = filed(1, 0, RetrySafety::Code);
    let refused = idempotency_store.begin(&code, NOW).await;
    assert!(matches!(refused, Err(IdempotencyStoreError::Sqlite(_))));
    tamper(&folder, "DROP TRIGGER full");
    assert_eq!(
        idempotency_store.begin(&code, NOW).await.unwrap(),
        ReservationResult::Now
    );
}

#[tokio::test]
async fn what_can_not_be_noted_after_stays_in_doubt_also_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let idempotency_store = open(&folder).await;
    let code = filed(1, 0, RetrySafety::Code);
    assert_eq!(
        idempotency_store.begin(&code, NOW).await.unwrap(),
        ReservationResult::Now
    );
    tamper(
        &folder,
        "CREATE TRIGGER full BEFORE UPDATE ON messages BEGIN SELECT RAISE(ABORT, 'full'); END",
    );
    let lost = idempotency_store.conclude(&code.tag, &taken(), NOW).await;
    assert!(matches!(lost, Err(IdempotencyStoreError::Sqlite(_))));
    tamper(&folder, "DROP TRIGGER full");
    assert_eq!(
        idempotency_store.begin(&code, NOW).await.unwrap(),
        ReservationResult::InDoubt
    );
    drop(idempotency_store);
    let idempotency_store = open(&folder).await;
    assert_eq!(
        idempotency_store.begin(&code, NOW).await.unwrap(),
        ReservationResult::InDoubt
    );
}

#[tokio::test]
async fn a_panic_in_the_middle_of_a_note_undoes_it_and_nothing_else() {
    let folder = TempDir::new().unwrap();
    let idempotency_store = open(&folder).await;
    let panics = idempotency_store.with::<()>(|database| {
        let transaction = database.transaction()?;
        transaction.execute(super::RESERVE, ([1; 16], [0; 16], NOW.millis()))?;
        panic!("a test panics");
    });
    assert!(matches!(
        panics.await,
        Err(IdempotencyStoreError::Thread(_))
    ));
    let code = filed(1, 0, RetrySafety::Code);
    assert_eq!(
        idempotency_store.begin(&code, NOW).await.unwrap(),
        ReservationResult::Now
    );
}

#[tokio::test]
async fn the_file_of_an_earlier_version_is_used_on_and_one_of_a_newer_version_refused() {
    let folder = TempDir::new().unwrap();
    let idempotency_store = open(&folder).await;
    let code = filed(1, 0, RetrySafety::Code);
    idempotency_store.begin(&code, NOW).await.unwrap();
    idempotency_store
        .conclude(&code.tag, &taken(), NOW)
        .await
        .unwrap();
    drop(idempotency_store);
    // Earlier versions kept no record of migrations.
    tamper(&folder, "DROP TABLE refinery_schema_history");
    let idempotency_store = open(&folder).await;
    let again = idempotency_store.begin(&code, NOW).await.unwrap();
    assert_eq!(again, ReservationResult::Before(taken()));
    drop(idempotency_store);
    tamper(
        &folder,
        "INSERT INTO refinery_schema_history SELECT version + 98, 'newer', applied_on, checksum \
         FROM refinery_schema_history",
    );
    let newer = IdempotencyStore::open(folder.path(), &SystemEntropy).await;
    let refused = matches!(
        newer,
        Err(IdempotencyStoreOpenError::File(
            _,
            IdempotencyFileError::Migration(_)
        ))
    );
    assert!(refused);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join(DATABASE), "no database ".repeat(100)).unwrap();
    let refused = IdempotencyStore::open(folder.path(), &SystemEntropy).await;
    assert!(matches!(
        refused,
        Err(IdempotencyStoreOpenError::File(
            _,
            IdempotencyFileError::Sqlite(_)
        ))
    ));
}
