//! The audit chain: committed events get numbers and hashes, in segments of their own. No event is touched.
//!
//! Events are taken in the order of their transaction ids, below those of all that still run: what commits late is not left
//! behind.

use super::{
    PostgresEngine,
    connection::{PipelinedConnection, PostgresFailure},
    rows,
    settings::NAME,
    sql_params::SqlParam,
};
use crate::store::{
    durable::UnchainedRows,
    record::{InvalidRow, unavailable},
};
use countersign_domain::audit_event::{ChainHead, StoredAuditEvent};
use std::collections::{BTreeMap, HashMap};

/// How many events are chained in one transaction.
const EVENTS_AT_ONCE: i64 = 1_000;

/// How many transactions one round takes: the worker has other things to do.
const TRANSACTIONS_AT_ONCE: u32 = 16;

/// One worker at a time, in all processes on one schema.
const LOCK: &str = "SELECT pg_try_advisory_xact_lock(1668510837, hashtext(current_schema()))";

const NEXT: &str = include_str!("next_events.sql");

/// How far the chains reach.
struct ChainCursor {
    xid: String,
    position: i64,
    floor_position: i64,
    max_position: i64,
    is_of_this_cluster: bool,
}

const UNCHAINED: &str = include_str!("unchained_events.sql");

impl PostgresEngine {
    pub(super) async fn count_unchained(
        &self,
        at_most: i64,
    ) -> Result<Option<UnchainedRows>, PostgresFailure> {
        let rows = self.scans.read(UNCHAINED, &[&at_most]).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        Ok(Some(UnchainedRows {
            oldest_at: row.try_get("oldest_at")?,
            count: row.try_get("waiting")?,
        }))
    }

    pub(super) async fn chain(&self) -> Result<u64, PostgresFailure> {
        let mut chained = 0;
        for _ in 0..TRANSACTIONS_AT_ONCE {
            let lease = self.scans.lease().await?;
            let batch = lease.within(chain_batch(&lease)).await?;
            lease.release();
            chained += batch;
            if batch < EVENTS_AT_ONCE.cast_unsigned() {
                break;
            }
        }
        Ok(chained)
    }
}

async fn chain_batch(connection: &PipelinedConnection) -> Result<u64, PostgresFailure> {
    connection.begin().await?;
    let alone = connection.rows(LOCK, &[]).await?;
    let alone = alone.first().map(|row| row.try_get(0)).transpose()?;
    if alone != Some(true) {
        connection.simple("ROLLBACK").await?;
        return Ok(0);
    }
    let cursor = cursor(connection).await?;
    let chained = if cursor.is_of_this_cluster {
        chain_next(connection, &cursor).await?
    } else {
        catch_up(connection, &cursor).await?
    };
    connection.simple("COMMIT").await?;
    Ok(chained)
}

async fn cursor(connection: &PipelinedConnection) -> Result<ChainCursor, PostgresFailure> {
    const BEGIN: &str =
        "INSERT INTO audit_cursor (system_identifier, xid, position, floor_position, max_position)
        VALUES (cluster_identifier(), '0', 0, 0, 0) ON CONFLICT (is_only) DO NOTHING";
    const CURSOR: &str = "SELECT xid::text AS xid, position, floor_position, max_position,
            system_identifier = cluster_identifier() AS is_of_this_cluster FROM audit_cursor";
    let mut rows = connection.rows(CURSOR, &[]).await?;
    if rows.is_empty() {
        connection.execute(BEGIN, &[]).await?;
        rows = connection.rows(CURSOR, &[]).await?;
    }
    let none = || unavailable(NAME, InvalidRow::Shape("no cursor of the audit chain"));
    let row = rows.first().ok_or_else(none)?;
    Ok(ChainCursor {
        xid: row.try_get("xid")?,
        position: row.try_get("position")?,
        floor_position: row.try_get("floor_position")?,
        max_position: row.try_get("max_position")?,
        is_of_this_cluster: row.try_get("is_of_this_cluster")?,
    })
}

async fn chain_next(
    connection: &PipelinedConnection,
    cursor: &ChainCursor,
) -> Result<u64, PostgresFailure> {
    const MOVE: &str = "UPDATE audit_cursor SET xid = $1::text::xid8, position = $2, max_position = greatest(max_position, $3)";
    let values: [&dyn SqlParam; 4] = [
        &cursor.xid,
        &cursor.position,
        &cursor.floor_position,
        &EVENTS_AT_ONCE,
    ];
    let next = connection.rows(NEXT, &values).await?;
    let Some(last) = next.last() else {
        return Ok(0);
    };
    let (xid, position): (String, i64) = (last.try_get("xid")?, last.try_get("position")?);
    let events = rows::all(&next, rows::event)?;
    let max_position = events
        .iter()
        .map(|event| event.row)
        .max()
        .unwrap_or(position);
    append(connection, &events).await?;
    connection
        .execute(MOVE, &[&xid, &position, &max_position])
        .await?;
    Ok(count(&events))
}

/// After a restore into another cluster, transaction ids begin again. Nobody adds events while all that are not chained
/// yet are: those behind the old cursor, and those that were added since.
async fn catch_up(
    connection: &PipelinedConnection,
    cursor: &ChainCursor,
) -> Result<u64, PostgresFailure> {
    const LEFT: &str = "SELECT position, event_id, tenant_id, subject, kind, caller, at, details, personal FROM events
        WHERE position > $4 AND ((xid, position) > ($1::text::xid8, $2) OR position > $3)
        ORDER BY position LIMIT $5";
    const BEGIN_AGAIN: &str = "UPDATE audit_cursor SET system_identifier = cluster_identifier(),
            xid = pg_snapshot_xmin(pg_current_snapshot()), position = 0,
            floor_position = greatest(max_position, $1), max_position = greatest(max_position, $1)";
    connection.simple("LOCK TABLE events IN SHARE MODE").await?;
    let mut chained = 0;
    let mut last = 0;
    loop {
        let values: [&dyn SqlParam; 5] = [
            &cursor.xid,
            &cursor.position,
            &cursor.max_position,
            &last,
            &EVENTS_AT_ONCE,
        ];
        let left = connection.rows(LEFT, &values).await?;
        let events = rows::all(&left, rows::event)?;
        let Some(event) = events.last() else {
            break;
        };
        last = event.row;
        append(connection, &events).await?;
        chained += count(&events);
    }
    connection.execute(BEGIN_AGAIN, &[&last]).await?;
    Ok(chained)
}

/// The end of a tenant's chain.
#[derive(Clone, Copy)]
struct ChainTail {
    number: i64,
    head: ChainHead,
}

/// Appends one segment for each tenant, with two statements for all of them.
async fn append(
    connection: &PipelinedConnection,
    events: &[StoredAuditEvent],
) -> Result<(), PostgresFailure> {
    const INSERT: &str = "INSERT INTO audit_segments (tenant_id, number, first_position, last_position, first_sequence,
            last_sequence, previous_hash, hash)
        SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
            $7::bytea[], $8::bytea[])";
    let mut by_tenant: BTreeMap<&str, Vec<&StoredAuditEvent>> = BTreeMap::new();
    for event in events {
        by_tenant.entry(&event.tenant).or_default().push(event);
    }
    let tenants: Vec<&str> = by_tenant.keys().copied().collect();
    let last_segments = last_segments(connection, &tenants).await?;
    let before = |tenant: &str| last_segments.get(tenant).copied();
    let before = tenants.iter().map(|tenant| before(tenant));
    let before: Vec<ChainTail> = before.map(Option::unwrap_or_default).collect();
    let ends = by_tenant.values().filter_map(|events| {
        let ends = events.first().zip(events.last());
        ends.map(|(first, last)| (first.row, last.row))
    });
    let (first_positions, last_positions): (Vec<i64>, Vec<i64>) = ends.unzip();
    let after = by_tenant.values().zip(&before).map(|(events, before)| {
        let events = events.iter();
        events.fold(before.head, |head, event| head.after(event))
    });
    let after: Vec<ChainHead> = after.collect();
    let numbers: Vec<i64> = before.iter().map(|last| last.number + 1).collect();
    let first_sequences = before.iter().map(|last| last.head.sequence + 1);
    let first_sequences: Vec<i64> = first_sequences.collect();
    let last_sequences: Vec<i64> = after.iter().map(|head| head.sequence).collect();
    let previous: Vec<&[u8]> = before
        .iter()
        .map(|last| last.head.hash.as_slice())
        .collect();
    let hashes: Vec<&[u8]> = after.iter().map(|head| head.hash.as_slice()).collect();
    let values: [&dyn SqlParam; 8] = [
        &tenants,
        &numbers,
        &first_positions,
        &last_positions,
        &first_sequences,
        &last_sequences,
        &previous,
        &hashes,
    ];
    connection.execute(INSERT, &values).await?;
    Ok(())
}

/// The last segment of each tenant that has one.
async fn last_segments(
    connection: &PipelinedConnection,
    tenants: &[&str],
) -> Result<HashMap<String, ChainTail>, PostgresFailure> {
    const LAST: &str = "SELECT t.tenant_id, s.number, s.last_sequence, s.hash
        FROM unnest($1::text[]) AS t (tenant_id) CROSS JOIN LATERAL (
            SELECT number, last_sequence, hash FROM audit_segments
            WHERE tenant_id = t.tenant_id ORDER BY number DESC LIMIT 1) s";
    let rows = connection.rows(LAST, &[&tenants]).await?;
    let bad = |_| unavailable(NAME, InvalidRow::Shape("the hash of an audit segment"));
    let segments = rows.iter().map(|row| {
        let hash: Vec<u8> = row.try_get("hash")?;
        let head = ChainHead {
            sequence: row.try_get("last_sequence")?,
            hash: hash.try_into().map_err(bad)?,
        };
        let number = row.try_get("number")?;
        Ok((row.try_get("tenant_id")?, ChainTail { number, head }))
    });
    segments.collect()
}

impl Default for ChainTail {
    fn default() -> Self {
        let head = ChainHead::EMPTY;
        Self { number: 0, head }
    }
}

fn count(events: &[StoredAuditEvent]) -> u64 {
    u64::try_from(events.len()).unwrap_or(u64::MAX)
}
