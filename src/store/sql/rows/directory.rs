//! Users one after the other, and what is recorded of one.

use super::{
    BadRow, Hex, account::AccountRow, ended::EndedRow, events::EventRow, one, policy::layer,
};
use crate::{
    ports::{AskRecords, KeptNotice, Records, Scan, Scanned, Stored},
    store::sql::unavailable,
};
use countersign_domain::{
    destination::Channel,
    id::{ChallengeId, Subject, UserId},
    policy::Layer,
    time::Timestamp,
};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct PageRow {
    tenant_layer: Option<String>,
    users: Vec<UserRow>,
}

#[derive(Debug, Deserialize)]
struct UserRow {
    user_id: String,
    account: Option<AccountRow>,
}

#[derive(Debug, Deserialize)]
struct RecordsRow {
    failures: Vec<FailureRow>,
    notices: Vec<NoticeRow>,
    ended: Vec<EndedRow>,
    events: Vec<EventRow>,
}

#[derive(Debug, Deserialize)]
struct FailureRow {
    challenge_id: Hex,
    at: i64,
}

#[derive(Debug, Deserialize)]
struct NoticeRow {
    notice_id: Hex,
    channel: String,
    sealed: Hex,
    queued_at: i64,
}

/// A page of users, by their ids in small letters.
pub(in crate::store) fn scanned(
    store: &'static str,
    scan: &Scan,
    texts: &[String],
) -> Stored<Vec<Scanned>> {
    let PageRow {
        tenant_layer,
        users,
    } = one(store, texts)?.ok_or_else(|| unavailable(store, BadRow("no row")))?;
    let tenant_layer = layer(tenant_layer.as_deref()).map_err(|cause| unavailable(store, cause))?;
    let users = users.into_iter();
    let scanned = users.map(|row| row.scanned(store, scan, &tenant_layer));
    let mut scanned = scanned.collect::<Stored<Vec<_>>>()?;
    scanned.sort_by_cached_key(|one| (one.user.folded(), one.user.clone()));
    Ok(scanned)
}

/// How many users there are, if no more than the bound.
pub(in crate::store) fn counted(
    store: &'static str,
    at_most: u32,
    texts: &[String],
) -> Stored<Option<u32>> {
    let count: u32 =
        one(store, texts)?.ok_or_else(|| unavailable(store, BadRow("no count of users")))?;
    Ok((count <= at_most).then_some(count))
}

/// What is recorded of a user.
pub(in crate::store) fn records(
    store: &'static str,
    ask: &AskRecords,
    texts: &[String],
) -> Stored<Records> {
    let row: Option<RecordsRow> = one(store, texts)?;
    let RecordsRow {
        failures,
        notices,
        ended,
        events,
    } = row.ok_or_else(|| unavailable(store, BadRow("no row")))?;
    let bad = |bad| unavailable(store, bad);
    let failures = failures.iter().map(|row| row.convert().map_err(bad));
    let notices = notices.iter().map(|row| row.convert().map_err(bad));
    let ended = ended.into_iter().map(|row| row.challenge(store, &ask.who));
    Ok(Records {
        failures: failures.collect::<Stored<_>>()?,
        notices: notices.collect::<Stored<_>>()?,
        ended: ended.collect::<Stored<_>>()?,
        events: events.into_iter().map(Into::into).collect(),
    })
}

impl UserRow {
    fn scanned(self, store: &'static str, scan: &Scan, tenant_layer: &Layer) -> Stored<Scanned> {
        let Self { user_id, account } = self;
        let user = UserId::parse(&user_id)
            .map_err(|_| unavailable(store, BadRow("the id of a user that nobody can have")))?;
        let who = Subject {
            tenant: scan.tenant.clone(),
            user,
        };
        let account = account.map(|row| row.account(store, &who, tenant_layer));
        Ok(Scanned {
            account: account.transpose()?,
            user: who.user,
        })
    }
}

impl FailureRow {
    fn convert(&self) -> Result<(ChallengeId, Timestamp), BadRow> {
        Ok((self.challenge_id.id()?, Timestamp::from_millis(self.at)))
    }
}

impl NoticeRow {
    fn convert(&self) -> Result<KeptNotice, BadRow> {
        Ok(KeptNotice {
            id: self.notice_id.id()?,
            channel: Channel::named(&self.channel).ok_or(BadRow("an unknown channel"))?,
            sealed: self.sealed.sealed(),
            queued_at: Timestamp::from_millis(self.queued_at),
        })
    }
}
