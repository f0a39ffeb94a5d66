//! What is durable about users, as both engines keep it: rows that hold sealed protobuf, and what a row becomes.
//!
//! An engine moves rows and decides nothing. A verdict or a change is a [`StoreOperation`]: the engine locks the user's row,
//! hands the [`LockedRecord`] to [`StoreOperation::decide`], and writes what comes back.

mod account;
mod code_hash;
mod ending;
mod idempotency;
mod operation;
mod operation_outcome;
pub(super) mod rows;
mod sealing;
mod siblings;
mod state;
mod unusable;
mod writes;

pub(super) use idempotency::idempotency_record_from_row;
pub(super) use operation::{LockedRecord, StoreOperation};
pub(super) use operation_outcome::{DuplicateRow, OperationOutcome};
pub(super) use sealing::RecordSealing;
pub(super) use siblings::MAX_SIBLINGS;
pub(super) use state::DatabaseState;
pub(super) use unusable::is_unusable;
pub(super) use writes::{ending_row, event_row, idempotency_row, notice_row};

use crate::ports::StoreUnavailable;
use countersign_domain::value::{id::Id, time::Timestamp};
use std::time::Duration;

/// When to try again with a store that did not answer.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The newest form of records that this version can read and write. The database says which form is written: `writes_form`.
pub(super) const NEWEST_FORM: i32 = 1;

/// A row that is not what this version of the store writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidRow {
    /// A value has another shape.
    #[error("a stored row has an unexpected shape: {0}")]
    Shape(&'static str),
    /// It was written by a newer version, whose fields this one would erase.
    #[error("a stored row was written by a newer version of Countersign: update this process")]
    Newer,
    /// Newer versions alone may write to the database.
    #[error(
        "the database is written in form {writes} since `countersign migrate --finish`, and this version of Countersign \
         knows forms up to {knows}: update this process"
    )]
    WritesNewerForm {
        /// The form that the database says.
        writes: i32,
        /// The newest form that this version knows.
        knows: i32,
    },
    /// It was altered, or belongs to another user.
    #[error("a stored row does not belong where it is: {0}")]
    Misplaced(&'static str),
}

/// An enum value that this version does not know: writing the record would lose it.
const UNKNOWN_ENUM: InvalidRow = InvalidRow::Newer;

/// Each of a list, converted.
fn each<Stored, Value>(
    stored: &[Stored],
    convert: impl Fn(&Stored) -> Result<Value, InvalidRow>,
) -> Result<Vec<Value>, InvalidRow> {
    stored.iter().map(convert).collect()
}

/// A store that can't prove what is needed.
pub(super) fn unavailable(
    store: &'static str,
    cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> StoreUnavailable {
    StoreUnavailable {
        store,
        cause: cause.into(),
        retry_after: RETRY_AFTER,
    }
}

fn id<Of>(bytes: &[u8]) -> Result<Id<Of>, InvalidRow> {
    array(bytes).map(Id::from_bytes)
}

fn optional_id<Of>(bytes: &[u8]) -> Result<Option<Id<Of>>, InvalidRow> {
    (!bytes.is_empty()).then(|| id(bytes)).transpose()
}

fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N], InvalidRow> {
    let array = bytes.try_into();
    array.map_err(|_| InvalidRow::Shape("bytes of another length"))
}

fn optional_array<const N: usize>(bytes: &[u8]) -> Result<Option<[u8; N]>, InvalidRow> {
    (!bytes.is_empty()).then(|| array(bytes)).transpose()
}

const fn instant(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

#[cfg(test)]
mod tests;
