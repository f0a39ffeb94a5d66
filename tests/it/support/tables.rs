//! The tables of both databases, as an administrator with a console sees and changes them: beside the service.

use std::path::Path;
use tokio_postgres::{Client, NoTls};

/// A session of its own, which ends, and rolls back what is open, when it is dropped.
pub(crate) async fn postgres_session(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    #[expect(
        clippy::disallowed_methods,
        reason = "the task ends when its client is dropped"
    )]
    tokio::spawn(async move { drop(connection.await) });
    client
}

/// Carries out statements, separated by semicolons, in a session of their own.
pub(crate) async fn execute_in_postgres(url: &str, statements: &str) {
    let session = postgres_session(url).await;
    session.batch_execute(statements).await.unwrap();
}

/// A connection to an SQLite file, which is made if there is none.
pub(crate) fn open_sqlite(file: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(file).unwrap()
}
