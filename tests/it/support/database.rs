//! The durable stores from behind: as somebody sees them who can write to the database.

use crate::support::stores::{TIMEOUT, direct, entropy, new_schema, store_keys};
use countersign::{
    ports::{AccountStore, KeyService},
    store::{postgres::PostgresAccounts, sqlite::SqliteAccounts},
};
use std::{path::PathBuf, sync::Arc};
use tempfile::TempDir;

/// A database of a test's own, with the tables of the durable store.
pub(crate) enum Database {
    /// The folder of its file, which goes with it.
    Sqlite(TempDir),
    /// Its URL.
    Postgres(String),
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cell {
    Null,
    Number(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Database {
    pub(crate) async fn sqlite() -> Self {
        let database = Self::Sqlite(TempDir::new().unwrap());
        database.store(store_keys()).await;
        database
    }

    pub(crate) async fn postgres() -> Self {
        Self::Postgres(new_schema().await)
    }

    /// A store on it, with connections of its own.
    pub(crate) async fn store(&self, keys: Arc<dyn KeyService>) -> Arc<dyn AccountStore> {
        match self {
            Self::Sqlite(folder) => {
                let opened = SqliteAccounts::open(&file_in(folder), keys, entropy()).await;
                Arc::new(opened.unwrap())
            }
            Self::Postgres(url) => {
                let accounts = PostgresAccounts::new(&direct(url), keys, entropy());
                Arc::new(accounts.unwrap())
            }
        }
    }

    /// Carries out statements without values.
    pub(crate) async fn execute(&self, sql: &str) {
        match self {
            Self::Sqlite(..) => self.file().execute_batch(sql).unwrap(),
            Self::Postgres(url) => connect(url).await.batch_execute(sql).await.unwrap(),
        }
    }

    /// The rows of a query.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<Vec<Cell>> {
        match self {
            Self::Sqlite(..) => {
                let file = self.file();
                let mut statement = file.prepare(sql).unwrap();
                let columns = statement.column_count();
                let rows = statement.query_map((), |row| {
                    (0..columns)
                        .map(|column| Ok(cell(row.get_ref(column)?)))
                        .collect()
                });
                rows.unwrap().map(Result::unwrap).collect()
            }
            Self::Postgres(url) => {
                let rows = connect(url).await.query(sql, &[]).await.unwrap();
                let cells = |row: &tokio_postgres::Row| {
                    (0..row.len()).map(|at| at_column(row, at)).collect()
                };
                rows.iter().map(cells).collect()
            }
        }
    }

    /// The one number of a query.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        match self.rows(sql).await[0][0] {
            Cell::Number(number) => number,
            ref other => panic!("{sql}: {other:?}"),
        }
    }

    /// The file of SQLite.
    pub(crate) fn path(&self) -> PathBuf {
        let Self::Sqlite(folder) = self else {
            panic!("it is no file")
        };
        file_in(folder)
    }

    fn file(&self) -> rusqlite::Connection {
        let connection = rusqlite::Connection::open(self.path()).unwrap();
        connection.busy_timeout(TIMEOUT).unwrap();
        connection
    }
}

fn file_in(folder: &TempDir) -> PathBuf {
    folder.path().join("test.db")
}

/// A connection to PostgreSQL.
pub(crate) async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::runtime::Handle::current().spawn(connection);
    client
}

/// Bytes as SQL writes them.
pub(crate) fn literal(database: &Database, bytes: &[u8]) -> String {
    let hex = data_encoding::HEXLOWER.encode(bytes);
    match database {
        Database::Sqlite(..) => format!("x'{hex}'"),
        Database::Postgres(_) => format!("'\\x{hex}'::bytea"),
    }
}

fn cell(value: rusqlite::types::ValueRef<'_>) -> Cell {
    use rusqlite::types::ValueRef;
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Number(number),
        ValueRef::Real(_) => panic!("no column is a fraction"),
        ValueRef::Text(text) => Cell::Text(String::from_utf8(text.to_vec()).unwrap()),
        ValueRef::Blob(bytes) => Cell::Bytes(bytes.to_vec()),
    }
}

fn at_column(row: &tokio_postgres::Row, at: usize) -> Cell {
    use tokio_postgres::types::Type;
    let of_type = row.columns()[at].type_().clone();
    let value = match of_type {
        Type::INT8 => row.get::<_, Option<i64>>(at).map(Cell::Number),
        Type::INT4 => row
            .get::<_, Option<i32>>(at)
            .map(|number| Cell::Number(number.into())),
        Type::BYTEA => row.get::<_, Option<Vec<u8>>>(at).map(Cell::Bytes),
        _ => row.get::<_, Option<String>>(at).map(Cell::Text),
    };
    value.unwrap_or(Cell::Null)
}
