//! The request ids of a user's recent calls.

use crate::{
    limits::user_throttle::REQUEST_ID_RETENTION,
    value::{id::ChallengeId, idempotency_key::IdempotencyKey, time::Timestamp},
};
use std::collections::HashMap;

/// The calls of one user, by key digest.
#[derive(Debug, Default)]
pub(super) struct RequestLog(HashMap<[u8; 16], LoggedRequest>);

#[derive(Debug, Clone, Copy)]
struct LoggedRequest {
    payload: [u8; 16],
    challenge: ChallengeId,
    until: Timestamp,
}

/// The result of a lookup by idempotency key.
pub(super) enum RequestLookup {
    /// The key is unknown.
    No,
    /// The call is a repeat, and was about this challenge.
    About(ChallengeId),
    /// The request id was used with another payload.
    WithAnotherPayload,
}

impl RequestLog {
    /// Looks up a call.
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

    /// Deletes calls older than [`REQUEST_ID_RETENTION`].
    pub(super) fn forget(&mut self, now: Timestamp) {
        self.0.retain(|_, request| now < request.until);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
