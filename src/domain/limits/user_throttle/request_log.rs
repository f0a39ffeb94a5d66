//! The calls that a user's request ids were used for.

use crate::{
    limits::user_throttle::REQUEST_ID_RETENTION,
    value::{id::ChallengeId, idempotency_key::IdempotencyKey, time::Timestamp},
};
use std::collections::HashMap;

/// The marks of one user's calls.
#[derive(Debug, Default)]
pub(super) struct RequestLog(HashMap<[u8; 16], LoggedRequest>);

#[derive(Debug, Clone, Copy)]
struct LoggedRequest {
    payload: [u8; 16],
    challenge: ChallengeId,
    until: Timestamp,
}

/// What is remembered of a call.
pub(super) enum RequestLookup {
    /// Nothing.
    No,
    /// It was about this challenge.
    About(ChallengeId),
    /// Its request id was used for something else.
    WithAnotherPayload,
}

impl RequestLog {
    /// What is remembered of a call.
    pub(super) fn seen(&self, idempotency_key: Option<IdempotencyKey>) -> RequestLookup {
        let known = idempotency_key.and_then(|idempotency_key| {
            Some((idempotency_key, self.0.get(&idempotency_key.key_digest)?))
        });
        match known {
            None => RequestLookup::No,
            Some((idempotency_key, request))
                if idempotency_key.request_fingerprint != request.payload =>
            {
                RequestLookup::WithAnotherPayload
            }
            Some((_, request)) => RequestLookup::About(request.challenge),
        }
    }

    /// Remembers a call.
    pub(super) fn remember(
        &mut self,
        idempotency_key: Option<IdempotencyKey>,
        challenge: ChallengeId,
        now: Timestamp,
    ) {
        if let Some(idempotency_key) = idempotency_key {
            let request = LoggedRequest {
                payload: idempotency_key.request_fingerprint,
                challenge,
                until: now.plus(REQUEST_ID_RETENTION),
            };
            self.0.insert(idempotency_key.key_digest, request);
        }
    }

    /// Forgets calls that nobody repeats any more.
    pub(super) fn forget(&mut self, now: Timestamp) {
        self.0.retain(|_, request| now < request.until);
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
