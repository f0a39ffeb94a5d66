//! A million expired rows go in one round of retention.

use crate::{
    contract::accounts::START,
    long_runs::{Stopwatch, on_a_runtime},
    support::stores::{new_schema, postgres_at, sqlite},
};
use countersign::ports::AccountStore;

const EXPIRED: usize = 1_000_000;

#[test]
#[ignore = "long: make test-all"]
fn postgresql_deletes_a_million_expired_rows() {
    on_a_runtime(async {
        let url = new_schema().await;
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
            .await
            .unwrap();
        tokio::runtime::Handle::current().spawn(connection);
        let prepare = format!(
            "INSERT INTO ended_challenges (tenant_id, user_id, challenge_id, ended_at, ending)
             SELECT 'tenant', n::text, int8send(n), 0, repeat('x', 100)::bytea FROM generate_series(1, {EXPIRED}) n"
        );
        client.batch_execute(&prepare).await.unwrap();
        let watch = Stopwatch::start();
        postgres_at(&url).purge(START).await.unwrap();
        watch.print("PostgreSQL, expired rows", EXPIRED);
        let left = "SELECT count(*) FROM ended_challenges";
        let left: i64 = client.query_one(left, &[]).await.unwrap().get(0);
        assert_eq!(left, 0);
    });
}

#[test]
#[ignore = "long: make test-all"]
fn sqlite_deletes_a_million_expired_rows() {
    on_a_runtime(async {
        let (accounts, folder) = sqlite().await;
        let file = rusqlite::Connection::open(folder.path().join("test.db")).unwrap();
        let prepare = format!(
            "INSERT INTO ended_challenges (tenant_id, user_id, challenge_id, ended_at, ending)
             WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < {EXPIRED})
             SELECT 'tenant', n, CAST(n AS BLOB), 0, zeroblob(100) FROM counted"
        );
        file.execute_batch(&prepare).unwrap();
        let watch = Stopwatch::start();
        accounts.purge(START).await.unwrap();
        watch.print("SQLite, expired rows", EXPIRED);
        let left = "SELECT count(*) FROM ended_challenges";
        let left: i64 = file.query_row(left, (), |row| row.get(0)).unwrap();
        assert_eq!(left, 0);
    });
}
