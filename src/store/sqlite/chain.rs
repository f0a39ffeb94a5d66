//! The audit chain: segments are appended behind the events, which never change.

use super::{
    rows::{EVENT, event_row},
    writer::{JobAnswer, JobResult},
};
use crate::store::durable::UnchainedRows;
use countersign_domain::audit_event::{ChainHead, StoredAuditEvent};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;

/// How many events one round chains at most.
const EVENTS_PER_BATCH: i64 = 2_000;

/// Whether there are events behind the cursor.
pub(super) fn has_new_events(db: &Connection) -> rusqlite::Result<bool> {
    let mut statement = db.prepare_cached(
        "SELECT 1 FROM events WHERE position > (SELECT position FROM audit_cursor) LIMIT 1",
    )?;
    statement.exists(())
}

/// The first event behind the cursor, and how many there are.
pub(super) fn unchained_events(
    db: &Connection,
    at_most: i64,
) -> rusqlite::Result<Option<UnchainedRows>> {
    let mut statement = db.prepare_cached(
        "WITH unchained AS (
             SELECT position, at FROM events WHERE position > (SELECT position FROM audit_cursor)
             ORDER BY position LIMIT ?1)
         SELECT at, (SELECT count(*) FROM unchained) FROM unchained ORDER BY position LIMIT 1",
    )?;
    let unchained = statement.query_row([at_most], |row| {
        Ok(UnchainedRows {
            oldest_at: row.get(0)?,
            count: row.get(1)?,
        })
    });
    unchained.optional()
}

/// Appends a segment for each tenant with new events; how many events there were.
pub(super) fn append_segments(db: &Connection) -> JobResult<u64> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {EVENT} FROM events WHERE position > (SELECT position FROM audit_cursor)
         ORDER BY position LIMIT ?1"
    ))?;
    let events = statement.query_map([EVENTS_PER_BATCH], event_row)?;
    let events = events.collect::<rusqlite::Result<Vec<StoredAuditEvent>>>()?;
    let Some(last) = events.last().map(|event| event.row) else {
        return Ok(JobAnswer::Undo(0));
    };
    let count = u64::try_from(events.len()).unwrap_or(u64::MAX);
    let mut by_tenant: BTreeMap<String, Vec<StoredAuditEvent>> = BTreeMap::new();
    for event in events {
        by_tenant
            .entry(event.tenant.clone())
            .or_default()
            .push(event);
    }
    for (tenant, events) in &by_tenant {
        append_segment(db, tenant, events)?;
    }
    db.prepare_cached("UPDATE audit_cursor SET position = ?1")?
        .execute([last])?;
    Ok(JobAnswer::Keep(count))
}

fn append_segment(
    db: &Connection,
    tenant: &str,
    events: &[StoredAuditEvent],
) -> rusqlite::Result<()> {
    let (Some(first), Some(last)) = (events.first(), events.last()) else {
        return Ok(());
    };
    let (number, head) = head(db, tenant)?;
    let after = events.iter().fold(head, ChainHead::after);
    let mut statement = db.prepare_cached(
        "INSERT INTO audit_segments (tenant_id, number, first_position, last_position, last_sequence, previous_hash, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let values = params![
        tenant,
        number + 1,
        first.row,
        last.row,
        after.sequence,
        head.hash,
        after.hash
    ];
    statement.execute(values).map(drop)
}

/// The number of the last segment, and the head of the chain after it.
fn head(db: &Connection, tenant: &str) -> rusqlite::Result<(i64, ChainHead)> {
    let mut statement = db.prepare_cached(
        "SELECT number, last_sequence, hash FROM audit_segments WHERE tenant_id = ?1
         ORDER BY number DESC LIMIT 1",
    )?;
    let head = statement.query_row([tenant], |row| {
        let head = ChainHead {
            sequence: row.get(1)?,
            hash: row.get(2)?,
        };
        Ok((row.get(0)?, head))
    });
    Ok(head.optional()?.unwrap_or((0, ChainHead::EMPTY)))
}
