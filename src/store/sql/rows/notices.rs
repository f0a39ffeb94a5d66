//! Notices that were claimed.

use super::{Hex, read};
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

/// Notices that were claimed.
pub(in crate::store) fn claimed(
    store: &'static str,
    texts: &[String],
) -> Stored<Vec<ClaimedNotice>> {
    let notice = |text: &String| {
        let row: NoticeRow = read(store, text)?;
        let bad = |bad| unavailable(store, bad);
        Ok(ClaimedNotice {
            id: row.notice_id.id().map_err(bad)?,
            subject: SubjectTag(row.subject.array().map_err(bad)?),
            sealed: row.sealed.sealed(),
            attempts: row.attempts,
        })
    };
    texts.iter().map(notice).collect()
}
