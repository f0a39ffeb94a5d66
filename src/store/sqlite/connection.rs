//! Connections to the file.

use crate::{ports::StoreUnavailable, store::record::unavailable};
use rusqlite::{Connection, OpenFlags};
use std::{path::Path, time::Duration};

/// The name of this store in errors.
pub(super) const NAME: &str = "SQLite";

/// How long a write waits for another process that holds the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// A connection that writes, and makes the file where there is none.
pub(super) fn open_writer(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(file, flags)?;
    db.busy_timeout(BUSY_TIMEOUT)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "secure_delete", "ON")?;
    db.set_prepared_statement_cache_capacity(64);
    Ok(db)
}

/// A connection that only reads.
pub(super) fn open_reader(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(file, flags)?;
    db.busy_timeout(BUSY_TIMEOUT)?;
    db.set_prepared_statement_cache_capacity(64);
    Ok(db)
}

/// A connection that leaves no trace: where no process has the file open, it makes no log beside it.
pub(super) fn open_without_trace(file: &Path) -> rusqlite::Result<Connection> {
    let log = format!("{}-wal", file.display());
    if Path::new(&log).exists() {
        return open_reader(file);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let uri = format!("file:{}?immutable=1", escaped(file));
    Connection::open_with_flags(uri, flags)
}

/// A path in a URI (RFC 3986 §2.1).
fn escaped(file: &Path) -> String {
    let path = file.to_string_lossy();
    path.replace('%', "%25")
        .replace('?', "%3f")
        .replace('#', "%23")
}

/// Writes the log into the file and empties it: it holds pages as they were before an erasure. It waits for no reader;
/// what one keeps from going, the next one takes.
pub(super) fn empty_log(db: &Connection) -> rusqlite::Result<()> {
    db.busy_timeout(Duration::ZERO)?;
    let emptied = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()));
    db.busy_timeout(BUSY_TIMEOUT)?;
    emptied
}

pub(super) fn fails(error: rusqlite::Error) -> StoreUnavailable {
    unavailable(NAME, error)
}

/// A failure that several have to be told.
pub(super) fn failed(error: &impl ToString) -> StoreUnavailable {
    unavailable(NAME, error.to_string())
}
