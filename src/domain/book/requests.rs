//! The calls that a user's request ids were used for.

use crate::{book::REQUEST_LIFE, id::ChallengeId, request::RequestMark, time::Timestamp};
use std::collections::HashMap;

/// The marks of one user's calls.
#[derive(Debug, Default)]
pub(super) struct Requests(HashMap<[u8; 16], Request>);

#[derive(Debug, Clone, Copy)]
struct Request {
    payload: [u8; 16],
    challenge: ChallengeId,
    until: Timestamp,
}

/// What is remembered of a call.
pub(super) enum Seen {
    /// Nothing.
    No,
    /// It was about this challenge.
    About(ChallengeId),
    /// Its request id was used for something else.
    WithAnotherPayload,
}

impl Requests {
    /// What is remembered of a call.
    pub(super) fn seen(&self, mark: Option<RequestMark>) -> Seen {
        let known = mark.and_then(|mark| Some((mark, self.0.get(&mark.tag)?)));
        match known {
            None => Seen::No,
            Some((mark, request)) if mark.payload != request.payload => Seen::WithAnotherPayload,
            Some((_, request)) => Seen::About(request.challenge),
        }
    }

    /// Remembers a call.
    pub(super) fn remember(
        &mut self,
        mark: Option<RequestMark>,
        challenge: ChallengeId,
        now: Timestamp,
    ) {
        if let Some(mark) = mark {
            let request = Request {
                payload: mark.payload,
                challenge,
                until: now.plus(REQUEST_LIFE),
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
