//! A65: an error ends the transaction that many calls share: a full disk, or an error of the device. Nothing that was
//! acknowledged is lost, and the store goes on without a restart.
//!
//! The end of `faults/writes.rs` fills a real disk; here the error meets the middle of a batch, again and again.

use crate::{
    contract::accounts::random,
    support::{
        database::Database,
        stores::store_keys,
        verdicts::{TestUser, WRONG, right},
    },
};
use countersign::ports::AccountStore;
use countersign_domain::challenge::verdict::VerdictResult;
use std::sync::Arc;
use tokio::task::JoinSet;

const USERS: usize = 32;
const ROUNDS: u64 = 6;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// The disk is full for what one tenant writes. SQLite rolls the whole transaction back, as it does by itself then.
fn fill(database: &Database, tenant: &str) -> String {
    match database {
        Database::Sqlite(..) => format!(
            "CREATE TRIGGER disk_full BEFORE INSERT ON events WHEN NEW.tenant_id = '{tenant}'
             BEGIN SELECT RAISE(ROLLBACK, 'database or disk is full'); END"
        ),
        Database::Postgres(_) => format!(
            "CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS
                 'BEGIN RAISE ''could not extend file'' USING ERRCODE = ''disk_full''; END';
             CREATE TRIGGER disk_full BEFORE INSERT ON events FOR EACH ROW
             WHEN (NEW.tenant_id = '{tenant}') EXECUTE FUNCTION disk_full()"
        ),
    }
}

const fn free(database: &Database) -> &'static str {
    match database {
        Database::Sqlite(..) => "DROP TRIGGER disk_full",
        Database::Postgres(_) => "DROP TRIGGER disk_full ON events; DROP FUNCTION disk_full",
    }
}

/// Every user gives a code at once; for how many it was acknowledged, and for how many refused.
async fn everybody(store: &Arc<dyn AccountStore>, users: &[TestUser], step: u64) -> (i64, usize) {
    let mut calls = JoinSet::new();
    for user in users {
        let (store, user) = (Arc::clone(store), user.clone());
        calls.spawn(async move {
            match store
                .record_verdict(&user.attempt(random(), right(step)))
                .await
            {
                Ok(VerdictResult::Approved { .. }) => true,
                Ok(other) => panic!("{other:?}"),
                Err(_) => false,
            }
        });
    }
    let answers = calls.join_all().await;
    let approved = answers.iter().filter(|is_approved| **is_approved).count();
    (i64::try_from(approved).unwrap(), answers.len() - approved)
}

#[test]
fn a65_an_error_that_ends_the_transaction_loses_nothing_and_needs_no_restart() {
    let play = async |database: Database| {
        let store = database.store(store_keys()).await;
        let users = TestUser::many(&*store, USERS).await;
        let unlucky = &users[USERS / 2];
        let tenant = unlucky.subject.tenant.as_str();
        let approved = "SELECT count(*) FROM events WHERE kind = 'CHALLENGE_APPROVED'";
        let ended = "SELECT count(*) FROM ended_challenges";
        let (mut acknowledged, mut step) = (0, 1);
        for _ in 0..ROUNDS {
            step += 1;
            database.execute(&fill(&database, tenant)).await;
            let (done, refused) = everybody(&store, &users, step).await;
            acknowledged += done;
            assert!(refused >= 1, "the disk was never full");
            // Also alone it is refused, and a wrong code of the same user alike.
            let alone = store
                .record_verdict(&unlucky.attempt(random(), WRONG))
                .await;
            alone.unwrap_err();
            assert_eq!(database.number(approved).await, acknowledged);
            assert_eq!(database.number(ended).await, acknowledged);

            step += 1;
            database.execute(free(&database)).await;
            let (done, refused) = everybody(&store, &users, step).await;
            acknowledged += done;
            assert_eq!(refused, 0, "it goes on at once");
            assert_eq!(database.number(approved).await, acknowledged);
            assert_eq!(database.number(ended).await, acknowledged);
        }
    };
    runtime().block_on(async { play(Database::sqlite().await).await });
    runtime().block_on(async { play(Database::postgres().await).await });
}
