//! `AccountStore::purge` deletes expired rows and nothing else.

use crate::{
    contract::{
        accounts::{START, next, on_each, random, random_subject},
        verdicts::prepare,
    },
    support::stores::{new_schema, postgres_at, sqlite},
};
use countersign::ports::{AccountLookup, AccountStore, CommitResult};
use countersign_domain::{
    account::change::{AccountChange, AccountWriteOp},
    recovery::reset::Reset,
};
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

#[test]
fn a_reset_is_forgotten_when_a_new_one_could_be_started_anyway() {
    on_each(async |accounts| {
        let (subject, tag) = random_subject();
        prepare(&*accounts, &subject, tag).await;
        let loaded = async |accounts: &dyn countersign::ports::AccountStore| {
            let loaded = accounts
                .load(&subject, AccountLookup::default())
                .await
                .unwrap();
            loaded.account.unwrap()
        };
        let before = loaded(&*accounts).await;
        let reset = Reset::started(random(), before.epoch, START, START);
        let quiet_until = reset.ends_at.plus(7 * DAY);
        let writes = vec![AccountWriteOp::BeginReset(reset)];
        let change = next(&*accounts, &subject, tag, writes).await;
        assert_eq!(accounts.commit(&change).await.unwrap(), CommitResult::Done);

        // A record is pruned whenever it is saved.
        let save_at = async |at| {
            let change = AccountChange {
                now: at,
                ..next(&*accounts, &subject, tag, Vec::new()).await
            };
            assert_eq!(accounts.commit(&change).await.unwrap(), CommitResult::Done);
        };
        save_at(quiet_until).await;
        assert!(loaded(&*accounts).await.reset.is_some());
        save_at(quiet_until.plus(Duration::from_millis(1))).await;
        assert_eq!(loaded(&*accounts).await.reset, None);
        assert_eq!(loaded(&*accounts).await.methods, before.methods);
    });
}

/// More than fits in a hundred steps.
const EXPIRED: i64 = 120_000;
const KEPT: i64 = 1_500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_of_expired_rows_goes_at_once_in_small_steps_from_postgresql() {
    let url = new_schema().await;
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::runtime::Handle::current().spawn(connection);
    let now = START.millis();
    let prepare = format!(
        "INSERT INTO idempotency_records (key_digest, subject, at, has_answer, record)
         SELECT int8send(n), '', CASE WHEN n <= {EXPIRED} THEN 0 ELSE {now} END, false, ''
         FROM generate_series(1, {EXPIRED} + {KEPT}) n;
         CREATE TABLE steps (deleted bigint NOT NULL);
         CREATE FUNCTION note_step() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN INSERT INTO steps SELECT count(*) FROM gone; RETURN NULL; END $$;
         CREATE TRIGGER steps AFTER DELETE ON idempotency_records REFERENCING OLD TABLE AS gone
             FOR EACH STATEMENT EXECUTE FUNCTION note_step()"
    );
    client.batch_execute(&prepare).await.unwrap();
    postgres_at(&url).purge(START).await.unwrap();
    let left = "SELECT (SELECT count(*) FROM idempotency_records), max(deleted), sum(deleted)::bigint FROM steps";
    let left = client.query_one(left, &[]).await.unwrap();
    assert_eq!(left.get::<_, i64>(0), KEPT);
    assert!(left.get::<_, i64>(1) <= 1_000, "a step is bounded");
    assert_eq!(left.get::<_, i64>(2), EXPIRED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_of_expired_rows_goes_at_once_from_sqlite() {
    let (accounts, folder) = sqlite().await;
    let file = rusqlite::Connection::open(folder.path().join("test.db")).unwrap();
    let now = START.millis();
    let prepare = format!(
        "INSERT INTO idempotency_records (key_digest, subject, at, has_answer, record)
         WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < {EXPIRED} + {KEPT})
         SELECT CAST(n AS BLOB), x'', CASE WHEN n <= {EXPIRED} THEN 0 ELSE {now} END, 0, x'' FROM counted"
    );
    file.execute_batch(&prepare).unwrap();
    accounts.purge(START).await.unwrap();
    let left = "SELECT count(*) FROM idempotency_records";
    let left: i64 = file.query_row(left, (), |row| row.get(0)).unwrap();
    assert_eq!(left, KEPT);
}
