//! A68: a replica of an older version meets what a newer one stored. It refuses to write, so that nothing of it is lost.
//!
//! Records lie open in these stores, so that the test can write as a newer version would.

use crate::{
    contract::{accounts::random, verdicts::bypass_code},
    support::{
        database::{Cell, Database, literal},
        sql_proxy::SqlProxy,
        verdicts::{TestUser, WRONG, right},
        weak_keys::{Flaw, UNKNOWN_FIELD, WeakKeys},
    },
};
use countersign::ports::{AccountStore, StoreResult};
use countersign_domain::{
    account::change::{AccountWriteOp, ChangeBase},
    value::epoch::Epoch,
};
use std::sync::Arc;
use tokio::task::JoinSet;

const RIVALS: usize = 64;

/// A flaw: the form of the stored record is not looked at.
const FORM_IGNORED: (&str, &str) = ("a.form", "1::integer AS form");

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

fn on_each(play: impl AsyncFn(Database)) {
    runtime().block_on(async { play(Database::sqlite().await).await });
    runtime().block_on(async { play(Database::postgres().await).await });
}

async fn record(database: &Database) -> Vec<u8> {
    match database.rows("SELECT record FROM accounts").await[0][0].clone() {
        Cell::Bytes(record) => record,
        other => panic!("{other:?}"),
    }
}

/// A newer version stores a field that this one does not know.
async fn store_newer_field(database: &Database) {
    let newer = [record(database).await.as_slice(), UNKNOWN_FIELD].concat();
    let write = format!("UPDATE accounts SET record = {}", literal(database, &newer));
    database.execute(&write).await;
}

/// Verdicts and changes of this version, all at once, over stores of their own; how many were carried out.
async fn rewrites(stores: &[Arc<dyn AccountStore>], jane: &TestUser) -> usize {
    let mut calls = JoinSet::new();
    for place in 0..RIVALS {
        let (store, jane) = (Arc::clone(&stores[place % stores.len()]), jane.clone());
        calls.spawn(async move { rewrite(&*store, &jane, place).await.is_ok() });
    }
    let carried_out = calls.join_all().await;
    carried_out.iter().filter(|done| **done).count()
}

async fn rewrite(store: &dyn AccountStore, jane: &TestUser, place: usize) -> StoreResult<()> {
    let epoch = Epoch::first(1);
    let change = |base, write| jane.change(base, epoch, vec![write]);
    let step = u64::try_from(place).unwrap() + 2;
    match place % 5 {
        0 => {
            let attempt = jane.attempt(random(), right(step));
            store.record_verdict(&attempt).await.map(drop)
        }
        1 => store
            .record_verdict(&jane.attempt(random(), WRONG))
            .await
            .map(drop),
        2 => {
            let lift = change(ChangeBase::Epoch(epoch), AccountWriteOp::LiftWindows);
            store.commit(&lift).await.map(drop)
        }
        3 => {
            let issue = change(
                ChangeBase::Present(epoch, 1),
                AccountWriteOp::BypassCode(bypass_code(61)),
            );
            store.commit(&issue).await.map(drop)
        }
        _ => {
            let erase = change(ChangeBase::Present(epoch, 1), AccountWriteOp::Erase);
            store.commit(&erase).await.map(drop)
        }
    }
}

async fn two_stores(database: &Database, flaw: Flaw) -> Vec<Arc<dyn AccountStore>> {
    let mut stores = vec![database.store(WeakKeys::ring(flaw)).await];
    // A file has one writer.
    if matches!(database, Database::Postgres(_)) {
        stores.push(database.store(WeakKeys::ring(flaw)).await);
    }
    stores
}

#[test]
fn a68_a_field_of_a_newer_version_outlives_the_load_of_an_older_one() {
    on_each(async |database| {
        let stores = two_stores(&database, Flaw::Open).await;
        let jane = TestUser::prepared(&*stores[0]).await;
        store_newer_field(&database).await;
        let newer = record(&database).await;
        assert_eq!(rewrites(&stores, &jane).await, 0);
        assert_eq!(record(&database).await, newer);
    });
}

#[test]
fn a68_a_replica_that_drops_unknown_fields_is_caught_control() {
    on_each(async |database| {
        let stores = two_stores(&database, Flaw::OpenAndForgetful).await;
        let jane = TestUser::prepared(&*stores[0]).await;
        store_newer_field(&database).await;
        let wrong = jane.attempt(random(), WRONG);
        stores[0].record_verdict(&wrong).await.unwrap();
        assert!(!record(&database).await.ends_with(UNKNOWN_FIELD));
    });
}

#[test]
fn a68_a_record_of_a_newer_form_is_not_written() {
    on_each(async |database| {
        let stores = two_stores(&database, Flaw::Open).await;
        let jane = TestUser::prepared(&*stores[0]).await;
        let form = database.number("SELECT form FROM accounts").await;
        database
            .execute("UPDATE accounts SET form = form + 1")
            .await;
        let newer = record(&database).await;
        assert_eq!(rewrites(&stores, &jane).await, 0);
        assert_eq!(record(&database).await, newer);
        assert_eq!(database.number("SELECT form FROM accounts").await, form + 1);
    });
}

#[test]
fn a68_a_replica_that_ignores_the_form_is_caught_control() {
    runtime().block_on(async {
        let database = Database::postgres().await;
        let Database::Postgres(url) = &database else {
            panic!("it is PostgreSQL")
        };
        let proxy = SqlProxy::start(url, &[FORM_IGNORED]).await;
        let older = Database::Postgres(proxy.url.clone());
        let store = older.store(WeakKeys::ring(Flaw::Open)).await;
        let jane = TestUser::prepared(&*store).await;
        let form = database.number("SELECT form FROM accounts").await;
        database
            .execute("UPDATE accounts SET form = form + 1")
            .await;
        store
            .record_verdict(&jane.attempt(random(), WRONG))
            .await
            .unwrap();
        assert_eq!(database.number("SELECT form FROM accounts").await, form);
        proxy.assert_all_applied();
    });
}
