//! Short-lived memory in this process: a book for each user. It is gone with the process; the durable windows stay.

use crate::ports::{Bucket, Budgets, Challenges, FindChallenge, SentMessage, Stored};
use async_trait::async_trait;
use countersign_domain::{
    book::{Attempt, Book, DestinationTag, Opened, Opening, Resend, Resent, Spent, Standing},
    id::{ChallengeId, GuessId, SubjectTag},
    message::Delivery,
    time::Timestamp,
};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// After so many openings, books with nothing in them are thrown away.
const OPENINGS_BETWEEN_SWEEPS: u32 = 1024;

/// Open challenges, guesses and messages of every user.
#[derive(Default)]
pub struct MemoryChallenges(Mutex<Books>);

#[derive(Default)]
struct Books {
    by_subject: HashMap<SubjectTag, Book>,
    openings: u32,
}

impl MemoryChallenges {
    /// A book is whole between any two of its methods, so that a panic elsewhere spoils nothing.
    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, who: SubjectTag, read: impl FnOnce(&mut Book) -> T) -> T {
        read(self.books().by_subject.entry(who).or_default())
    }
}

#[async_trait]
impl Challenges for MemoryChallenges {
    async fn open(&self, who: SubjectTag, opening: &Opening) -> Stored<Opened> {
        let mut books = self.books();
        books.openings = books.openings.wrapping_add(1);
        if books.openings.is_multiple_of(OPENINGS_BETWEEN_SWEEPS) {
            books
                .by_subject
                .retain(|_, book| !book.is_blank(opening.now));
        }
        Ok(books
            .by_subject
            .entry(who)
            .or_default()
            .open(opening.clone()))
    }

    async fn spend_attempt(&self, who: SubjectTag, attempt: &Attempt) -> Stored<Spent> {
        Ok(self.with(who, |book| book.spend_attempt(attempt)))
    }

    async fn resend(&self, who: SubjectTag, resend: &Resend) -> Stored<Resent> {
        Ok(self.with(who, |book| book.resend(resend)))
    }

    async fn record_delivery(
        &self,
        who: SubjectTag,
        message: SentMessage,
        delivery: Delivery,
    ) -> Stored<()> {
        self.with(who, |book| {
            book.record_delivery(message.challenge, message.ordinal, delivery);
        });
        Ok(())
    }

    async fn find(&self, who: SubjectTag, find: &FindChallenge) -> Stored<Option<Standing>> {
        Ok(self.with(who, |book| book.find(find.id, &find.caller, find.now)))
    }

    async fn pending_enrollment(
        &self,
        who: SubjectTag,
        now: Timestamp,
    ) -> Stored<Option<Standing>> {
        Ok(self.with(who, |book| book.pending_enrollment(now)))
    }

    async fn drop_challenge(&self, who: SubjectTag, id: ChallengeId) -> Stored<()> {
        self.with(who, |book| book.drop_challenge(id));
        Ok(())
    }

    async fn conclude(&self, who: SubjectTag, id: ChallengeId, guess: GuessId) -> Stored<()> {
        self.with(who, |book| book.conclude(id, guess));
        Ok(())
    }

    async fn clock(&self) -> Stored<Option<Timestamp>> {
        Ok(None)
    }
}

/// Budgets that span users.
#[derive(Default)]
pub struct MemoryBudgets(Mutex<HashMap<DestinationTag, Charges>>);

/// What was charged to one budget, and when.
type Charges = Vec<([u8; 16], Timestamp)>;

impl MemoryBudgets {
    fn budgets(&self) -> MutexGuard<'_, HashMap<DestinationTag, Charges>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Budgets for MemoryBudgets {
    async fn charge(
        &self,
        buckets: &[Bucket],
        now: Timestamp,
    ) -> Stored<Result<Vec<Bucket>, Timestamp>> {
        let mut budgets = self.budgets();
        for bucket in buckets {
            let horizon = now.minus(bucket.windows.long.within);
            let charged = budgets.entry(bucket.of).or_default();
            charged.retain(|(_, at)| *at > horizon);
            if charged.iter().any(|(charge, _)| *charge == bucket.charge) {
                continue;
            }
            if let Some(until) = bucket
                .windows
                .full_until(charged.iter().map(|(_, at)| *at), now)
            {
                return Ok(Err(until));
            }
        }
        let mut new = Vec::new();
        for bucket in buckets {
            let charged = budgets.entry(bucket.of).or_default();
            if charged.iter().all(|(charge, _)| *charge != bucket.charge) {
                charged.push((bucket.charge, now));
                new.push(*bucket);
            }
        }
        Ok(Ok(new))
    }

    async fn refund(&self, buckets: &[Bucket]) -> Stored<()> {
        let mut budgets = self.budgets();
        for bucket in buckets {
            budgets
                .entry(bucket.of)
                .or_default()
                .retain(|(charge, _)| *charge != bucket.charge);
        }
        Ok(())
    }
}
