//! Rows that can't be used, as the log names them.

use crate::ports::DoesNotOpen;
use countersign_domain::{id::SubjectTag, secret::KeyId};
use data_encoding::HEXLOWER;
use std::error::Error;

/// A row that can't be used. Its text names the row by the subject's pseudonym, which audit events carry, too.
#[derive(Debug, thiserror::Error)]
#[error(
    "the row of subject {} of tenant `{tenant}` in the table `{table}` can't be used: {cause}",
    HEXLOWER.encode(&subject.0)
)]
pub(super) struct UnusableRow {
    pub(super) table: &'static str,
    pub(super) tenant: String,
    pub(super) subject: SubjectTag,
    pub(super) cause: Box<dyn Error + Send + Sync>,
}

/// Why something sealed does not open, and what to do.
pub(super) fn does_not_open(
    error: DoesNotOpen,
    key: Option<&KeyId>,
) -> Box<dyn Error + Send + Sync> {
    let key = key.map_or("", KeyId::as_str).escape_debug();
    match error {
        DoesNotOpen::UnknownKey => {
            format!("{error}; it is sealed under the key `{key}`: put that key back into the ring")
        }
        DoesNotOpen::NotWhatWasSealed => format!(
            "{error}; the row was altered or moved, or the ring has another key by the name `{key}`"
        ),
        DoesNotOpen::UnknownForm => format!("{error}: update this process"),
    }
    .into()
}
