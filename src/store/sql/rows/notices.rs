//! Notices and alarms that wait.

use super::{BadRow, Hex, absent_if_empty, one, read};
use crate::{
    ports::{ClaimedNotice, Death, Stored, WaitingNotice},
    store::sql::unavailable,
};
use countersign_domain::{
    alarm::{Alarm, Raised},
    destination::Channel,
    id::{Subject, SubjectTag, TenantId, UserId},
    method::Kind,
    time::Timestamp,
};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct ClaimedRow {
    notice_id: Hex,
    subject: Hex,
    sealed: Hex,
    attempts: u32,
    queued_at: i64,
}

/// The notice that was claimed, if there was one to claim.
pub(in crate::store) fn claimed(
    store: &'static str,
    texts: &[String],
) -> Stored<Option<ClaimedNotice>> {
    let row: Option<ClaimedRow> = one(store, texts)?;
    let bad = |bad| unavailable(store, bad);
    row.map(|row| {
        Ok(ClaimedNotice {
            id: row.notice_id.id().map_err(bad)?,
            subject: SubjectTag(row.subject.array().map_err(bad)?),
            sealed: row.sealed.sealed(),
            attempts: row.attempts,
            queued_at: Timestamp::from_millis(row.queued_at),
        })
    })
    .transpose()
}

#[derive(Debug, Deserialize)]
struct WaitingRow {
    position: i64,
    notice_id: Hex,
    subject: Hex,
    channel: String,
    sealed: Hex,
    attempts: u32,
    queued_at: i64,
    dead_at: Option<i64>,
    death: Option<String>,
}

/// A page of the outbox.
pub(in crate::store) fn waiting(
    store: &'static str,
    texts: &[String],
) -> Stored<Vec<WaitingNotice>> {
    let rows = texts.iter().map(|text| {
        let row: WaitingRow = read(store, text)?;
        row.convert().map_err(|bad| unavailable(store, bad))
    });
    rows.collect()
}

impl WaitingRow {
    fn convert(&self) -> Result<WaitingNotice, BadRow> {
        let death = self.death.as_deref().and_then(Death::named);
        let dead = match (self.dead_at, death) {
            (None, None) => None,
            (Some(at), Some(why)) => Some((Timestamp::from_millis(at), why)),
            _ => return Err(BadRow("a death without its reason")),
        };
        Ok(WaitingNotice {
            position: self.position,
            id: self.notice_id.id()?,
            subject: SubjectTag(self.subject.array()?),
            channel: Channel::named(&self.channel).ok_or(BadRow("an unknown channel"))?,
            sealed: self.sealed.sealed(),
            attempts: self.attempts,
            queued_at: Timestamp::from_millis(self.queued_at),
            dead,
        })
    }
}

#[derive(Debug, Deserialize)]
struct AlarmRow {
    position: i64,
    turn: i64,
    tenant: String,
    user: String,
    subject: Hex,
    kind: String,
    #[serde(deserialize_with = "absent_if_empty")]
    method_id: Option<Hex>,
    method_kind: Option<String>,
    codes_left: Option<u32>,
    at: i64,
}

/// Alarms that wait to be announced.
pub(in crate::store) fn alarms(store: &'static str, texts: &[String]) -> Stored<Vec<Raised>> {
    let rows = texts.iter().map(|text| {
        let row: AlarmRow = read(store, text)?;
        row.convert().map_err(|bad| unavailable(store, bad))
    });
    rows.collect()
}

impl AlarmRow {
    fn convert(&self) -> Result<Raised, BadRow> {
        const NOBODY: BadRow = BadRow("an id that no user has");
        let kind = self.method_kind.as_deref().and_then(Kind::named);
        let method = self.method_id.as_ref().map(Hex::id).transpose()?;
        let alarm = Alarm::from_stored(&self.kind, method.zip(kind), self.codes_left);
        Ok(Raised {
            position: self.position,
            turn: self.turn,
            who: Subject {
                tenant: TenantId::parse(&self.tenant).map_err(|_| NOBODY)?,
                user: UserId::parse(&self.user).map_err(|_| NOBODY)?,
            },
            subject: SubjectTag(self.subject.array()?),
            alarm: alarm.ok_or(BadRow("an unknown alarm"))?,
            at: Timestamp::from_millis(self.at),
        })
    }
}
