//! What is sent, what is not sent again, and what is kept.

use super::{BadLedger, Begun, DATABASE, Ledger, LedgerError, OpenError};
use crate::{
    gateways::{
        letter::{Filed, Kind, Letter},
        outcome::{Sent, Trouble},
    },
    proto::notifier::RefusalReason,
    system::SystemEntropy,
};
use countersign_domain::time::Timestamp;
use rusqlite::Connection;
use tempfile::TempDir;

const NOW: Timestamp = Timestamp::from_millis(1_780_000_000_000);

fn filed(key: u8, mark: u8, kind: Kind) -> Filed {
    Filed {
        letter: Letter {
            kind,
            ..Letter::example()
        },
        tag: [key; 16],
        mark: [mark; 16],
    }
}

async fn open(folder: &TempDir) -> Ledger {
    Ledger::open(folder.path(), &SystemEntropy).await.unwrap()
}

/// Changes the file in a connection of its own.
fn tamper(folder: &TempDir, statements: &str) {
    let file = Connection::open(folder.path().join(DATABASE)).unwrap();
    file.execute_batch(statements).unwrap();
}

fn taken() -> Sent {
    Sent::Taken {
        provider_id: "id-1".to_owned(),
    }
}

#[tokio::test]
async fn what_was_concluded_is_told_again_also_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let ledger = open(&folder).await;
    let outcomes = [
        taken(),
        Sent::Refused(RefusalReason::OptedOut),
        Sent::Refused(RefusalReason::InvalidDestination),
    ];
    for (key, sent) in (1..).zip(&outcomes) {
        let filed = filed(key, 0, Kind::Code);
        assert_eq!(ledger.begin(&filed, NOW).await.unwrap(), Begun::Now);
        ledger.conclude(&filed.tag, sent, NOW).await.unwrap();
    }
    drop(ledger);
    let ledger = open(&folder).await;
    for (key, sent) in (1..).zip(outcomes) {
        let again = ledger.begin(&filed(key, 0, Kind::Code), NOW).await.unwrap();
        assert_eq!(again, Begun::Before(sent));
    }
}

#[tokio::test]
async fn what_was_not_taken_is_sent_again_and_may_be_another_message() {
    let folder = TempDir::new().unwrap();
    let ledger = open(&folder).await;
    let first = filed(1, 0, Kind::Code);
    assert_eq!(ledger.begin(&first, NOW).await.unwrap(), Begun::Now);
    let failed = Sent::Failed(Trouble::Connection);
    ledger.conclude(&first.tag, &failed, NOW).await.unwrap();
    let other = filed(1, 9, Kind::Code);
    assert_eq!(ledger.begin(&other, NOW).await.unwrap(), Begun::Now);
    ledger.conclude(&other.tag, &taken(), NOW).await.unwrap();
    let again = ledger.begin(&first, NOW).await.unwrap();
    assert_eq!(again, Begun::AnotherMessage);
}

#[tokio::test]
async fn of_what_is_in_doubt_only_a_notice_is_sent_again() {
    let folder = TempDir::new().unwrap();
    let ledger = open(&folder).await;
    for (key, kind, expected) in [
        (1, Kind::Code, Begun::InDoubt),
        (2, Kind::Notice, Begun::Now),
    ] {
        let begun = filed(key, 0, kind);
        assert_eq!(ledger.begin(&begun, NOW).await.unwrap(), Begun::Now);
        assert_eq!(ledger.begin(&begun, NOW).await.unwrap(), expected, "begun");
        let doubt = Sent::InDoubt(Trouble::Timeout);
        ledger.conclude(&begun.tag, &doubt, NOW).await.unwrap();
        assert_eq!(
            ledger.begin(&begun, NOW).await.unwrap(),
            expected,
            "in doubt"
        );
        let other = ledger.begin(&filed(key, 9, kind), NOW).await.unwrap();
        assert_eq!(other, Begun::AnotherMessage);
    }
}

#[tokio::test]
async fn only_what_is_old_is_forgotten() {
    let folder = TempDir::new().unwrap();
    let ledger = open(&folder).await;
    let later = Timestamp::from_millis(NOW.millis() + 1000);
    for (key, at) in [(1, NOW), (2, later)] {
        let filed = filed(key, 0, Kind::Code);
        ledger.begin(&filed, at).await.unwrap();
        ledger.conclude(&filed.tag, &taken(), at).await.unwrap();
    }
    assert_eq!(ledger.sweep(later).await.unwrap(), 1);
    let first = ledger.begin(&filed(1, 0, Kind::Code), later).await.unwrap();
    assert_eq!(first, Begun::Now);
    let second = ledger.begin(&filed(2, 0, Kind::Code), later).await.unwrap();
    assert_eq!(second, Begun::Before(taken()));
}

#[tokio::test]
async fn one_process_has_a_ledger_and_its_key_stays() {
    let folder = TempDir::new().unwrap();
    let ledger = open(&folder).await;
    let tag = ledger.key().tag([b"x".as_slice()]);
    let second = Ledger::open(folder.path(), &SystemEntropy).await;
    assert!(matches!(second, Err(BadLedger::InUse(_))));
    drop(ledger);
    assert_eq!(open(&folder).await.key().tag([b"x".as_slice()]), tag);
    std::fs::write(folder.path().join(super::KEY), "nonsense").unwrap();
    let broken = Ledger::open(folder.path(), &SystemEntropy).await;
    assert!(matches!(broken, Err(BadLedger::Key(_))));
}

#[tokio::test]
async fn what_is_acknowledged_is_flushed_to_the_disk() {
    let folder = TempDir::new().unwrap();
    let ledger = open(&folder).await;
    let database = ledger.database.lock().await;
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
async fn what_can_not_be_noted_before_is_not_begun() {
    let folder = TempDir::new().unwrap();
    let ledger = open(&folder).await;
    tamper(
        &folder,
        "CREATE TRIGGER full BEFORE INSERT ON messages BEGIN SELECT RAISE(ABORT, 'full'); END",
    );
    let code = filed(1, 0, Kind::Code);
    let refused = ledger.begin(&code, NOW).await;
    assert!(matches!(refused, Err(LedgerError::Sqlite(_))));
    tamper(&folder, "DROP TRIGGER full");
    assert_eq!(ledger.begin(&code, NOW).await.unwrap(), Begun::Now);
}

#[tokio::test]
async fn what_can_not_be_noted_after_stays_in_doubt_also_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let ledger = open(&folder).await;
    let code = filed(1, 0, Kind::Code);
    assert_eq!(ledger.begin(&code, NOW).await.unwrap(), Begun::Now);
    tamper(
        &folder,
        "CREATE TRIGGER full BEFORE UPDATE ON messages BEGIN SELECT RAISE(ABORT, 'full'); END",
    );
    let lost = ledger.conclude(&code.tag, &taken(), NOW).await;
    assert!(matches!(lost, Err(LedgerError::Sqlite(_))));
    tamper(&folder, "DROP TRIGGER full");
    assert_eq!(ledger.begin(&code, NOW).await.unwrap(), Begun::InDoubt);
    drop(ledger);
    let ledger = open(&folder).await;
    assert_eq!(ledger.begin(&code, NOW).await.unwrap(), Begun::InDoubt);
}

#[tokio::test]
async fn a_panic_in_the_middle_of_a_note_undoes_it_and_nothing_else() {
    let folder = TempDir::new().unwrap();
    let ledger = open(&folder).await;
    let panics = ledger.with::<()>(|database| {
        let transaction = database.transaction()?;
        transaction.execute(super::NOTE, ([1; 16], [0; 16], NOW.millis()))?;
        panic!("a test panics");
    });
    assert!(matches!(panics.await, Err(LedgerError::Thread(_))));
    let code = filed(1, 0, Kind::Code);
    assert_eq!(ledger.begin(&code, NOW).await.unwrap(), Begun::Now);
}

#[tokio::test]
async fn the_file_of_an_earlier_version_is_used_on_and_one_of_a_newer_version_refused() {
    let folder = TempDir::new().unwrap();
    let ledger = open(&folder).await;
    let code = filed(1, 0, Kind::Code);
    ledger.begin(&code, NOW).await.unwrap();
    ledger.conclude(&code.tag, &taken(), NOW).await.unwrap();
    drop(ledger);
    // Earlier versions kept no record of migrations.
    tamper(&folder, "DROP TABLE refinery_schema_history");
    let ledger = open(&folder).await;
    let again = ledger.begin(&code, NOW).await.unwrap();
    assert_eq!(again, Begun::Before(taken()));
    drop(ledger);
    tamper(
        &folder,
        "INSERT INTO refinery_schema_history SELECT version + 98, 'newer', applied_on, checksum \
         FROM refinery_schema_history",
    );
    let newer = Ledger::open(folder.path(), &SystemEntropy).await;
    let refused = matches!(newer, Err(BadLedger::File(_, OpenError::Migration(_))));
    assert!(refused);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join(DATABASE), "no database ".repeat(100)).unwrap();
    let refused = Ledger::open(folder.path(), &SystemEntropy).await;
    assert!(matches!(
        refused,
        Err(BadLedger::File(_, OpenError::Sqlite(_)))
    ));
}
