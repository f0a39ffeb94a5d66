//! What an SQLite file is, seen without writing to it.

use super::{MIGRATIONS, NAME, SqliteAccounts, fails};
use crate::{
    ports::Stored,
    store::sql::{migrator, unavailable},
};
use sqlx::{
    ConnectOptions, Connection, Row, SqliteConnection,
    migrate::{Migrate, MigrateError},
    sqlite::SqliteConnectOptions,
};
use std::path::Path;

/// Where the migrator notes what it did.
const APPLIED: &str = "_sqlx_migrations";

const NOT_OURS: &str = "the file has tables, and no note that this program made them";

impl SqliteAccounts {
    /// Whether the tables of a file are those of this version already; [`Self::open`] brings older ones up to date. Nothing
    /// is written, neither to the file nor to its log, and nothing made.
    ///
    /// # Errors
    /// [`Unavailable`](crate::ports::Unavailable) if the file can't be read, or was written by a newer version or another program.
    pub async fn is_migrated(file: &Path) -> Stored<bool> {
        // A log lies beside a file that a process has open, or died with. Where there is none, reading would make one,
        // unless it is said that nobody writes.
        let log = format!("{}-wal", file.display());
        let options = SqliteConnectOptions::new()
            .filename(file)
            .read_only(true)
            .immutable(!Path::new(&log).exists());
        let mut connection = options.connect().await.map_err(fails)?;
        let applied = applied(&mut connection).await;
        connection.close().await.map_err(fails)?;
        Ok(applied? == MIGRATIONS.len())
    }
}

/// How many migrations a file has seen. Refused is a newer version's file, and one whose tables nobody noted: they are
/// another program's, or in an unknown state.
pub(super) async fn applied(connection: &mut SqliteConnection) -> Stored<usize> {
    // Tables first: whoever is making ours this moment commits them together with the note.
    let tables = tables(connection).await.map_err(fails)?;
    let noted = noted(connection).await;
    let noted = noted.map_err(|error| unavailable(NAME, error))?;
    if tables > 0 && noted == 0 {
        return Err(unavailable(NAME, NOT_OURS));
    }
    Ok(noted)
}

/// How much is in a file, beside what the migrator and SQLite itself note.
async fn tables(connection: &mut SqliteConnection) -> sqlx::Result<i64> {
    let tables = "SELECT count(*) FROM sqlite_schema WHERE tbl_name <> $1 AND tbl_name NOT LIKE 'sqlite@_%' ESCAPE '@'";
    let tables = sqlx::query(tables).bind(APPLIED);
    tables.fetch_one(connection).await?.try_get(0)
}

/// What the migrator would find, refused as it would be by it.
async fn noted(connection: &mut SqliteConnection) -> Result<usize, MigrateError> {
    let known = "SELECT count(*) FROM sqlite_schema WHERE name = $1";
    let known = sqlx::query(known).bind(APPLIED);
    let known: i64 = known.fetch_one(&mut *connection).await?.try_get(0)?;
    if known == 0 {
        return Ok(0);
    }
    if let Some(version) = connection.dirty_version(APPLIED).await? {
        return Err(MigrateError::Dirty(version));
    }
    let applied = connection.list_applied_migrations(APPLIED).await?;
    let migrator = migrator(&MIGRATIONS);
    for one in &applied {
        let mut ours = migrator.iter();
        match ours.find(|ours| ours.version == one.version) {
            None => return Err(MigrateError::VersionMissing(one.version)),
            Some(ours) if ours.checksum != one.checksum => {
                return Err(MigrateError::VersionMismatch(one.version));
            }
            Some(_) => {}
        }
    }
    Ok(applied.len())
}
