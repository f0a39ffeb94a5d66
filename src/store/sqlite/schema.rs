//! The tables: brought up to date, and looked at without writing.

use super::connection::{NAME, fails, open_without_trace, open_writer};
use crate::{ports::StoreResult, store::record::unavailable};
use refinery::{Migration, Runner};
use rusqlite::Connection;
use std::path::Path;

/// Where the migrator notes what it did.
const APPLIED: &str = "refinery_schema_history";

const NOT_OURS: &str = "the file has tables, and no note that this program made them";

const NEWER: &str = "the file was written by a newer version of Countersign: update this one";

const CHANGED: &str = "the file was made by another build of Countersign, whose tables are not the ones of this version";

fn migrations() -> Result<Vec<Migration>, refinery::Error> {
    let first = include_str!("migrations/0001_accounts.sql");
    Ok(vec![Migration::unapplied("V1__accounts", first)?])
}

/// Makes the file where there is none, and brings its tables up to date.
pub(super) fn migrate(file: &Path) -> StoreResult<()> {
    let mut db = open_writer(file).map_err(fails)?;
    applied(&db)?;
    let migrations = migrations().map_err(|error| unavailable(NAME, error))?;
    let runner = Runner::new(&migrations).set_grouped(true);
    let run = runner.run(&mut db);
    run.map(drop).map_err(|error| unavailable(NAME, error))
}

/// Whether the tables of a file are those of this version.
pub(super) fn is_migrated(file: &Path) -> StoreResult<bool> {
    let db = open_without_trace(file).map_err(fails)?;
    let known = migrations().map_err(|error| unavailable(NAME, error))?;
    Ok(applied(&db)? == known.len())
}

/// How many migrations a file has seen. Refused is a newer version's file, and one whose tables nobody noted: they are
/// another program's, or in an unknown state.
fn applied(db: &Connection) -> StoreResult<usize> {
    // Tables first: a process that makes them this moment commits them together with the note.
    let tables = tables(db).map_err(fails)?;
    let noted = noted(db).map_err(fails)?;
    if tables > 0 && noted.is_empty() {
        return Err(unavailable(NAME, NOT_OURS));
    }
    let known = migrations().map_err(|error| unavailable(NAME, error))?;
    for (version, checksum) in &noted {
        let known = known
            .iter()
            .find(|known| i64::from(known.version()) == *version);
        let known =
            known.ok_or_else(|| unavailable(NAME, format!("{NEWER} (version {version})")))?;
        if known.checksum().to_string() != *checksum {
            return Err(unavailable(NAME, CHANGED));
        }
    }
    Ok(noted.len())
}

/// How much is in a file, beside what the migrator and SQLite itself note.
fn tables(db: &Connection) -> rusqlite::Result<i64> {
    let tables = "SELECT count(*) FROM sqlite_schema WHERE tbl_name <> ?1 AND tbl_name NOT LIKE 'sqlite@_%' ESCAPE '@'";
    db.query_row(tables, [APPLIED], |row| row.get(0))
}

fn noted(db: &Connection) -> rusqlite::Result<Vec<(i64, String)>> {
    let known = "SELECT count(*) FROM sqlite_schema WHERE name = ?1";
    let known: i64 = db.query_row(known, [APPLIED], |row| row.get(0))?;
    if known == 0 {
        return Ok(Vec::new());
    }
    let mut noted = db.prepare(&format!(
        "SELECT version, checksum FROM {APPLIED} ORDER BY version"
    ))?;
    let noted = noted.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?;
    noted.collect()
}
