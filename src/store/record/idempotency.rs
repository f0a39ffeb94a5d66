//! What a repeat of a call finds, as it is stored.

use super::{BadRow, array, id, instant, rows::IdempotencyRow, unavailable};
use crate::{ports::Stored, proto::stored as pb};
use countersign_domain::{
    change::{Made, Receipt},
    id::SubjectTag,
    request::RequestMark,
    secret::Sealed,
};
use prost::Message;

pub(super) fn row(receipt: &Receipt, subject: SubjectTag) -> IdempotencyRow {
    let made = match receipt.made {
        Made::Nothing => None,
        Made::Challenge(id) => Some(pb::idempotency_record::Made::ChallengeId(
            id.as_bytes().to_vec(),
        )),
        Made::Method(id) => Some(pb::idempotency_record::Made::MethodId(
            id.as_bytes().to_vec(),
        )),
        Made::TokenOf(id) => Some(pb::idempotency_record::Made::TokenOfDeviceId(
            id.as_bytes().to_vec(),
        )),
    };
    let record = pb::IdempotencyRecord {
        request_fingerprint: receipt.mark.payload.to_vec(),
        made,
        answer: receipt
            .answer
            .as_ref()
            .map(|answer| answer.as_bytes().to_vec()),
        at_millis: receipt.at.millis(),
    };
    IdempotencyRow {
        key_digest: receipt.mark.tag,
        subject,
        at: receipt.at.millis(),
        has_answer: receipt.answer.is_some(),
        record: record.encode_to_vec(),
    }
}

/// What the call with this key left. A record in which anything is unknown may say that the call made something else.
pub(in crate::store) fn receipt_from_row(
    store: &'static str,
    key_digest: [u8; 16],
    record: &[u8],
) -> Stored<Receipt> {
    let stored =
        pb::IdempotencyRecord::decode(record).map_err(|error| unavailable(store, error))?;
    if stored.encoded_len() != record.len() {
        return Err(unavailable(store, BadRow::Newer));
    }
    receipt(key_digest, stored).map_err(|bad| unavailable(store, bad))
}

fn receipt(tag: [u8; 16], stored: pb::IdempotencyRecord) -> Result<Receipt, BadRow> {
    let made = match stored.made {
        None => Made::Nothing,
        Some(pb::idempotency_record::Made::ChallengeId(made)) => Made::Challenge(id(&made)?),
        Some(pb::idempotency_record::Made::MethodId(made)) => Made::Method(id(&made)?),
        Some(pb::idempotency_record::Made::TokenOfDeviceId(made)) => Made::TokenOf(id(&made)?),
    };
    Ok(Receipt {
        mark: RequestMark {
            tag,
            payload: array(&stored.request_fingerprint)?,
        },
        made,
        answer: stored.answer.map(Sealed::from_bytes),
        at: instant(stored.at_millis),
    })
}
