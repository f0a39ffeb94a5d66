//! Rows that can't be used, as the log names them.

use crate::ports::{StoreUnavailable, UnsealError};
use countersign_domain::value::{id::SubjectTag, secret::KeyId};
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

/// Whether a store answered that a row can't be used: it answers all the same.
pub(in crate::store) fn is_unusable(unavailable: &StoreUnavailable) -> bool {
    unavailable.cause.is::<UnusableRow>()
}

/// A row that does not name both a tenant and a user.
#[derive(Debug, thiserror::Error)]
#[error("a row{}{} in the table `{table}` can't be used: {cause}", of_tenant(tenant), of_subject(*subject))]
pub(super) struct UnusableValue<'a> {
    pub(super) table: &'static str,
    /// Empty where the row names none.
    pub(super) tenant: &'a str,
    pub(super) subject: Option<SubjectTag>,
    pub(super) cause: Box<dyn Error + Send + Sync>,
}

fn of_tenant(tenant: &str) -> String {
    if tenant.is_empty() {
        return String::new();
    }
    format!(" of tenant `{tenant}`")
}

fn of_subject(subject: Option<SubjectTag>) -> String {
    subject.map_or_else(String::new, |tag| {
        format!(" of subject {}", HEXLOWER.encode(&tag.0))
    })
}

/// Why something sealed does not open, and what to do.
pub(super) fn unseal_error(
    error: UnsealError,
    key: Option<&KeyId>,
) -> Box<dyn Error + Send + Sync> {
    let key = key.map_or("", KeyId::as_str).escape_debug();
    match error {
        UnsealError::UnknownKey => {
            format!("{error}; it is sealed under the key `{key}`: put that key back into the ring")
        }
        UnsealError::NotWhatWasSealed => format!(
            "{error}; the row was altered or moved, or the ring has another key by the name `{key}`"
        ),
        UnsealError::UnknownForm => format!("{error}: update this process"),
    }
    .into()
}
