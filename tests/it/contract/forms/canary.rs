//! Whose key ring a database is.

use super::{Database, Process, file};
use crate::support::stores::{direct, entropy};
use countersign::{
    crypto::KeyRing,
    ports::Keys,
    store::{postgres::PostgresAccounts, sqlite::SqliteAccounts},
};
use std::{collections::HashSet, sync::Arc};
use tokio::task::JoinSet;

/// A key ring with keys of these numbers, the active one first.
fn ring(keys: &[u8]) -> Arc<dyn Keys> {
    let secret = |byte: u8| data_encoding::BASE64.encode(&[byte; 32]);
    let keys = keys.iter().map(|number| {
        let secret = secret(*number);
        format!("[[key]]\nid = \"k-{number}\"\nsecret = \"{secret}\"\n")
    });
    let text = format!("lookup = \"{}\"\n{}", secret(0), keys.collect::<String>());
    Arc::new(KeyRing::parse(&text).unwrap())
}

impl Database {
    async fn process_with(&self, keys: Arc<dyn Keys>) -> Process {
        match self {
            Self::Postgres(url) => {
                let accounts = PostgresAccounts::new(&direct(url), keys, entropy());
                Process::Postgres(Arc::new(accounts.unwrap()))
            }
            Self::Sqlite(folder) => {
                let opened = SqliteAccounts::open(&file(folder), keys, entropy()).await;
                Process::Sqlite(Arc::new(opened.unwrap()))
            }
        }
    }

    /// What a start with a key ring comes to; nothing where it goes on.
    async fn start_with(&self, keys: &[u8]) -> Option<String> {
        let claimed = match self.process_with(ring(keys)).await {
            Process::Postgres(accounts) => accounts.claim_for_key_ring().await,
            Process::Sqlite(accounts) => accounts.claim_for_key_ring().await,
        };
        claimed.err().map(|error| error.to_string())
    }

    /// What a look with a key ring comes to; nothing where it goes on.
    async fn look_with(&self, keys: &[u8]) -> Option<String> {
        let checked = match self.process_with(ring(keys)).await {
            Process::Postgres(accounts) => accounts.check_key_ring().await,
            Process::Sqlite(accounts) => accounts.check_key_ring().await,
        };
        checked.err().map(|error| error.to_string())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_belongs_to_the_key_ring_that_it_was_first_started_with() {
    for database in Database::both().await {
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
        assert_eq!(database.start_with(&[2]).await, None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_rings_that_claim_a_database_at_once_one_gets_it() {
    for database in Database::both().await {
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
