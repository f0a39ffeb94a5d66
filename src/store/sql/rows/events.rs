//! Events that wait for their number, and the head of their chain.

use super::{Hex, one, read};
use crate::{ports::Stored, store::sql::unavailable};
use countersign_domain::event::{ChainHead, StoredEvent};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(super) struct EventRow {
    row: i64,
    id: Hex,
    tenant: String,
    subject: Hex,
    kind: String,
    caller: String,
    at: i64,
    facts: String,
    personal: Hex,
}

/// Events that wait for their number.
pub(in crate::store) fn events(store: &'static str, texts: &[String]) -> Stored<Vec<StoredEvent>> {
    let event = |text: &String| read::<EventRow>(store, text).map(Into::into);
    texts.iter().map(event).collect()
}

impl From<EventRow> for StoredEvent {
    fn from(row: EventRow) -> Self {
        let EventRow {
            row,
            id,
            tenant,
            subject,
            kind,
            caller,
            at,
            facts,
            personal,
        } = row;
        Self {
            row,
            id: id.0,
            tenant,
            subject: subject.0,
            kind,
            caller,
            at,
            facts,
            personal: personal.0,
        }
    }
}

#[derive(Debug, Deserialize)]
struct ChainHeadRow {
    sequence: i64,
    hash: Hex,
}

/// The head of a chain; of one without events, the empty one.
pub(in crate::store) fn chain_head(store: &'static str, texts: &[String]) -> Stored<ChainHead> {
    let row: Option<ChainHeadRow> = one(store, texts)?;
    let Some(ChainHeadRow { sequence, hash }) = row else {
        return Ok(ChainHead::EMPTY);
    };
    let hash = hash.array().map_err(|bad| unavailable(store, bad))?;
    Ok(ChainHead { sequence, hash })
}
