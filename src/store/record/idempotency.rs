//! What a repeat of a call finds, as it is stored.

use super::{InvalidRow, array, id, instant, rows::IdempotencyRow, unavailable};
use crate::ports::StoreResult;
use countersign_domain::{
    account::change::{CreatedResource, IdempotencyRecord},
    value::{id::SubjectTag, idempotency_key::IdempotencyKey, secret::SealedBytes},
};
use countersign_proto::stored as pb;
use prost::Message;

pub(super) fn row(idempotency_record: &IdempotencyRecord, subject: SubjectTag) -> IdempotencyRow {
    let created = match idempotency_record.created {
        CreatedResource::Nothing => None,
        CreatedResource::Challenge(id) => Some(pb::idempotency_record::Created::ChallengeId(
            id.as_bytes().to_vec(),
        )),
        CreatedResource::Method(id) => Some(pb::idempotency_record::Created::MethodId(
            id.as_bytes().to_vec(),
        )),
        CreatedResource::TokenOf(id) => Some(pb::idempotency_record::Created::TokenOfDeviceId(
            id.as_bytes().to_vec(),
        )),
    };
    let record = pb::IdempotencyRecord {
        request_fingerprint: idempotency_record
            .idempotency_key
            .request_fingerprint
            .to_vec(),
        created,
        answer: idempotency_record
            .answer
            .as_ref()
            .map(|answer| answer.as_bytes().to_vec()),
        at_millis: idempotency_record.at.millis(),
    };
    IdempotencyRow {
        key_digest: idempotency_record.idempotency_key.key_digest,
        subject,
        at: idempotency_record.at.millis(),
        has_answer: idempotency_record.answer.is_some(),
        record: record.encode_to_vec(),
    }
}

/// What the call with this key left. A record in which anything is unknown may say that the call made something else.
pub(in crate::store) fn idempotency_record_from_row(
    store: &'static str,
    key_digest: [u8; 16],
    record: &[u8],
) -> StoreResult<IdempotencyRecord> {
    decoded(record)
        .and_then(|stored| idempotency_record(key_digest, stored))
        .map_err(|bad| unavailable(store, bad))
}

/// A record as it is stored.
pub(super) fn decoded(record: &[u8]) -> Result<pb::IdempotencyRecord, InvalidRow> {
    let stored = pb::IdempotencyRecord::decode(record);
    let stored = stored.map_err(|_| InvalidRow::Shape("an idempotency record"))?;
    if stored.encoded_len() != record.len() {
        return Err(InvalidRow::Newer);
    }
    Ok(stored)
}

fn idempotency_record(
    tag: [u8; 16],
    stored: pb::IdempotencyRecord,
) -> Result<IdempotencyRecord, InvalidRow> {
    let created = match stored.created {
        None => CreatedResource::Nothing,
        Some(pb::idempotency_record::Created::ChallengeId(created)) => {
            CreatedResource::Challenge(id(&created)?)
        }
        Some(pb::idempotency_record::Created::MethodId(created)) => {
            CreatedResource::Method(id(&created)?)
        }
        Some(pb::idempotency_record::Created::TokenOfDeviceId(created)) => {
            CreatedResource::TokenOf(id(&created)?)
        }
    };
    Ok(IdempotencyRecord {
        idempotency_key: IdempotencyKey {
            key_digest: tag,
            request_fingerprint: array(&stored.request_fingerprint)?,
        },
        created,
        answer: stored.answer.map(SealedBytes::from_bytes),
        at: instant(stored.at_millis),
    })
}
