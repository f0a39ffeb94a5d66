//! A notice that was claimed.

use super::{Hex, one};
use crate::{
    ports::{ClaimedNotice, Stored},
    store::sql::unavailable,
};
use countersign_domain::id::SubjectTag;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct NoticeRow {
    notice_id: Hex,
    subject: Hex,
    sealed: Hex,
    attempts: u32,
}

/// The notice that was claimed, if there was one to claim.
pub(in crate::store) fn claimed(
    store: &'static str,
    texts: &[String],
) -> Stored<Option<ClaimedNotice>> {
    let row: Option<NoticeRow> = one(store, texts)?;
    let bad = |bad| unavailable(store, bad);
    row.map(|row| {
        Ok(ClaimedNotice {
            id: row.notice_id.id().map_err(bad)?,
            subject: SubjectTag(row.subject.array().map_err(bad)?),
            sealed: row.sealed.sealed(),
            attempts: row.attempts,
        })
    })
    .transpose()
}
