//! Idempotency: what a call leaves for its repeats, and how a repeat is known.

use crate::app::{
    Error,
    context::{CallContext, RequestContext},
    replayed_response::ReplayedResponse,
    sealing::ValueSealing,
};
use countersign_domain::{
    account::change::{CreatedResource, IdempotencyRecord},
    value::{idempotency_key::IdempotencyKey, secret::SealingContext, time::Timestamp},
};

/// Makes and reads idempotency records.
#[derive(Clone)]
pub(super) struct IdempotencyRecorder {
    sealing: ValueSealing,
}

impl IdempotencyRecorder {
    pub(super) const fn new(sealing: ValueSealing) -> Self {
        Self { sealing }
    }

    /// What a repeat of the call will meet: what it made, and what it showed. None if the call has no request id.
    pub(super) fn record(
        &self,
        context: &RequestContext,
        created: CreatedResource,
        response: &ReplayedResponse,
    ) -> Option<IdempotencyRecord> {
        self.record_at(&context.call, created, response, context.now)
    }

    /// The same for a use case that has loaded no user.
    pub(super) fn record_at(
        &self,
        call: &CallContext,
        created: CreatedResource,
        response: &ReplayedResponse,
        at: Timestamp,
    ) -> Option<IdempotencyRecord> {
        let idempotency_key = call.idempotency?;
        let purpose = SealingContext::Receipt(call.subject_tag, idempotency_key.key_digest);
        let answer =
            (*response != ReplayedResponse::default()).then(|| self.sealing.seal(purpose, response));
        Some(IdempotencyRecord {
            idempotency_key,
            created,
            answer,
            at,
        })
    }

    /// What the call of a record showed. The answer of an enrollment that was begun is its challenge, sealed as one.
    pub(super) fn open_answer(
        &self,
        call: &CallContext,
        record: &IdempotencyRecord,
    ) -> Result<ReplayedResponse, Error> {
        let purpose = SealingContext::Receipt(call.subject_tag, record.idempotency_key.key_digest);
        let is_challenge = matches!(record.created, CreatedResource::Challenge(_));
        let answer = record.answer.as_ref().filter(|_| !is_challenge);
        let response = answer.map(|answer| self.sealing.open(purpose, answer));
        Ok(response.transpose()?.unwrap_or_default())
    }
}

/// The record of this very call, if it ran before.
///
/// # Errors
/// [`Error::RequestIdReused`] if its request id came with another payload.
pub(super) fn record_of_repeat(
    record: Option<IdempotencyRecord>,
    idempotency_key: Option<IdempotencyKey>,
) -> Result<Option<IdempotencyRecord>, Error> {
    match (record, idempotency_key) {
        (Some(record), Some(idempotency_key)) if record.idempotency_key == idempotency_key => {
            Ok(Some(record))
        }
        (Some(_), _) => Err(Error::RequestIdReused),
        (None, _) => Ok(None),
    }
}
