//! Attempts that answer no challenge, such as an account password. They are charged to the user like any other.

use crate::{
    limits::user_throttle::{
        StandaloneAttempt, StandaloneChargeResult, UserThrottleState, request_log::RequestLookup,
    },
    value::{
        id::{AttemptId, ChallengeId},
        idempotency_key::IdempotencyKey,
    },
};

impl UserThrottleState {
    /// Charges an attempt before it is judged. First charges the failures of the durable record, because no challenge
    /// was opened that did so. A repeated call is not charged again.
    pub fn charge_standalone_attempt(
        &mut self,
        standalone: &StandaloneAttempt,
    ) -> StandaloneChargeResult {
        self.forget(standalone.now);
        let idempotency_key = standalone.idempotency_key();
        if matches!(
            self.requests.seen(idempotency_key),
            RequestLookup::WithAnotherPayload
        ) {
            return StandaloneChargeResult::RequestIdReused;
        }
        self.attempts.raise(&standalone.failures);
        if let Some(at) = self
            .attempts
            .charged_at(standalone.challenge, standalone.attempt_id)
        {
            return StandaloneChargeResult::Known(at);
        }
        if let Some(until) =
            self.attempts
                .full_until(standalone.class, &standalone.windows, standalone.now)
        {
            return StandaloneChargeResult::Full(until);
        }
        self.attempts.charge(
            standalone.class,
            standalone.challenge,
            standalone.attempt_id,
            &standalone.windows,
            standalone.now,
        );
        self.requests
            .remember(idempotency_key, standalone.challenge, standalone.now);
        StandaloneChargeResult::New
    }

    /// Refunds an attempt that was right or was not judged.
    pub fn refund_attempt(&mut self, challenge: ChallengeId, attempt_id: AttemptId) {
        self.attempts.refund(challenge, attempt_id);
    }
}

impl StandaloneAttempt {
    /// The key of the call; `None` without a request id. The attempt id is derived from the request id.
    fn idempotency_key(&self) -> Option<IdempotencyKey> {
        let tag = *self.attempt_id.as_bytes();
        self.payload.map(|payload| IdempotencyKey {
            key_digest: tag,
            request_fingerprint: payload,
        })
    }
}
