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
    pub(super) fn seen(&self, mark: Option<IdempotencyKey>) -> RequestLookup {
        let known = mark.and_then(|mark| Some((mark, self.0.get(&mark.tag)?)));
        match known {
            None => RequestLookup::No,
            Some((mark, request)) if mark.payload != request.payload => {
                RequestLookup::WithAnotherPayload
            }
            Some((_, request)) => RequestLookup::About(request.challenge),
        }
    }

    /// Remembers a call.
    pub(super) fn remember(
        &mut self,
        mark: Option<IdempotencyKey>,
        challenge: ChallengeId,
        now: Timestamp,
    ) {
        if let Some(mark) = mark {
            let request = LoggedRequest {
                payload: mark.payload,
                challenge,
                until: now.plus(REQUEST_ID_RETENTION),
            };
            self.0.insert(mark.tag, request);
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
