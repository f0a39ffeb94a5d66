//! A39, A67: a database is restored from a backup, on another server, in another database of the same one, or from a copy
//! of a file. The audit chain verifies and goes on, no event is lost or chained twice, and what was used stays used.

use crate::{
    contract::accounts::{random, seal_until},
    faults::servers::OwnPostgres,
    support::{
        database::{Cell, Database, connect},
        service::unique,
        stores::{postgres_at, setting, store_keys},
        verdicts::{TestUser, WRONG, right},
    },
};
use countersign::ports::{AccountStore, ChallengesToEnd};
use countersign_domain::{
    account::change::UnapprovedEnding,
    audit_event::{ChainHead, StoredAuditEvent},
    authorization::caller::CallerName,
    challenge::verdict::VerdictResult,
    value::id::ChallengeId,
};
use std::{path::Path, process::Command, sync::Arc};

/// What was used before the backup.
struct UsedProof {
    jane: TestUser,
    approved: ChallengeId,
    canceled: ChallengeId,
    last_step: u64,
}

/// A user whose codes were used. Some of the events are chained, and some are not yet.
async fn use_codes(store: &dyn AccountStore) -> UsedProof {
    let jane = TestUser::prepared(store).await;
    let (approved, canceled) = (random(), random());
    approve(store, &jane, approved, 2).await;
    seal_until(store, 2).await;
    approve(store, &jane, random(), 3).await;
    let cancel = ChallengesToEnd {
        subject: jane.subject.clone(),
        challenges: vec![(canceled, CallerName::new("portal"))],
        how: UnapprovedEnding::Canceled,
        at: crate::contract::accounts::START,
        event: None,
    };
    store.end_challenges(&cancel).await.unwrap();
    UsedProof {
        jane,
        approved,
        canceled,
        last_step: 3,
    }
}

async fn approve(store: &dyn AccountStore, jane: &TestUser, challenge: ChallengeId, step: u64) {
    let attempt = jane.attempt(challenge, right(step));
    let verdict_result = store.record_verdict(&attempt).await.unwrap();
    assert!(
        matches!(verdict_result, VerdictResult::Approved { .. }),
        "{verdict_result:?}"
    );
}

/// Neither a step nor a challenge is accepted again; the next code is.
async fn used_stays_used(store: &dyn AccountStore, used: &UsedProof) {
    let again = async |challenge, step| {
        let attempt = used.jane.attempt(challenge, right(step));
        store.record_verdict(&attempt).await.unwrap()
    };
    for step in 2..=used.last_step {
        let verdict_result = again(random(), step).await;
        assert!(
            matches!(verdict_result, VerdictResult::Rejected { .. }),
            "{verdict_result:?}"
        );
    }
    for challenge in [used.approved, used.canceled] {
        let next = used.last_step + 1;
        assert_eq!(again(challenge, next).await, VerdictResult::Over);
    }
    approve(store, &used.jane, random(), used.last_step + 1).await;
}

fn number(cell: &Cell) -> i64 {
    match cell {
        Cell::Number(number) => *number,
        other => panic!("{other:?}"),
    }
}

fn bytes(cell: &Cell) -> Vec<u8> {
    match cell {
        Cell::Bytes(bytes) => bytes.clone(),
        other => panic!("{other:?}"),
    }
}

fn text(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => text.clone(),
        other => panic!("{other:?}"),
    }
}

/// Verifies the chain of a tenant whose events were committed one after the other; how many events it has.
async fn verified(database: &Database, tenant: &str) -> Result<i64, String> {
    let events = database
        .rows(&format!(
            "SELECT position, event_id, subject, kind, caller, at, details, personal FROM events
             WHERE tenant_id = '{tenant}' ORDER BY position"
        ))
        .await;
    let segments = database
        .rows(&format!(
            "SELECT number, first_position, last_position, last_sequence, previous_hash, hash FROM audit_segments
             WHERE tenant_id = '{tenant}' ORDER BY number"
        ))
        .await;
    let mut events = events.iter().map(|row| StoredAuditEvent {
        row: number(&row[0]),
        id: bytes(&row[1]),
        tenant: tenant.to_owned(),
        subject: bytes(&row[2]),
        kind: text(&row[3]),
        caller: text(&row[4]),
        at: number(&row[5]),
        details: text(&row[6]),
        personal: bytes(&row[7]),
    });
    let mut head = ChainHead::EMPTY;
    for (before, segment) in segments.iter().enumerate() {
        let place = format!("segment {}", before + 1);
        let is_next = number(&segment[0]) == i64::try_from(before + 1).unwrap();
        if !is_next || bytes(&segment[4]) != head.hash {
            return Err(format!("{place} does not follow the one before"));
        }
        let mut positions = Vec::new();
        while head.sequence < number(&segment[3]) {
            let event = events.next().ok_or(format!("{place} lacks events"))?;
            positions.push(event.row);
            head = head.after(&event);
        }
        let ends = (positions.first().copied(), positions.last().copied());
        if ends != (Some(number(&segment[1])), Some(number(&segment[2]))) {
            return Err(format!("{place} has other events"));
        }
        if bytes(&segment[5]) != head.hash {
            return Err(format!("{place} has another hash"));
        }
    }
    match events.count() {
        0 => Ok(head.sequence),
        left => Err(format!("{left} events are not chained")),
    }
}

/// The restored database serves, and its chain has every event once.
async fn goes_on(database: &Database, used: &UsedProof) {
    let tenant = used.jane.subject.tenant.as_str();
    let store = database.store(store_keys()).await;
    let count = format!("SELECT count(*) FROM events WHERE tenant_id = '{tenant}'");
    let before = database.number(&count).await;
    assert_eq!(before, 3, "made, and approved twice");
    used_stays_used(&*store, used).await;
    // Two refused codes and one that was right.
    seal_until(&*store, 4).await;
    assert_eq!(verified(database, tenant).await, Ok(before + 3));
    store
        .record_verdict(&used.jane.attempt(random(), WRONG))
        .await
        .unwrap();
    seal_until(&*store, 1).await;
    assert_eq!(verified(database, tenant).await, Ok(before + 4));
    assert_eq!(database.number(&count).await, before + 4);
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

fn run(program: &str, arguments: &[&str]) {
    let program = format!("{}/{program}", setting("TEST_COUNTERSIGN_POSTGRES_BIN"));
    let ran = Command::new(program).args(arguments).output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
}

fn dump(url: &str, file: &Path) {
    run("pg_dump", &["-Fc", "-f", file.to_str().unwrap(), url]);
}

fn restore(file: &Path, url: &str) {
    run(
        "pg_restore",
        &["--exit-on-error", "-d", url, file.to_str().unwrap()],
    );
}

/// A database on a server, with the tables of the durable store if it is to be used.
async fn new_database(server: &str, is_migrated: bool) -> String {
    let name = format!("restored_{}", unique());
    let create = format!("CREATE DATABASE {name}");
    connect(server).await.batch_execute(&create).await.unwrap();
    let (server, _) = server.rsplit_once('/').unwrap();
    let url = format!("{server}/{name}");
    if is_migrated {
        postgres_at(&url).migrate().await.unwrap();
    }
    url
}

/// Uses up transaction ids.
async fn use_transaction_ids(server: &str, count: usize) {
    let client = connect(server).await;
    for _ in 0..count {
        let next = "SELECT pg_current_xact_id()";
        client.batch_execute(next).await.unwrap();
    }
}

async fn cursor_names_this_server(database: &Database) -> bool {
    let sql = "SELECT count(*) FROM audit_cursor WHERE system_identifier = cluster_identifier()";
    database.number(sql).await == 1
}

#[test]
fn a39_a_dump_restored_on_another_server_goes_on_where_it_was() {
    runtime().block_on(async {
        let servers = [OwnPostgres::start(""), OwnPostgres::start("")];
        // Transaction ids of the first server are ahead of those of the second, and then far behind them.
        for (from, to) in [(0, 1), (1, 0)] {
            use_transaction_ids(&servers[from].url(), 500 + 1_500 * from).await;
            let url = new_database(&servers[from].url(), true).await;
            let source = Database::Postgres(url.clone());
            let used = use_codes(&*source.store(store_keys()).await).await;
            let folder = tempfile::TempDir::new().unwrap();
            let file = folder.path().join("backup");
            dump(&url, &file);
            let target = new_database(&servers[to].url(), false).await;
            restore(&file, &target);
            let target = Database::Postgres(target);
            assert!(!cursor_names_this_server(&target).await);
            goes_on(&target, &used).await;
            assert!(cursor_names_this_server(&target).await);
        }
    });
}

#[test]
fn a39_a_dump_restored_beside_its_source_goes_on_where_it_was() {
    runtime().block_on(async {
        let server = OwnPostgres::start("");
        let url = new_database(&server.url(), true).await;
        let source = Database::Postgres(url.clone());
        let used = use_codes(&*source.store(store_keys()).await).await;
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("backup");
        dump(&url, &file);
        let target = new_database(&server.url(), false).await;
        restore(&file, &target);
        goes_on(&Database::Postgres(target), &used).await;
        // The source is none the worse for it.
        goes_on(&source, &used).await;
    });
}

#[test]
fn a39_a_copy_of_the_file_goes_on_where_it_was() {
    runtime().block_on(async {
        let source = Database::sqlite().await;
        let store = source.store(store_keys()).await;
        let used = use_codes(&*store).await;
        let load = Arc::clone(&store);
        let other = TestUser::prepared(&*store).await;
        let writes = tokio::runtime::Handle::current().spawn(async move {
            for step in 2..60 {
                approve(&*load, &other, random(), step).await;
            }
        });
        let copy = Database::Sqlite(tempfile::TempDir::new().unwrap());
        let into = copy.path();
        source
            .execute(&format!("VACUUM INTO '{}'", into.display()))
            .await;
        writes.await.unwrap();
        goes_on(&copy, &used).await;
    });
}

/// What the cursor rule is for: with the cursor of the other server, new events would be behind it.
#[test]
fn a39_a_cursor_that_keeps_the_other_servers_ids_is_caught_control() {
    runtime().block_on(async {
        let servers = [OwnPostgres::start(""), OwnPostgres::start("")];
        use_transaction_ids(&servers[0].url(), 500).await;
        let url = new_database(&servers[0].url(), true).await;
        let used = use_codes(&*Database::Postgres(url.clone()).store(store_keys()).await).await;
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("backup");
        dump(&url, &file);
        let target = new_database(&servers[1].url(), false).await;
        restore(&file, &target);
        let target = Database::Postgres(target);
        target
            .execute("UPDATE audit_cursor SET system_identifier = cluster_identifier()")
            .await;
        let store = target.store(store_keys()).await;
        used_stays_used(&*store, &used).await;
        store.seal_events().await.unwrap();
        let tenant = used.jane.subject.tenant.as_str();
        let why = verified(&target, tenant).await.unwrap_err();
        assert!(why.contains("not chained"), "{why}");
    });
}

#[test]
fn a39_a_changed_event_and_a_lost_ending_are_caught_control() {
    let play = async |database: Database| {
        let store = database.store(store_keys()).await;
        let used = use_codes(&*store).await;
        seal_until(&*store, 1).await;
        let tenant = used.jane.subject.tenant.as_str();
        verified(&database, tenant).await.unwrap();
        database
            .execute("UPDATE events SET details = 'changed' WHERE kind = 'CHALLENGE_APPROVED'")
            .await;
        verified(&database, tenant).await.unwrap_err();
        database.execute("DELETE FROM ended_challenges").await;
        approve(&*store, &used.jane, used.canceled, 4).await;
    };
    runtime().block_on(async { play(Database::sqlite().await).await });
    runtime().block_on(async { play(Database::postgres().await).await });
}
