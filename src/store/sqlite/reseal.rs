//! What is sealed under the key ring, by pages of primary keys, and values that take the place of others.

use super::{
    rows::{ACCOUNT, with_profile},
    writer::{JobAnswer, JobResult},
};
use crate::{
    ports::{RowPlace, SealedTable},
    store::record::rows::{AccountRow, ReplacedValue, SealedValueRow},
};
use rusqlite::{Connection, params};

/// Where a table has what is sealed.
struct SealedColumns {
    /// The primary key, and its values among ?1 the tenant, ?2 the user and ?3 the id.
    key: &'static str,
    key_values: &'static str,
    tenant: &'static str,
    user: &'static str,
    id: &'static str,
    subject: &'static str,
    at: &'static str,
    value: &'static str,
    /// What its rows have in common that hold something sealed.
    condition: &'static str,
}

/// A constant where the table has no such column. An account is read and written as a whole.
const fn sealed(table: SealedTable) -> SealedColumns {
    match table {
        SealedTable::Accounts | SealedTable::EndedChallenges => SealedColumns {
            key: "(tenant_id, user_id, challenge_id)",
            key_values: "(?1, ?2, ?3)",
            tenant: "tenant_id",
            user: "user_id",
            id: "challenge_id",
            subject: "NULL",
            at: "ended_at",
            value: "ending",
            condition: "1",
        },
        SealedTable::Policies => SealedColumns {
            key: "tenant_id",
            key_values: "?1",
            tenant: "tenant_id",
            user: "''",
            id: "x''",
            subject: "NULL",
            at: "updated_at",
            value: "author_key",
            condition: "length(author_key) > 0",
        },
        SealedTable::Outbox => SealedColumns {
            key: "notice_id",
            key_values: "?3",
            tenant: "''",
            user: "''",
            id: "notice_id",
            subject: "subject",
            at: "queued_at",
            value: "sealed",
            condition: "1",
        },
        SealedTable::IdempotencyRecords => SealedColumns {
            key: "key_digest",
            key_values: "?3",
            tenant: "''",
            user: "''",
            id: "key_digest",
            subject: "subject",
            at: "at",
            value: "record",
            condition: "has_answer = 1",
        },
    }
}

pub(super) fn estimate_rows(db: &Connection, table: SealedTable) -> rusqlite::Result<i64> {
    let condition = match table {
        SealedTable::Accounts => "1",
        table => sealed(table).condition,
    };
    let table = table.as_str();
    db.query_row(
        &format!("SELECT count(*) FROM {table} WHERE {condition}"),
        (),
        |row| row.get(0),
    )
}

pub(super) fn accounts_after(
    db: &Connection,
    after: &RowPlace,
    at_most: i64,
) -> rusqlite::Result<Vec<AccountRow>> {
    let sql = format!(
        "SELECT {ACCOUNT}, a.profile FROM accounts a WHERE (tenant_id, user_id) > (?1, ?2)
         ORDER BY tenant_id, user_id LIMIT ?3"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let accounts = statement.query_map(params![after.tenant, after.user, at_most], |row| {
        with_profile(row, 11)
    })?;
    accounts.collect()
}

pub(super) fn values_after(
    db: &Connection,
    table: SealedTable,
    after: &RowPlace,
    at_most: i64,
) -> rusqlite::Result<Vec<SealedValueRow>> {
    let of = sealed(table);
    let order = of.key.trim_matches(['(', ')']);
    let sql = format!(
        "SELECT {}, {}, {}, {}, {}, {} FROM {} WHERE {} > {} AND {} ORDER BY {order} LIMIT ?4",
        of.tenant,
        of.user,
        of.id,
        of.subject,
        of.at,
        of.value,
        table.as_str(),
        of.key,
        of.key_values,
        of.condition,
    );
    let mut statement = db.prepare_cached(&sql)?;
    let values = params![after.tenant, after.user, after.id, at_most];
    let rows = statement.query_map(values, |row| {
        Ok(SealedValueRow {
            place: RowPlace {
                tenant: row.get(0)?,
                user: row.get(1)?,
                id: row.get(2)?,
            },
            subject: row.get(3)?,
            at: row.get(4)?,
            value: row.get(5)?,
        })
    })?;
    rows.collect()
}

pub(super) fn replace_values(
    db: &Connection,
    table: SealedTable,
    values: &[ReplacedValue],
) -> JobResult<u64> {
    let of = sealed(table);
    let sql = format!(
        "UPDATE {table} SET {value} = ?5 WHERE {key} = {key_values} AND {value} = ?4",
        table = table.as_str(),
        value = of.value,
        key = of.key,
        key_values = of.key_values,
    );
    let mut statement = db.prepare_cached(&sql)?;
    let mut replaced = 0;
    for value in values {
        let RowPlace { tenant, user, id } = &value.place;
        replaced += statement.execute(params![tenant, user, id, value.before, value.after])?;
    }
    Ok(JobAnswer::Keep(u64::try_from(replaced).unwrap_or(u64::MAX)))
}
