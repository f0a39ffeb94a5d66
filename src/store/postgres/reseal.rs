//! What is sealed under the key ring, by pages of primary keys, and values that take the place of others.

use super::{
    PostgresEngine,
    connection::PostgresFailure,
    rows::{self, number},
    sql_params::SqlParam,
};
use crate::{
    ports::{RowPlace, SealedTable},
    store::record::rows::{AccountRow, ReplacedValue, SealedValueRow},
};
use tokio_postgres::Row;

/// $1 and $2 behind which account, $3 how many
const ACCOUNTS: &str = "SELECT tenant_id, user_id, skeleton, exact_id, version, form, key_id, record, profile, email_tag,
        methods, last_failure_at
    FROM accounts WHERE (tenant_id, user_id) > ($1, $2) ORDER BY tenant_id, user_id LIMIT $3";

impl PostgresEngine {
    pub(super) async fn read_estimate(&self, table: SealedTable) -> Result<i64, PostgresFailure> {
        let rows = self.scans.read(estimate(table), &[]).await?;
        number(&rows)
    }

    pub(super) async fn read_accounts_after(
        &self,
        after: &RowPlace,
        at_most: i64,
    ) -> Result<Vec<AccountRow>, PostgresFailure> {
        let values: [&dyn SqlParam; 3] = [&after.tenant, &after.user, &at_most];
        let found = self.scans.read(ACCOUNTS, &values).await?;
        rows::all(&found, |row| rows::account(row, row.try_get("profile")?))
    }

    pub(super) async fn read_values_after(
        &self,
        table: SealedTable,
        after: &RowPlace,
        at_most: i64,
    ) -> Result<Vec<SealedValueRow>, PostgresFailure> {
        let values: [&dyn SqlParam; 4] = [&after.tenant, &after.user, &after.id, &at_most];
        let found = self.scans.read(page(table), &values).await?;
        rows::all(&found, value)
    }

    /// Who locks several rows in another order could wait for this, so that it must not wait for them: it leaves out rows
    /// that others hold.
    pub(super) async fn write_values(
        &self,
        table: SealedTable,
        values: &[ReplacedValue],
    ) -> Result<u64, PostgresFailure> {
        let tenants: Vec<&str> = values.iter().map(|v| v.place.tenant.as_str()).collect();
        let users: Vec<&str> = values.iter().map(|v| v.place.user.as_str()).collect();
        let ids: Vec<&[u8]> = values.iter().map(|v| v.place.id.as_slice()).collect();
        let before: Vec<&[u8]> = values.iter().map(|v| v.before.as_slice()).collect();
        let after: Vec<&[u8]> = values.iter().map(|v| v.after.as_slice()).collect();
        let values: [&dyn SqlParam; 5] = [&tenants, &users, &ids, &before, &after];
        self.pool.execute(replace(table), &values).await
    }
}

fn value(row: &Row) -> Result<SealedValueRow, PostgresFailure> {
    Ok(SealedValueRow {
        place: RowPlace {
            tenant: row.try_get("tenant_id")?,
            user: row.try_get("user_id")?,
            id: row.try_get("id")?,
        },
        subject: row.try_get("subject")?,
        at: row.try_get("at")?,
        value: row.try_get("value")?,
    })
}

/// What the statistics say, or a bounded count where that is more: a small table may have none.
const fn estimate(table: SealedTable) -> &'static str {
    match table {
        SealedTable::Accounts => {
            "SELECT greatest((SELECT reltuples::bigint FROM pg_class WHERE oid = 'accounts'::regclass),
                (SELECT count(*) FROM (SELECT 1 FROM accounts LIMIT 10000) t))"
        }
        SealedTable::Policies => {
            "SELECT greatest((SELECT reltuples::bigint FROM pg_class WHERE oid = 'policies'::regclass),
                (SELECT count(*) FROM (SELECT 1 FROM policies LIMIT 10000) t))"
        }
        SealedTable::Outbox => {
            "SELECT greatest((SELECT reltuples::bigint FROM pg_class WHERE oid = 'outbox'::regclass),
                (SELECT count(*) FROM (SELECT 1 FROM outbox LIMIT 10000) t))"
        }
        SealedTable::IdempotencyRecords => {
            "SELECT count(*) FROM (SELECT 1 FROM idempotency_records WHERE has_answer LIMIT 10000) t"
        }
        SealedTable::EndedChallenges => {
            "SELECT greatest((SELECT reltuples::bigint FROM pg_class WHERE oid = 'ended_challenges'::regclass),
                (SELECT count(*) FROM (SELECT 1 FROM ended_challenges LIMIT 10000) t))"
        }
    }
}

/// The next values of a table. $1 to $3 behind which row, $4 how many. The parts of the key that a table does not have are
/// compared with themselves, so that each statement has the same values.
const fn page(table: SealedTable) -> &'static str {
    match table {
        SealedTable::Accounts | SealedTable::EndedChallenges => {
            "SELECT tenant_id, user_id, challenge_id AS id, NULL::bytea AS subject, ended_at AS at, ending AS value
            FROM ended_challenges WHERE (tenant_id, user_id, challenge_id) > ($1, $2, $3)
            ORDER BY tenant_id, user_id, challenge_id LIMIT $4"
        }
        SealedTable::Policies => {
            "SELECT tenant_id, $2::text AS user_id, $3::bytea AS id, NULL::bytea AS subject, updated_at AS at,
                author_key AS value
            FROM policies WHERE tenant_id > $1 AND length(author_key) > 0 ORDER BY tenant_id LIMIT $4"
        }
        SealedTable::Outbox => {
            "SELECT $1::text AS tenant_id, $2::text AS user_id, notice_id AS id, subject, queued_at AS at, sealed AS value
            FROM outbox WHERE notice_id > $3 ORDER BY notice_id LIMIT $4"
        }
        SealedTable::IdempotencyRecords => {
            "SELECT $1::text AS tenant_id, $2::text AS user_id, key_digest AS id, subject, at, record AS value
            FROM idempotency_records WHERE key_digest > $3 AND has_answer ORDER BY key_digest LIMIT $4"
        }
    }
}

/// Replaces values. $1 to $3 which rows, $4 what was read there, $5 what takes its place.
const fn replace(table: SealedTable) -> &'static str {
    match table {
        SealedTable::Accounts | SealedTable::EndedChallenges => {
            "WITH locked AS (
                SELECT n.* FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[], $5::bytea[])
                    AS n (tenant_id, user_id, id, before, after)
                JOIN ended_challenges t
                    ON t.tenant_id = n.tenant_id AND t.user_id = n.user_id AND t.challenge_id = n.id AND t.ending = n.before
                FOR NO KEY UPDATE OF t SKIP LOCKED)
            UPDATE ended_challenges t SET ending = l.after FROM locked l
            WHERE t.tenant_id = l.tenant_id AND t.user_id = l.user_id AND t.challenge_id = l.id AND t.ending = l.before"
        }
        SealedTable::Policies => {
            "WITH locked AS (
                SELECT n.* FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[], $5::bytea[])
                    AS n (tenant_id, user_id, id, before, after)
                JOIN policies t ON t.tenant_id = n.tenant_id AND t.author_key = n.before
                FOR NO KEY UPDATE OF t SKIP LOCKED)
            UPDATE policies t SET author_key = l.after FROM locked l
            WHERE t.tenant_id = l.tenant_id AND t.author_key = l.before"
        }
        SealedTable::Outbox => {
            "WITH locked AS (
                SELECT n.* FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[], $5::bytea[])
                    AS n (tenant_id, user_id, id, before, after)
                JOIN outbox t ON t.notice_id = n.id AND t.sealed = n.before
                FOR NO KEY UPDATE OF t SKIP LOCKED)
            UPDATE outbox t SET sealed = l.after FROM locked l WHERE t.notice_id = l.id AND t.sealed = l.before"
        }
        SealedTable::IdempotencyRecords => {
            "WITH locked AS (
                SELECT n.* FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[], $5::bytea[])
                    AS n (tenant_id, user_id, id, before, after)
                JOIN idempotency_records t ON t.key_digest = n.id AND t.record = n.before
                FOR NO KEY UPDATE OF t SKIP LOCKED)
            UPDATE idempotency_records t SET record = l.after FROM locked l
            WHERE t.key_digest = l.id AND t.record = l.before"
        }
    }
}
