//! Runs every operation of the short-lived stores once, for a user and a destination that do not exist.

use crate::ports::{
    BudgetBucket, BudgetStore, ChallengeLookup, ChallengeStore, MessageRef, StoreResult,
};
use countersign_domain::{
    authorization::caller::CallerName,
    limits::{
        budget::{AttemptClass, BudgetOwner, BudgetTag, RateLimit, RateLimitWindows},
        user_throttle::{
            AttemptRequest, ChallengeOpening, DestinationTag, ResendRequest, SendCharge,
            StandaloneAttempt,
        },
    },
    notice::message::DeliveryStatus,
    policy::AttemptBudgets,
    value::{
        id::{AttemptId, ChallengeId, Id, SubjectTag},
        idempotency_key::IdempotencyKey,
        secret::SealedBytes,
        time::Timestamp,
    },
};
use std::time::Duration;

/// No tenant can configure a caller of this name: it has a space.
const CALLER: &str = "readiness probe";

/// How long a probe's challenge lives, should the probe end before it drops it.
const LIFETIME: Duration = Duration::from_secs(5);

/// Bounds that no probe reaches, so that every script runs to its last command.
const WINDOWS: RateLimitWindows = RateLimitWindows {
    short: RateLimit {
        count: 100,
        within: Duration::from_secs(1),
    },
    long: RateLimit {
        count: 100,
        within: Duration::from_secs(2),
    },
};

/// Runs every script. What they answer is of no interest; that they ran is. Nothing outlives the probe but a few keys that
/// expire.
///
/// # Errors
/// [`StoreUnavailable`](crate::ports::StoreUnavailable) of the first script that could not run.
pub async fn run_every_script(
    challenges: &dyn ChallengeStore,
    budgets: &dyn BudgetStore,
    seed: [u8; 16],
    now: Timestamp,
) -> StoreResult<()> {
    let probe = ScriptProbe { seed, now };
    probe.run_challenges(challenges).await?;
    probe.run_budgets(budgets).await
}

struct ScriptProbe {
    /// Names the user, the challenge and the destination.
    seed: [u8; 16],
    now: Timestamp,
}

impl ScriptProbe {
    async fn run_challenges(&self, challenges: &dyn ChallengeStore) -> StoreResult<()> {
        let (subject_tag, now) = (SubjectTag(self.seed), self.now);
        let (id, attempt_id): (ChallengeId, AttemptId) = (self.id(), self.id());
        challenges.open(subject_tag, &self.opening()).await?;
        challenges.next_send(subject_tag, &self.send(), now).await?;
        challenges
            .charge_attempt(subject_tag, &self.attempt())
            .await?;
        challenges
            .refund_attempt(subject_tag, id, attempt_id)
            .await?;
        let resend = ResendRequest {
            challenge: id,
            caller: CallerName::new(CALLER),
            idempotency_key: None,
            now: now.plus(Duration::from_secs(1)),
        };
        challenges.resend(subject_tag, &resend).await?;
        let message = MessageRef {
            challenge: id,
            ordinal: 1,
        };
        let delivery = DeliveryStatus::HandedOver;
        challenges
            .record_delivery(subject_tag, message, delivery)
            .await?;
        let lookup = ChallengeLookup {
            id,
            caller: CallerName::new(CALLER),
            now,
        };
        challenges.find(subject_tag, &lookup).await?;
        challenges.pending_enrollment(subject_tag, now).await?;
        let standalone = self.standalone_attempt();
        challenges
            .charge_standalone_attempt(subject_tag, &standalone)
            .await?;
        let destinations = [self.send().destination];
        challenges.lift_windows(subject_tag, &destinations).await?;
        challenges.conclude(subject_tag, id, attempt_id).await?;
        challenges.drop_challenge(subject_tag, id).await?;
        challenges.drop_all(subject_tag).await
    }

    async fn run_budgets(&self, budgets: &dyn BudgetStore) -> StoreResult<()> {
        let bucket = BudgetBucket {
            owner: BudgetOwner(self.seed),
            of: BudgetTag(self.seed),
            windows: WINDOWS,
            charge: self.seed,
        };
        let _charged = budgets.charge(&[bucket], self.now).await?;
        budgets.end_wait(&[bucket], self.now).await?;
        budgets.refund(&[bucket]).await
    }

    const fn id<Of>(&self) -> Id<Of> {
        Id::from_bytes(self.seed)
    }

    fn opening(&self) -> ChallengeOpening {
        ChallengeOpening {
            id: self.id(),
            caller: CallerName::new(CALLER),
            device: None,
            sealed: SealedBytes::from_bytes(self.seed.to_vec()),
            now: self.now,
            expires_at: self.now.plus(LIFETIME),
            attempts: 5,
            wrong_codes: AttemptBudgets {
                unknown: WINDOWS,
                known: WINDOWS,
                recovery: WINDOWS,
            },
            failures: Vec::new(),
            send: Some(self.send()),
            replaced_challenge_id: None,
            enrollment: false,
            max_open: 1,
            idempotency_key: Some(IdempotencyKey {
                key_digest: self.seed,
                request_fingerprint: self.seed,
            }),
        }
    }

    const fn send(&self) -> SendCharge {
        SendCharge {
            destination: DestinationTag(self.seed),
            windows: WINDOWS,
            waits: [Duration::from_millis(1); 3],
            per_challenge: 5,
            known_device: false,
            approved: WINDOWS,
        }
    }

    fn attempt(&self) -> AttemptRequest {
        AttemptRequest {
            challenge: self.id(),
            caller: CallerName::new(CALLER),
            attempt_id: self.id(),
            payload: None,
            recovery: false,
            device: None,
            now: self.now,
        }
    }

    fn standalone_attempt(&self) -> StandaloneAttempt {
        StandaloneAttempt {
            challenge: self.id(),
            attempt_id: self.id(),
            payload: None,
            class: AttemptClass::Unknown,
            windows: WINDOWS,
            failures: Vec::new(),
            now: self.now,
        }
    }
}
