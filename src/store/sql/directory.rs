//! The directory's queries: their texts and values.

use crate::{
    ports::{AskRecords, Scan},
    store::sql::{Value, queries},
};
use countersign_domain::{
    directory::Glance,
    id::{TenantId, UserId},
};

/// Above every character that an id may have.
const BEHIND_ALL: &str = "\u{7f}";

/// How many users a tenant has, counted no further than a bound. $1 tenant, $2 the bound
pub(in crate::store) const COUNT_USERS: &str = "SELECT CAST(count(*) AS TEXT) FROM (SELECT 1 FROM users WHERE tenant_id = $1 LIMIT $2) counted";

/// `scan.sql` with what `load.sql` says of an account in its place, so that one text says how a user is read.
pub(in crate::store) fn scan_text(scan: &str, load: &str) -> String {
    let account = load
        .split_once("'account',")
        .and_then(|(_, rest)| rest.split_once("(SELECT "))
        .and_then(|(_, rest)| rest.split_once("FROM users u WHERE"));
    let (account, _) = account.expect("`load.sql` selects an account from `users u`");
    scan.replace("{account}", account.trim_end())
}

/// For `scan.sql`.
pub(in crate::store) fn scan(scan: &Scan) -> Vec<Value> {
    let after = scan.after.as_ref();
    let after_folded = after.map(UserId::folded).unwrap_or_default();
    let prefix = scan.prefix.as_str();
    let seen: i64 = scan
        .glances
        .iter()
        .fold(0, |sum, glance| sum | bit(*glance));
    vec![
        scan.tenant.as_str().into(),
        after.map(UserId::as_str).unwrap_or_default().into(),
        scan.at_most.into(),
        scan.now.minus(queries::FAILURES_COUNT_FOR).into(),
        scan.now.minus(queries::RECOVERY_FAILURES_COUNT_FOR).into(),
        prefix.max(after_folded.as_str()).into(),
        format!("{prefix}{BEHIND_ALL}").as_str().into(),
        after_folded.as_str().into(),
        seen.into(),
    ]
}

/// For [`COUNT_USERS`]. One above the bound tells that there are more.
pub(in crate::store) fn count_users(tenant: &TenantId, at_most: u32) -> Vec<Value> {
    vec![
        tenant.as_str().into(),
        i64::from(at_most).saturating_add(1).into(),
    ]
}

/// For `records.sql`.
pub(in crate::store) fn records(ask: &AskRecords) -> Vec<Value> {
    let after = ask.after_challenge.map(|id| id.as_bytes().to_vec());
    let is_first = ask.after_event == 0 && ask.after_challenge.is_none();
    vec![
        ask.who.tenant.as_str().into(),
        ask.who.user.as_str().into(),
        (&ask.tag.0).into(),
        ask.after_event.into(),
        Value::Bytes(Some(after.unwrap_or_default())),
        ask.at_most.into(),
        is_first.into(),
    ]
}

const fn bit(glance: Glance) -> i64 {
    match glance {
        Glance::Anyone => 1,
        Glance::WithoutMethod => 2,
        Glance::WithoutStrongMethod => 4,
        Glance::WithFailure => 8,
        Glance::WithMethodOutOfUse => 16,
    }
}
