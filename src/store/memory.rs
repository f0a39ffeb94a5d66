//! Short-lived memory in this process: a book for each user. It is gone with the process; the durable windows stay.

use crate::ports::{
    BudgetBucket, BudgetStore, ChallengeLookup, ChallengeStore, ExhaustedBudget, MessageRef,
    StoreResult,
};
use async_trait::async_trait;
use countersign_domain::{
    limits::{
        budget::BudgetTag,
        user_throttle::{
            AttemptChargeResult, AttemptRequest, ChallengeOpening, ChallengeSnapshot,
            DestinationTag, OpeningResult, REQUEST_ID_RETENTION, ResendRequest, ResendResult,
            SendCharge, StandaloneAttempt, StandaloneChargeResult, UserThrottleState,
        },
    },
    notice::message::DeliveryStatus,
    value::{
        id::{AttemptId, ChallengeId, SubjectTag},
        time::Timestamp,
    },
};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How often what is blank is thrown away.
const PURGE_INTERVAL: Duration = Duration::from_mins(1);

/// How many locks the users share. A call holds one of them, and for no longer than it works on one book.
const SHARDS: usize = 64;

/// Open challenges, guesses and messages of every user.
pub struct MemoryChallenges {
    /// By the first byte of the user's pseudonym, which is as good as random.
    shards: [Mutex<UserThrottleStates>; SHARDS],
}

#[derive(Default)]
struct UserThrottleStates {
    by_subject: HashMap<SubjectTag, UserThrottleState>,
    purged_at: Option<Timestamp>,
}

impl Default for MemoryChallenges {
    fn default() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }
}

impl MemoryChallenges {
    /// A book is whole between any two of its methods, so that a panic elsewhere spoils nothing.
    fn throttles(&self, SubjectTag([first, ..]): SubjectTag) -> MutexGuard<'_, UserThrottleStates> {
        let shard = self.shards.get(usize::from(first) % SHARDS);
        let shard = shard.expect("a remainder is less than what it is of");
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a user's book says; a book that nobody opened anything in says what an empty one does, and is not kept.
    fn with<T>(
        &self,
        subject_tag: SubjectTag,
        read: impl FnOnce(&mut UserThrottleState) -> T,
    ) -> T {
        match self.throttles(subject_tag).by_subject.get_mut(&subject_tag) {
            Some(throttle) => read(throttle),
            None => read(&mut UserThrottleState::default()),
        }
    }

    /// What is written to a user's book, which is kept from then on.
    fn keep<T>(
        &self,
        subject_tag: SubjectTag,
        now: Timestamp,
        write: impl FnOnce(&mut UserThrottleState) -> T,
    ) -> T {
        let mut throttles = self.throttles(subject_tag);
        if is_due(throttles.purged_at, now) {
            throttles.purged_at = Some(now);
            throttles
                .by_subject
                .retain(|_, throttle| !throttle.is_blank(now));
        }
        write(throttles.by_subject.entry(subject_tag).or_default())
    }
}

#[async_trait]
impl ChallengeStore for MemoryChallenges {
    async fn open(
        &self,
        subject_tag: SubjectTag,
        opening: &ChallengeOpening,
    ) -> StoreResult<OpeningResult> {
        let opening = opening.clone();
        Ok(self.keep(subject_tag, opening.now, |throttle| throttle.open(opening)))
    }

    async fn charge_attempt(
        &self,
        subject_tag: SubjectTag,
        attempt: &AttemptRequest,
    ) -> StoreResult<AttemptChargeResult> {
        Ok(self.with(subject_tag, |throttle| throttle.charge_attempt(attempt)))
    }

    async fn resend(
        &self,
        subject_tag: SubjectTag,
        resend: &ResendRequest,
    ) -> StoreResult<ResendResult> {
        Ok(self.with(subject_tag, |throttle| throttle.resend(resend)))
    }

    async fn next_send(
        &self,
        subject_tag: SubjectTag,
        send: &SendCharge,
        now: Timestamp,
    ) -> StoreResult<Option<Timestamp>> {
        Ok(self.with(subject_tag, |throttle| throttle.next_send(send, now)))
    }

    async fn record_delivery(
        &self,
        subject_tag: SubjectTag,
        message: MessageRef,
        delivery: DeliveryStatus,
    ) -> StoreResult<()> {
        self.with(subject_tag, |throttle| {
            throttle.record_delivery(message.challenge, message.ordinal, delivery);
        });
        Ok(())
    }

    async fn find(
        &self,
        subject_tag: SubjectTag,
        find: &ChallengeLookup,
    ) -> StoreResult<Option<ChallengeSnapshot>> {
        Ok(self.with(subject_tag, |throttle| {
            throttle.find(find.id, &find.caller, find.now)
        }))
    }

    async fn pending_enrollment(
        &self,
        subject_tag: SubjectTag,
        now: Timestamp,
    ) -> StoreResult<Option<ChallengeSnapshot>> {
        Ok(self.with(subject_tag, |throttle| throttle.pending_enrollment(now)))
    }

    async fn drop_challenge(&self, subject_tag: SubjectTag, id: ChallengeId) -> StoreResult<()> {
        self.with(subject_tag, |throttle| throttle.drop_challenge(id));
        Ok(())
    }

    async fn drop_all(&self, subject_tag: SubjectTag) -> StoreResult<()> {
        self.with(subject_tag, UserThrottleState::drop_all);
        Ok(())
    }

    async fn conclude(
        &self,
        subject_tag: SubjectTag,
        id: ChallengeId,
        attempt_id: AttemptId,
    ) -> StoreResult<()> {
        self.with(subject_tag, |throttle| throttle.conclude(id, attempt_id));
        Ok(())
    }

    async fn charge_standalone_attempt(
        &self,
        subject_tag: SubjectTag,
        attempt: &StandaloneAttempt,
    ) -> StoreResult<StandaloneChargeResult> {
        Ok(self.keep(subject_tag, attempt.now, |throttle| {
            throttle.charge_standalone_attempt(attempt)
        }))
    }

    async fn refund_attempt(
        &self,
        subject_tag: SubjectTag,
        id: ChallengeId,
        attempt_id: AttemptId,
    ) -> StoreResult<()> {
        self.with(subject_tag, |throttle| {
            throttle.refund_attempt(id, attempt_id);
        });
        Ok(())
    }

    async fn lift_windows(
        &self,
        subject_tag: SubjectTag,
        to: &[DestinationTag],
    ) -> StoreResult<()> {
        self.with(subject_tag, |throttle| throttle.lift_windows(to));
        Ok(())
    }

    async fn probe_write(&self) -> StoreResult<()> {
        Ok(())
    }

    async fn may_forget(&self) -> StoreResult<Option<String>> {
        Ok(None)
    }

    fn location(&self) -> String {
        "the memory of this process".to_owned()
    }

    async fn clock(&self) -> StoreResult<Option<Timestamp>> {
        Ok(None)
    }
}

/// Budgets that span users.
#[derive(Default)]
pub struct MemoryBudgets(Mutex<BudgetCharges>);

#[derive(Default)]
struct BudgetCharges {
    by_tag: HashMap<BudgetTag, Vec<BudgetCharge>>,
    purged_at: Option<Timestamp>,
}

struct BudgetCharge {
    /// Nothing once a repeat would be another's.
    id: Option<[u8; 16]>,
    at: Timestamp,
    /// When it counts no more.
    until: Timestamp,
}

impl MemoryBudgets {
    fn charges(&self) -> MutexGuard<'_, BudgetCharges> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl BudgetStore for MemoryBudgets {
    async fn charge(
        &self,
        buckets: &[BudgetBucket],
        now: Timestamp,
    ) -> StoreResult<Result<Vec<BudgetBucket>, ExhaustedBudget>> {
        let mut charges = self.charges();
        charges.purge(now);
        for bucket in buckets {
            let past = charges.by_tag.get(&bucket.of);
            let past = past.map_or(&[][..], Vec::as_slice);
            if past.iter().any(|charge| charge.is(bucket.charge, now)) {
                continue;
            }
            let instants = past.iter().map(|charge| charge.at);
            if let Some(until) = bucket.windows.full_until(instants, now) {
                let of = bucket.of;
                return Ok(Err(ExhaustedBudget { of, until }));
            }
        }
        let mut new = Vec::new();
        for bucket in buckets {
            let past = charges.by_tag.entry(bucket.of).or_default();
            if past.iter().all(|charge| !charge.is(bucket.charge, now)) {
                let of_old = |charge: &&mut BudgetCharge| charge.id == Some(bucket.charge);
                past.iter_mut()
                    .filter(of_old)
                    .for_each(|charge| charge.id = None);
                past.push(BudgetCharge {
                    id: Some(bucket.charge),
                    at: now,
                    until: now.plus(bucket.windows.long.within),
                });
                new.push(*bucket);
            }
        }
        Ok(Ok(new))
    }

    async fn refund(&self, buckets: &[BudgetBucket]) -> StoreResult<()> {
        let mut charges = self.charges();
        for bucket in buckets {
            if let Some(past) = charges.by_tag.get_mut(&bucket.of) {
                past.retain(|charge| charge.id != Some(bucket.charge));
            }
        }
        Ok(())
    }

    async fn end_wait(&self, buckets: &[BudgetBucket], now: Timestamp) -> StoreResult<()> {
        let mut charges = self.charges();
        for bucket in buckets {
            let past = charges.by_tag.entry(bucket.of).or_default().iter_mut();
            for charge in past.filter(|charge| charge.id == Some(bucket.charge)) {
                charge.at = now.minus(bucket.windows.short.within);
            }
        }
        Ok(())
    }
}

impl BudgetCharge {
    /// Whether it is the charge of a call that is repeated: for as long as request ids are remembered.
    fn is(&self, id: [u8; 16], now: Timestamp) -> bool {
        self.id == Some(id) && now.since(self.at) <= REQUEST_ID_RETENTION
    }
}

impl BudgetCharges {
    fn purge(&mut self, now: Timestamp) {
        if !is_due(self.purged_at, now) {
            return;
        }
        self.purged_at = Some(now);
        self.by_tag.retain(|_, charged| {
            charged.retain(|charge| now < charge.until);
            !charged.is_empty()
        });
    }
}

fn is_due(purged_at: Option<Timestamp>, now: Timestamp) -> bool {
    purged_at.is_none_or(|at| now.since(at) >= PURGE_INTERVAL)
}
