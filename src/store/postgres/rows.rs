//! Rows of results.

use super::connection::PostgresFailure;
use crate::store::record::rows::{AccountRow, AlertRow, EndingRow, NoticeRow, Projections};
use countersign_domain::audit_event::StoredAuditEvent;
use tokio_postgres::Row;

/// An account, its columns by name. The profile is empty where it was not selected.
pub(super) fn account(row: &Row, profile: Vec<u8>) -> Result<AccountRow, PostgresFailure> {
    Ok(AccountRow {
        tenant_id: row.try_get("tenant_id")?,
        user_id: row.try_get("user_id")?,
        skeleton: row.try_get("skeleton")?,
        exact_id: row.try_get("exact_id")?,
        version: row.try_get("version")?,
        form: row.try_get("form")?,
        key_id: row.try_get("key_id")?,
        record: row.try_get("record")?,
        profile,
        projections: Projections {
            email_tag: row.try_get("email_tag")?,
            methods: row.try_get("methods")?,
            last_failure_at: row.try_get("last_failure_at")?,
        },
    })
}

pub(super) fn ending(row: &Row) -> Result<Option<EndingRow>, PostgresFailure> {
    let id: Vec<u8> = row.try_get("challenge_id")?;
    let Ok(challenge_id) = id.try_into() else {
        return Ok(None);
    };
    Ok(Some(EndingRow {
        challenge_id,
        at: row.try_get("ended_at")?,
        ending: row.try_get("ending")?,
    }))
}

pub(super) fn event(row: &Row) -> Result<StoredAuditEvent, PostgresFailure> {
    Ok(StoredAuditEvent {
        row: row.try_get("position")?,
        id: row.try_get("event_id")?,
        tenant: row.try_get("tenant_id")?,
        subject: row.try_get("subject")?,
        kind: row.try_get("kind")?,
        caller: row.try_get("caller")?,
        at: row.try_get("at")?,
        details: row.try_get("details")?,
        personal: row.try_get("personal")?,
    })
}

pub(super) fn notice(row: &Row) -> Result<NoticeRow, PostgresFailure> {
    Ok(NoticeRow {
        position: row.try_get("position")?,
        notice_id: row.try_get("notice_id")?,
        subject: row.try_get("subject")?,
        channel: row.try_get("channel")?,
        sealed: row.try_get("sealed")?,
        attempts: row.try_get("attempts")?,
        queued_at: row.try_get("queued_at")?,
        dead_at: row.try_get("dead_at")?,
        death: row.try_get("death")?,
    })
}

pub(super) fn alert(row: &Row) -> Result<AlertRow, PostgresFailure> {
    Ok(AlertRow {
        position: row.try_get("position")?,
        tenant_id: row.try_get("tenant_id")?,
        user_id: row.try_get("user_id")?,
        subject: row.try_get("subject")?,
        turn: row.try_get("turn")?,
        kind: row.try_get("kind")?,
        method_id: row.try_get("method_id")?,
        method_kind: row.try_get("method_kind")?,
        codes_left: row.try_get("codes_left")?,
        at: row.try_get("at")?,
    })
}

/// All rows of a kind.
pub(super) fn all<T>(
    rows: &[Row],
    one: impl Fn(&Row) -> Result<T, PostgresFailure>,
) -> Result<Vec<T>, PostgresFailure> {
    rows.iter().map(one).collect()
}

/// The one number of the one row.
pub(super) fn number(rows: &[Row]) -> Result<i64, PostgresFailure> {
    let number = rows.first().map(|row| row.try_get(0)).transpose()?;
    Ok(number.unwrap_or_default())
}
