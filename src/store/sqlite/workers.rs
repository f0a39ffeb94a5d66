//! What the workers read and write: security alerts, retention, the write probe.

use super::{
    operations::exists,
    outbox::{insert_notice, release_queues},
    writer::{JobAnswer, JobResult},
};
use crate::store::{
    durable::DispatchedAlert,
    record::rows::{AlertRow, NewNoticeRow},
};
use countersign_domain::value::{id::Subject, time::Timestamp};
use rusqlite::Connection;
use std::time::Duration;

/// How many rows one purge deletes at most; one that deletes as many is carried out again.
pub(super) const PURGED_AT_ONCE: usize = 1_000;

/// A statement that deletes rows older than an instant.
#[derive(Clone, Copy)]
pub(super) struct PurgeStatement {
    sql: &'static str,
    /// Milliseconds since 1970.
    before: i64,
}

/// What no rule asks for any more. What a user's record holds is pruned when it is saved.
pub(super) fn purge_statements(now: Timestamp) -> [PurgeStatement; 4] {
    let before = |age: Duration| now.minus(age).millis();
    [
        PurgeStatement {
            sql: "DELETE FROM idempotency_records WHERE key_digest IN (
                 SELECT key_digest FROM idempotency_records WHERE at < ?1 LIMIT ?2)",
            before: before(Duration::from_mins(11)),
        },
        PurgeStatement {
            sql: "DELETE FROM attestations WHERE (caller, attestation_id) IN (
                 SELECT caller, attestation_id FROM attestations WHERE at < ?1 LIMIT ?2)",
            before: before(Duration::from_hours(1)),
        },
        PurgeStatement {
            sql: "DELETE FROM ended_challenges WHERE (tenant_id, user_id, challenge_id) IN (
                 SELECT tenant_id, user_id, challenge_id FROM ended_challenges WHERE ended_at < ?1 LIMIT ?2)",
            before: before(Duration::from_hours(7 * 24)),
        },
        PurgeStatement {
            sql: "DELETE FROM outbox WHERE position IN (SELECT position FROM outbox WHERE dead_at < ?1 LIMIT ?2)",
            before: before(Duration::from_hours(30 * 24)),
        },
    ]
}

/// Deletes old rows; how many.
pub(super) fn purge(db: &Connection, statement: &PurgeStatement) -> JobResult<usize> {
    let PurgeStatement { sql, before } = *statement;
    let at_once = i64::try_from(PURGED_AT_ONCE).unwrap_or(i64::MAX);
    let purged = db.prepare_cached(sql)?.execute([before, at_once])?;
    Ok(JobAnswer::Keep(purged))
}

/// Writes the row that proves that the file takes writes.
pub(super) fn probe_write(db: &Connection, now: Timestamp) -> JobResult<()> {
    db.prepare_cached(
        "INSERT INTO write_probe (id, written_at) VALUES (1, ?1)
         ON CONFLICT (id) DO UPDATE SET written_at = excluded.written_at",
    )?
    .execute([now.millis()])?;
    Ok(JobAnswer::Keep(()))
}

/// Security alerts that are due.
pub(super) fn due_alerts(
    db: &Connection,
    now: Timestamp,
    at_most: i64,
) -> rusqlite::Result<Vec<AlertRow>> {
    let mut statement = db.prepare_cached(
        "SELECT position, tenant_id, user_id, subject, turn, kind, method_id, method_kind, codes_left, at
         FROM alerts WHERE due_at <= ?1 ORDER BY due_at, position LIMIT ?2",
    )?;
    let alerts = statement.query_map([now.millis(), at_most], |row| {
        Ok(AlertRow {
            position: row.get(0)?,
            tenant_id: row.get(1)?,
            user_id: row.get(2)?,
            subject: row.get(3)?,
            turn: row.get(4)?,
            kind: row.get(5)?,
            method_id: row.get(6)?,
            method_kind: row.get(7)?,
            codes_left: row.get(8)?,
            at: row.get(9)?,
        })
    })?;
    alerts.collect()
}

/// Takes an alert away and queues its notices. Nothing is queued for a user who was erased meanwhile.
pub(super) fn dispatch_alert(
    db: &Connection,
    subject: &Subject,
    alert: DispatchedAlert,
    notices: &[NewNoticeRow],
) -> JobResult<bool> {
    if !exists(db, subject)? {
        return Ok(JobAnswer::Undo(false));
    }
    let taken = db
        .prepare_cached("DELETE FROM alerts WHERE position = ?1")?
        .execute([alert.position])?;
    if taken == 0 {
        return Ok(JobAnswer::Undo(false));
    }
    release_queues(db, alert)?;
    for notice in notices {
        insert_notice(db, notice)?;
    }
    Ok(JobAnswer::Keep(true))
}

/// Puts an alert off.
pub(super) fn postpone_alert(db: &Connection, position: i64, until: Timestamp) -> JobResult<()> {
    db.prepare_cached("UPDATE alerts SET due_at = ?2 WHERE position = ?1")?
        .execute([position, until.millis()])?;
    Ok(JobAnswer::Keep(()))
}
