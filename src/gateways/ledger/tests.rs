//! What is sent, what is not sent again, and what is kept.

use super::{BadLedger, Begun, Ledger};
use crate::{
    gateways::{
        letter::{Filed, Kind, Letter},
        outcome::{Sent, Trouble},
    },
    proto::notifier::RefusalReason,
    system::SystemEntropy,
};
use countersign_domain::time::Timestamp;
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
