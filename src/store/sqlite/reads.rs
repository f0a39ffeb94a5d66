//! What is read of users and policies.

use super::rows::{ACCOUNT, EVENT, NOTICE, event_row, notice_row, with_profile};
use crate::store::{
    durable::{
        AccountRowLookup, AccountRows, DirectoryRows, DirectoryRowsQuery, UserRows, UserRowsQuery,
    },
    record::rows::{EndingRow, PolicyRow},
};
use countersign_domain::{audit_event::StoredAuditEvent, value::id::Subject};
use rusqlite::{Connection, OptionalExtension, named_params, params};

/// One user, the policy of the tenant, and what is looked up beside them: one read, of one state.
pub(super) fn load(
    db: &Connection,
    subject: &Subject,
    lookup: AccountRowLookup,
) -> rusqlite::Result<AccountRows> {
    let (tenant, user) = (subject.tenant.as_str(), subject.user.as_str());
    let sql = format!(
        "SELECT {ACCOUNT}, a.profile, p.layer, i.record, e.ending FROM (SELECT 1)
         LEFT JOIN accounts a ON a.tenant_id = ?1 AND a.user_id = ?2
         LEFT JOIN policies p ON p.tenant_id = ?1
         LEFT JOIN idempotency_records i ON i.key_digest = ?3
         LEFT JOIN ended_challenges e ON e.tenant_id = ?1 AND e.user_id = ?2 AND e.challenge_id = ?4"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let values = params![tenant, user, lookup.idempotency_key, lookup.challenge];
    statement.query_row(values, |row| {
        let is_there: Option<String> = row.get(0)?;
        let account = is_there.map(|_| with_profile(row, 11)).transpose()?;
        Ok(AccountRows {
            account,
            layer: row.get(12)?,
            idempotency: row.get(13)?,
            ending: row.get(14)?,
        })
    })
}

/// The ids of users with this id, or with this verified address.
pub(super) fn logins(
    db: &Connection,
    tenant: &str,
    user: Option<&str>,
    email_tag: Option<[u8; 16]>,
    at_most: i64,
) -> rusqlite::Result<Vec<String>> {
    let mut statement = db.prepare_cached(
        "SELECT user_id FROM accounts WHERE tenant_id = ?1 AND user_id = ?2
         UNION SELECT user_id FROM accounts WHERE tenant_id = ?1 AND email_tag = ?3
         ORDER BY user_id LIMIT ?4",
    )?;
    let users = statement.query_map(params![tenant, user, email_tag, at_most], |row| row.get(0))?;
    users.collect()
}

/// The next users of a tenant.
pub(super) fn page(db: &Connection, page: &DirectoryRowsQuery) -> rusqlite::Result<DirectoryRows> {
    let sql = format!(
        "SELECT {ACCOUNT}, a.profile,
             (:glances & 1) <> 0
             OR ((:glances & 2) <> 0 AND (methods & 7) = 0)
             OR ((:glances & 4) <> 0 AND (methods & 7) <> 0 AND (methods & 1) = 0)
             OR ((:glances & 8) <> 0 AND last_failure_at > :failures_since)
             OR ((:glances & 16) <> 0 AND (methods & 8) <> 0)
         FROM accounts a
         WHERE tenant_id = :tenant AND skeleton >= :from AND skeleton < :below
             AND (skeleton, user_id) > (:after_skeleton, :after_user)
         ORDER BY skeleton, user_id LIMIT :at_most"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let values = named_params! {
        ":tenant": page.tenant, ":from": page.skeleton_from, ":below": page.skeleton_below,
        ":after_skeleton": page.after_skeleton, ":after_user": page.after_user, ":at_most": page.at_most,
        ":glances": page.projections, ":failures_since": page.failures_since,
    };
    let users = statement.query_map(values, |row| {
        let is_included: Option<bool> = row.get(12)?;
        let user: String = row.get(1)?;
        let account = (is_included == Some(true)).then(|| with_profile(row, 11));
        Ok((user, account.transpose()?))
    })?;
    Ok(DirectoryRows {
        layer: layer(db, &page.tenant)?,
        users: users.collect::<rusqlite::Result<_>>()?,
    })
}

fn layer(db: &Connection, tenant: &str) -> rusqlite::Result<Option<String>> {
    let mut statement = db.prepare_cached("SELECT layer FROM policies WHERE tenant_id = ?1")?;
    statement.query_row([tenant], |row| row.get(0)).optional()
}

/// How many users a tenant has, counted no further than a bound.
pub(super) fn count_users(db: &Connection, tenant: &str, at_most: i64) -> rusqlite::Result<i64> {
    let mut statement = db.prepare_cached(
        "SELECT count(*) FROM (SELECT 1 FROM accounts WHERE tenant_id = ?1 LIMIT ?2)",
    )?;
    statement.query_row(params![tenant, at_most], |row| row.get(0))
}

/// What is recorded of a user beside the row.
pub(super) fn records(db: &Connection, query: &UserRowsQuery) -> rusqlite::Result<UserRows> {
    let notices = if query.with_notices {
        let mut statement = db.prepare_cached(&format!(
            "SELECT {NOTICE} FROM outbox WHERE subject = ?1 ORDER BY position"
        ))?;
        let notices = statement.query_map([query.tag.0], notice_row)?;
        notices.collect::<rusqlite::Result<_>>()?
    } else {
        Vec::new()
    };
    Ok(UserRows {
        endings: endings(db, query)?,
        events: events_of(db, query)?,
        notices,
    })
}

fn endings(db: &Connection, query: &UserRowsQuery) -> rusqlite::Result<Vec<EndingRow>> {
    let mut statement = db.prepare_cached(
        "SELECT challenge_id, ended_at, ending FROM ended_challenges
         WHERE tenant_id = ?1 AND user_id = ?2 AND challenge_id > ?3 ORDER BY challenge_id LIMIT ?4",
    )?;
    let values = params![
        query.subject.tenant.as_str(),
        query.subject.user.as_str(),
        query.after_challenge,
        query.at_most
    ];
    let endings = statement.query_map(values, |row| {
        Ok(EndingRow {
            challenge_id: row.get(0)?,
            at: row.get(1)?,
            ending: row.get(2)?,
        })
    })?;
    endings.collect()
}

fn events_of(db: &Connection, query: &UserRowsQuery) -> rusqlite::Result<Vec<StoredAuditEvent>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {EVENT} FROM events
         WHERE tenant_id = ?1 AND subject = ?2 AND position > ?3 ORDER BY position LIMIT ?4"
    ))?;
    let tenant = query.subject.tenant.as_str();
    let values = params![tenant, query.tag.0, query.after_event, query.at_most];
    let events = statement.query_map(values, event_row)?;
    events.collect()
}

/// The policy of a tenant, and the idempotency record of a call.
pub(super) fn policy(
    db: &Connection,
    tenant: &str,
    idempotency_key: Option<[u8; 16]>,
) -> rusqlite::Result<(Option<PolicyRow>, Option<Vec<u8>>)> {
    let mut statement = db.prepare_cached(
        "SELECT p.layer, p.etag, p.updated_at, p.author_key, i.record FROM (SELECT 1)
         LEFT JOIN policies p ON p.tenant_id = ?1 LEFT JOIN idempotency_records i ON i.key_digest = ?2",
    )?;
    statement.query_row(params![tenant, idempotency_key], |row| {
        let layer: Option<String> = row.get(0)?;
        let policy = layer.map(|layer| {
            Ok::<_, rusqlite::Error>(PolicyRow {
                layer,
                etag: row.get(1)?,
                updated_at: row.get(2)?,
                author_key: row.get(3)?,
            })
        });
        Ok((policy.transpose()?, row.get(4)?))
    })
}
