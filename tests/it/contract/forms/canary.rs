//! Whose key ring a database is.

use super::{FormsDatabase, FormsProcess, file};
use crate::support::stores::{direct, entropy};
use countersign::{
    app::{ResealSettings, reseal},
    crypto::KeyRing,
    ports::{KeyInUse, KeyService, ResealStore},
    store::{postgres::PostgresAccounts, sqlite::SqliteAccounts},
};
use countersign_domain::value::time::Timestamp;
use countersign_transport::system::{Clock, SystemClock};
use std::{collections::HashSet, num::NonZeroU32, sync::Arc, time::Duration};
use tokio::task::JoinSet;

/// A key ring with keys of these numbers, the active one first.
fn ring(keys: &[u8]) -> Arc<dyn KeyService> {
    let secret = |byte: u8| data_encoding::BASE64.encode(&[byte; 32]);
    let keys = keys.iter().map(|number| {
        let secret = secret(*number);
        format!("[[key]]\nid = \"k-{number}\"\nsecret = \"{secret}\"\n")
    });
    let text = format!("lookup = \"{}\"\n{}", secret(0), keys.collect::<String>());
    Arc::new(KeyRing::parse(&text).unwrap())
}

/// When the processes of these tests start: none of them runs any more.
fn long_ago() -> Timestamp {
    SystemClock.now().minus(Duration::from_hours(1))
}

impl FormsDatabase {
    async fn process_with(&self, keys: Arc<dyn KeyService>) -> FormsProcess {
        match self {
            Self::Postgres(url) => {
                let accounts = PostgresAccounts::new(&direct(url), keys, entropy());
                FormsProcess::Postgres(Arc::new(accounts.unwrap()))
            }
            Self::Sqlite(folder) => {
                let opened = SqliteAccounts::open(&file(folder), keys, entropy()).await;
                FormsProcess::Sqlite(Arc::new(opened.unwrap()))
            }
        }
    }

    /// What a start with a key ring comes to; nothing where it goes on.
    async fn start_with(&self, keys: &[u8]) -> Option<String> {
        let claimed = match self.process_with(ring(keys)).await {
            FormsProcess::Postgres(accounts) => accounts.claim_for_key_ring(long_ago()).await,
            FormsProcess::Sqlite(accounts) => accounts.claim_for_key_ring(long_ago()).await,
        };
        claimed.err().map(|error| error.to_string())
    }

    /// What `countersign keys reseal` does.
    async fn reseal_with(&self, keys: &[u8]) {
        let sealed: Arc<dyn ResealStore> = match self.process_with(ring(keys)).await {
            FormsProcess::Postgres(accounts) => accounts,
            FormsProcess::Sqlite(accounts) => accounts,
        };
        let settings = ResealSettings {
            rate: NonZeroU32::MAX,
            silence: KeyInUse::KEY_USE_EXPIRY,
        };
        let report = reseal(&*sealed, &*ring(keys), &SystemClock, settings, &mut |_| {}).await;
        assert_eq!(report.unwrap().other_active, None);
    }

    /// What a look with a key ring comes to; nothing where it goes on.
    async fn look_with(&self, keys: &[u8]) -> Option<String> {
        let checked = match self.process_with(ring(keys)).await {
            FormsProcess::Postgres(accounts) => accounts.check_key_ring().await,
            FormsProcess::Sqlite(accounts) => accounts.check_key_ring().await,
        };
        checked.err().map(|error| error.to_string())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_belongs_to_the_key_ring_that_it_was_first_started_with() {
    for database in FormsDatabase::both().await {
        assert_eq!(
            database.look_with(&[2]).await,
            None,
            "a look claims nothing"
        );
        assert_eq!(database.start_with(&[1]).await, None);
        assert_eq!(database.start_with(&[1]).await, None);
        for refused in [
            database.start_with(&[2]).await,
            database.look_with(&[2]).await,
        ] {
            let refused = refused.unwrap();
            assert!(
                refused.contains("not the one of this database"),
                "{refused}"
            );
            assert!(refused.contains("the key `k-1`"), "{refused}");
        }
        // A rotation in its steps; then the old key may go.
        assert_eq!(database.start_with(&[1, 2]).await, None);
        assert!(database.start_with(&[2]).await.is_some());
        assert_eq!(database.look_with(&[2, 1]).await, None);
        assert!(
            database.start_with(&[2]).await.is_some(),
            "a look seals nothing"
        );
        assert_eq!(database.start_with(&[2, 1]).await, None);
        let refused = database.start_with(&[2]).await.unwrap();
        assert!(
            refused.contains("can't open all that is stored"),
            "{refused}"
        );
        assert!(refused.contains("the key `k-1`"), "{refused}");
        assert_eq!(database.look_with(&[2]).await, Some(refused));
        database.reseal_with(&[2, 1]).await;
        assert_eq!(database.start_with(&[2]).await, None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_rings_that_claim_a_database_at_once_one_gets_it() {
    for database in FormsDatabase::both().await {
        drop(database.process_with(ring(&[1])).await);
        let mut starts = JoinSet::new();
        for place in 0..16_u8 {
            let database = database.clone();
            starts.spawn(async move { (place % 2, database.start_with(&[1 + place % 2]).await) });
        }
        let starts = starts.join_all().await;
        let started = starts.iter().filter(|(_, refused)| refused.is_none());
        let rings: HashSet<u8> = started.map(|(ring, _)| *ring).collect();
        assert_eq!(rings.len(), 1, "{starts:?}");
    }
}
