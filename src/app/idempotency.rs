//! Idempotency: what a call records for its repeats, and how a repeat is recognized.

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

/// Builds and reads idempotency records.
#[derive(Clone)]
pub(super) struct IdempotencyRecorder {
    sealing: ValueSealing,
}

impl IdempotencyRecorder {
    pub(super) const fn new(sealing: ValueSealing) -> Self {
        Self { sealing }
    }

    /// Builds the record for repeats of the call: what the call created, and its one-time response. `None` without a
    /// request id.
    pub(super) fn record(
        &self,
        context: &RequestContext,
        created: CreatedResource,
        response: &ReplayedResponse,
    ) -> Option<IdempotencyRecord> {
        self.record_at(&context.call, created, response, context.now)
    }

    /// Like [`Self::record`], for a use case that has not loaded its user.
    pub(super) fn record_at(
        &self,
        call: &CallContext,
        created: CreatedResource,
        response: &ReplayedResponse,
        at: Timestamp,
    ) -> Option<IdempotencyRecord> {
        let idempotency_key = call.idempotency?;
        let purpose =
            SealingContext::IdempotencyRecord(call.subject_tag, idempotency_key.key_digest);
        let answer = (*response != ReplayedResponse::default())
            .then(|| self.sealing.seal(purpose, response));
        Some(IdempotencyRecord {
            idempotency_key,
            created,
            answer,
            at,
        })
    }

    /// Opens the response that a record holds. The record of a started enrollment holds a sealed challenge instead, for
    /// which this returns the default.
    pub(super) fn open_answer(
        &self,
        call: &CallContext,
        record: &IdempotencyRecord,
    ) -> Result<ReplayedResponse, Error> {
        let purpose =
            SealingContext::IdempotencyRecord(call.subject_tag, record.idempotency_key.key_digest);
        let is_challenge = matches!(record.created, CreatedResource::Challenge(_));
        let answer = record.answer.as_ref().filter(|_| !is_challenge);
        let response = answer.map(|answer| self.sealing.open(purpose, answer));
        Ok(response.transpose()?.unwrap_or_default())
    }
}

/// Returns the record if it belongs to a repeat of this call.
///
/// # Errors
/// [`Error::RequestIdReused`] if the request id was used with another payload.
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
