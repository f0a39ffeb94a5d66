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

impl SqliteAccounts {
    /// Whether the tables of a file are those of this version already; [`Self::open`] brings older ones up to date. Nothing
    /// is written, neither to the file nor to its log, and nothing made.
    ///
    /// # Errors
    /// [`Unavailable`](crate::ports::Unavailable) if the file can't be read, or was written by a newer version.
    pub async fn is_migrated(file: &Path) -> Stored<bool> {
        // A log lies beside a file that a process has open, or died with. Where there is none, reading would make one,
        // unless it is said that nobody writes.
        let log = format!("{}-wal", file.display());
        let options = SqliteConnectOptions::new()
            .filename(file)
            .read_only(true)
            .immutable(!Path::new(&log).exists());
        let mut connection = options.connect().await.map_err(fails)?;
        let migrated = is_migrated(&mut connection).await;
        connection.close().await.map_err(fails)?;
        migrated.map_err(|error| unavailable(NAME, error))
    }
}

/// What the migrator would find, refused as it would be by it.
async fn is_migrated(connection: &mut SqliteConnection) -> Result<bool, MigrateError> {
    let known = "SELECT count(*) FROM sqlite_schema WHERE name = $1";
    let known = sqlx::query(known).bind(APPLIED);
    let known: i64 = known.fetch_one(&mut *connection).await?.try_get(0)?;
    if known == 0 {
        return Ok(false);
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
    Ok(applied.len() == MIGRATIONS.len())
}
