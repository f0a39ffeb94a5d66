//! The outbox: a queue for each user and channel. A claim reads the queues that are due and the oldest notice of each.

use super::{
    rows::{NOTICE, notice_row},
    writer::{JobAnswer, JobResult},
};
use crate::store::{
    durable::{
        ClaimedNoticeRows, DispatchedAlert, FinishedNoticeRow, NoticeClaim, NoticeRowEnding,
    },
    record::rows::{NewNoticeRow, NoticeRow},
};
use countersign_domain::value::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

/// The queues that are due, the longest due first. ?1 the channel, ?2 now, ?3 how many at most
const DUE: &str = "SELECT subject FROM outbox_queues WHERE channel = ?1 AND due_at <= ?2 ORDER BY due_at, position LIMIT ?3";

/// The oldest notice of a queue, and whether an alert of the user is older. ?1 the user, ?2 the channel
const HEAD: &str = "SELECT o.position, o.notice_id,
        EXISTS (SELECT 1 FROM alerts a WHERE a.subject = o.subject AND a.turn < o.turn)
    FROM outbox o WHERE o.subject = ?1 AND o.channel = ?2 AND o.dead_at IS NULL ORDER BY o.turn, o.position LIMIT 1";

const DELETE_QUEUE: &str = "DELETE FROM outbox_queues WHERE subject = ?1 AND channel = ?2";

const HOLD_QUEUE: &str = "UPDATE outbox_queues SET due_at = ?3, claimed_notice = NULL, held = 1 WHERE subject = ?1 AND channel = ?2";

const CLAIM_QUEUE: &str = "UPDATE outbox_queues SET due_at = ?3, claimed_notice = ?4, held = 0 WHERE subject = ?1 AND channel = ?2";

const CLAIM_HEAD: &str = "UPDATE outbox SET attempts = attempts + 1 WHERE position = ?1
    RETURNING position, notice_id, subject, channel, sealed, attempts - 1, queued_at, dead_at, death";

/// The notices of a user on a channel.
struct NoticeQueue {
    subject: Vec<u8>,
    channel: String,
}

/// The oldest notice of a queue.
struct QueueHead {
    position: i64,
    notice_id: Vec<u8>,
    is_held: bool,
}

/// Queues a notice. A queue that exists keeps its time.
pub(super) fn insert_notice(db: &Connection, row: &NewNoticeRow) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO outbox (notice_id, subject, turn, channel, sealed, queued_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        row.notice_id,
        row.subject.0,
        row.turn,
        row.channel,
        row.sealed,
        row.at
    ])?;
    db.prepare_cached(
        "INSERT INTO outbox_queues (subject, channel, due_at, position) VALUES (?1, ?2, ?3, last_insert_rowid())
         ON CONFLICT DO NOTHING",
    )?
    .execute(params![row.subject.0, row.channel, row.at])
    .map(drop)
}

/// Makes the queues of a user due that are held by an alert.
pub(super) fn release_queues(db: &Connection, alert: DispatchedAlert) -> rusqlite::Result<()> {
    db.prepare_cached(
        "UPDATE outbox_queues SET due_at = ?2, held = 0 WHERE subject = ?1 AND held = 1",
    )?
    .execute(params![alert.subject.0, alert.now])
    .map(drop)
}

/// Whether a queue is due.
pub(super) fn has_due(db: &Connection, claim: NoticeClaim) -> rusqlite::Result<bool> {
    let mut statement = db.prepare_cached(DUE)?;
    statement.exists(params![claim.channel, claim.now, 1])
}

/// Claims the oldest notice of each queue that is due, until a lease runs out.
pub(super) fn claim_notices(db: &Connection, claim: NoticeClaim) -> JobResult<ClaimedNoticeRows> {
    let due = db
        .prepare_cached(DUE)?
        .query_map(params![claim.channel, claim.now, claim.at_most], |row| {
            row.get(0)
        })?
        .collect::<rusqlite::Result<Vec<Vec<u8>>>>()?;
    let mut claimed = ClaimedNoticeRows {
        queues: due.len(),
        ..ClaimedNoticeRows::default()
    };
    for subject in due {
        match head(db, &subject, claim.channel)? {
            None => delete_queue(db, &subject, claim.channel)?,
            Some(head) if head.is_held => hold_queue(db, &subject, claim)?,
            Some(head) => claimed
                .notices
                .push(claim_head(db, &subject, &head, claim)?),
        }
    }
    Ok(JobAnswer::Keep(claimed))
}

fn head(db: &Connection, subject: &[u8], channel: &str) -> rusqlite::Result<Option<QueueHead>> {
    let mut statement = db.prepare_cached(HEAD)?;
    let head = statement.query_row(params![subject, channel], |row| {
        Ok(QueueHead {
            position: row.get(0)?,
            notice_id: row.get(1)?,
            is_held: row.get(2)?,
        })
    });
    head.optional()
}

fn delete_queue(db: &Connection, subject: &[u8], channel: &str) -> rusqlite::Result<()> {
    db.prepare_cached(DELETE_QUEUE)?
        .execute(params![subject, channel])
        .map(drop)
}

fn hold_queue(db: &Connection, subject: &[u8], claim: NoticeClaim) -> rusqlite::Result<()> {
    db.prepare_cached(HOLD_QUEUE)?
        .execute(params![subject, claim.channel, claim.held_until])
        .map(drop)
}

fn claim_head(
    db: &Connection,
    subject: &[u8],
    head: &QueueHead,
    claim: NoticeClaim,
) -> rusqlite::Result<NoticeRow> {
    db.prepare_cached(CLAIM_QUEUE)?.execute(params![
        subject,
        claim.channel,
        claim.lease_until,
        head.notice_id
    ])?;
    let mut statement = db.prepare_cached(CLAIM_HEAD)?;
    statement.query_row([head.position], notice_row)
}

/// Records the outcomes of deliveries.
pub(super) fn finish_notices(
    db: &Connection,
    finished: &[FinishedNoticeRow],
    now: Timestamp,
) -> JobResult<()> {
    for finished in finished {
        let mut statement =
            db.prepare_cached("SELECT subject, channel FROM outbox WHERE notice_id = ?1")?;
        let queue = statement.query_row([finished.notice_id], |row| {
            Ok(NoticeQueue {
                subject: row.get(0)?,
                channel: row.get(1)?,
            })
        });
        // An erased user's notices are gone.
        let Some(queue) = queue.optional()? else {
            continue;
        };
        end_notice(db, finished)?;
        let due_at = finished.end.retry_at().unwrap_or(now.millis());
        move_queue(db, &queue, finished.notice_id, due_at)?;
    }
    Ok(JobAnswer::Keep(()))
}

fn end_notice(db: &Connection, finished: &FinishedNoticeRow) -> rusqlite::Result<()> {
    let id = finished.notice_id;
    match finished.end {
        NoticeRowEnding::RetryAt(_) => Ok(()),
        NoticeRowEnding::Delivered => db
            .prepare_cached("DELETE FROM outbox WHERE notice_id = ?1")?
            .execute([id])
            .map(drop),
        NoticeRowEnding::Dead(at, why) => db
            .prepare_cached("UPDATE outbox SET dead_at = ?2, death = ?3 WHERE notice_id = ?1")?
            .execute(params![id, at, why])
            .map(drop),
    }
}

/// A queue changes only for the notice that is claimed there: somebody else may have claimed the next one since.
fn move_queue(
    db: &Connection,
    queue: &NoticeQueue,
    finished: [u8; 16],
    due_at: i64,
) -> rusqlite::Result<()> {
    let NoticeQueue { subject, channel } = queue;
    let moved = db
        .prepare_cached(
            "UPDATE outbox_queues SET due_at = ?4, claimed_notice = NULL
             WHERE subject = ?1 AND channel = ?2 AND claimed_notice = ?3",
        )?
        .execute(params![subject, channel, finished, due_at])?;
    if moved > 0 && head(db, subject, channel)?.is_none() {
        delete_queue(db, subject, channel)?;
    }
    Ok(())
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
    // A queue with a claimed notice stays as it is: the revived one is next.
    db.prepare_cached(
        "INSERT INTO outbox_queues (subject, channel, due_at, position)
         SELECT subject, channel, ?1, min(position) FROM outbox
         WHERE dead_at IS NOT NULL AND (?2 IS NULL OR notice_id = ?2) GROUP BY subject, channel
         ON CONFLICT (subject, channel) DO UPDATE SET due_at = min(due_at, excluded.due_at)
             WHERE claimed_notice IS NULL",
    )?
    .execute(params![now.millis(), which])?;
    let mut statement = db.prepare_cached(
        "UPDATE outbox SET dead_at = NULL, death = NULL, attempts = 0, queued_at = ?1
         WHERE dead_at IS NOT NULL AND (?2 IS NULL OR notice_id = ?2)",
    )?;
    let revived = statement.execute(params![now.millis(), which])?;
    Ok(JobAnswer::Keep(u64::try_from(revived).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests;
