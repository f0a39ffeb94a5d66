//! What holds for the whole file.

use super::queue::{Answer, JobResult};
use crate::store::record::DatabaseState;
use rusqlite::{Connection, params};

pub(super) fn read(db: &Connection) -> rusqlite::Result<DatabaseState> {
    let mut statement = db.prepare_cached("SELECT writes_form, canary FROM database_state")?;
    statement.query_row((), |row| {
        Ok(DatabaseState {
            writes_form: row.get(0)?,
            canary: row.get(1)?,
        })
    })
}

pub(super) fn raise_form(db: &Connection, form: i32) -> JobResult<()> {
    let raise = "UPDATE database_state SET writes_form = ?1 WHERE writes_form < ?1";
    db.execute(raise, [form])?;
    Ok(Answer::Keep(()))
}

pub(super) fn replace_canary(db: &Connection, before: &[u8], canary: &[u8]) -> JobResult<()> {
    let replace = "UPDATE database_state SET canary = ?2 WHERE canary = ?1";
    db.execute(replace, params![before, canary])?;
    Ok(Answer::Keep(()))
}
