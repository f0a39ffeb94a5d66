//! What the workers read and write: the outbox, security alerts, retention.

use super::{
    operations::{exists, insert_notice},
    queue::{Answer, JobResult},
    reads::{NOTICE, notice_row},
};
use crate::store::{
    durable::NoticeEnd,
    record::rows::{AlertRow, NewNoticeRow, NoticeRow},
};
use countersign_domain::{id::Subject, time::Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use std::time::Duration;

/// How many rows one purge deletes at most; one that deletes as many is carried out again.
pub(super) const PURGED_AT_ONCE: usize = 1_000;

/// How often a purge is carried out in one round at most. The next round goes on.
pub(super) const PURGE_ROUNDS: u32 = 100;

/// A statement that deletes old rows, and before when.
pub(super) type Purge = (&'static str, i64);

/// What no rule asks for any more. What a user's record holds is pruned when it is saved.
pub(super) fn purge_statements(now: Timestamp) -> [Purge; 4] {
    let before = |age: Duration| now.minus(age).millis();
    [
        (
            "DELETE FROM idempotency_records WHERE key_digest IN (
                 SELECT key_digest FROM idempotency_records WHERE at < ?1 LIMIT ?2)",
            before(Duration::from_mins(11)),
        ),
        (
            "DELETE FROM attestations WHERE (caller, attestation_id) IN (
                 SELECT caller, attestation_id FROM attestations WHERE at < ?1 LIMIT ?2)",
            before(Duration::from_hours(1)),
        ),
        (
            "DELETE FROM ended_challenges WHERE (tenant_id, user_id, challenge_id) IN (
                 SELECT tenant_id, user_id, challenge_id FROM ended_challenges WHERE ended_at < ?1 LIMIT ?2)",
            before(Duration::from_hours(7 * 24)),
        ),
        (
            "DELETE FROM outbox WHERE position IN (SELECT position FROM outbox WHERE dead_at < ?1 LIMIT ?2)",
            before(Duration::from_hours(30 * 24)),
        ),
    ]
}

/// Deletes old rows; how many.
pub(super) fn purge(db: &Connection, (sql, before): Purge) -> JobResult<usize> {
    let at_once = i64::try_from(PURGED_AT_ONCE).unwrap_or(i64::MAX);
    let purged = db.prepare_cached(sql)?.execute([before, at_once])?;
    Ok(Answer::Keep(purged))
}

/// Writes the row that proves that the file takes writes.
pub(super) fn probe_write(db: &Connection, now: Timestamp) -> JobResult<()> {
    db.prepare_cached(
        "INSERT INTO write_probe (id, written_at) VALUES (1, ?1)
         ON CONFLICT (id) DO UPDATE SET written_at = excluded.written_at",
    )?
    .execute([now.millis()])?;
    Ok(Answer::Keep(()))
}

/// Which notice is to be claimed. ?1 the channel, ?2 now
const DUE: &str = "SELECT o.position FROM outbox o
    WHERE o.channel = ?1 AND o.due_at <= ?2 AND o.dead_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM outbox e WHERE e.subject = o.subject AND e.channel = o.channel
            AND e.dead_at IS NULL AND (e.turn, e.position) < (o.turn, o.position))
        AND NOT EXISTS (SELECT 1 FROM alerts a WHERE a.subject = o.subject AND a.turn < o.turn)
    ORDER BY o.due_at, o.position LIMIT 1";

/// Whether there is a notice to claim.
pub(super) fn has_due(
    db: &Connection,
    channel: &'static str,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    db.prepare_cached(DUE)?
        .exists(params![channel, now.millis()])
}

/// Takes a notice that is due, until a lease runs out.
pub(super) fn claim_notice(
    db: &Connection,
    channel: &'static str,
    now: Timestamp,
    lease_until: Timestamp,
) -> JobResult<Option<NoticeRow>> {
    let sql = format!(
        "UPDATE outbox SET attempts = attempts + 1, due_at = ?3 WHERE position = ({DUE})
         RETURNING position, notice_id, subject, channel, sealed, attempts - 1, queued_at, dead_at, death"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let values = params![channel, now.millis(), lease_until.millis()];
    let claimed = statement.query_row(values, notice_row).optional()?;
    Ok(Answer::Keep(claimed))
}

/// Notes what became of a notice.
pub(super) fn finish_notice(db: &Connection, notice_id: [u8; 16], end: NoticeEnd) -> JobResult<()> {
    match end {
        NoticeEnd::Delivered => db
            .prepare_cached("DELETE FROM outbox WHERE notice_id = ?1")?
            .execute(params![notice_id]),
        NoticeEnd::RetryAt(due) => db
            .prepare_cached("UPDATE outbox SET due_at = ?2 WHERE notice_id = ?1")?
            .execute(params![notice_id, due]),
        NoticeEnd::Dead(at, why) => db
            .prepare_cached("UPDATE outbox SET dead_at = ?2, death = ?3 WHERE notice_id = ?1")?
            .execute(params![notice_id, at, why]),
    }?;
    Ok(Answer::Keep(()))
}

/// Security alerts that are due.
pub(super) fn due_alerts(
    db: &Connection,
    now: Timestamp,
    at_most: i64,
) -> rusqlite::Result<Vec<AlertRow>> {
    let mut statement = db.prepare_cached(
        "SELECT position, tenant_id, user_id, subject, turn, kind, method_id, method_kind, codes_left, at
         FROM alerts WHERE due_at <= ?1 ORDER BY position LIMIT ?2",
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
pub(super) fn announce(
    db: &Connection,
    subject: &Subject,
    position: i64,
    notices: &[NewNoticeRow],
) -> JobResult<bool> {
    if !exists(db, subject)? {
        return Ok(Answer::Undo(false));
    }
    let taken = db
        .prepare_cached("DELETE FROM alerts WHERE position = ?1")?
        .execute([position])?;
    if taken == 0 {
        return Ok(Answer::Undo(false));
    }
    for notice in notices {
        insert_notice(db, notice)?;
    }
    Ok(Answer::Keep(true))
}

/// Puts an alert off.
pub(super) fn postpone_alert(db: &Connection, position: i64, until: Timestamp) -> JobResult<()> {
    db.prepare_cached("UPDATE alerts SET due_at = ?2 WHERE position = ?1")?
        .execute([position, until.millis()])?;
    Ok(Answer::Keep(()))
}

/// A page of the outbox.
pub(super) fn notices(
    db: &Connection,
    only_dead: bool,
    after: i64,
    at_most: i64,
) -> rusqlite::Result<Vec<NoticeRow>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {NOTICE} FROM outbox WHERE position > ?1 AND (?2 = 0 OR dead_at IS NOT NULL)
         ORDER BY position LIMIT ?3"
    ))?;
    let notices = statement.query_map(params![after, only_dead, at_most], notice_row)?;
    notices.collect()
}

/// Brings dead notices back.
pub(super) fn revive_notices(
    db: &Connection,
    which: Option<[u8; 16]>,
    now: Timestamp,
) -> JobResult<u64> {
    let mut statement = db.prepare_cached(
        "UPDATE outbox SET dead_at = NULL, death = NULL, attempts = 0, queued_at = ?1, due_at = ?1
         WHERE dead_at IS NOT NULL AND (?2 IS NULL OR notice_id = ?2)",
    )?;
    let revived = statement.execute(params![now.millis(), which])?;
    Ok(Answer::Keep(u64::try_from(revived).unwrap_or(u64::MAX)))
}
