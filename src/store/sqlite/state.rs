//! What holds for the whole file.

use super::writer::{JobAnswer, JobResult};
use crate::store::record::DatabaseState;
use rusqlite::{Connection, params};

pub(super) fn read(db: &Connection) -> rusqlite::Result<DatabaseState> {
    let mut statement = db.prepare_cached("SELECT writes_form, keys_in_use FROM database_state")?;
    statement.query_row((), |row| {
        Ok(DatabaseState {
            writes_form: row.get(0)?,
            keys_in_use: row.get(1)?,
        })
    })
}

pub(super) fn raise_form(db: &Connection, form: i32) -> JobResult<()> {
    let raise = "UPDATE database_state SET writes_form = ?1 WHERE writes_form < ?1";
    db.execute(raise, [form])?;
    Ok(JobAnswer::Keep(()))
}

pub(super) fn replace_keys_in_use(db: &Connection, before: &[u8], after: &[u8]) -> JobResult<bool> {
    let replace = "UPDATE database_state SET keys_in_use = ?2 WHERE keys_in_use = ?1";
    Ok(JobAnswer::Keep(
        db.execute(replace, params![before, after])? > 0,
    ))
}
