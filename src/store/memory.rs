//! Short-lived memory in this process: a book for each user. It is gone with the process; the durable windows stay.

use crate::ports::{Bucket, Budgets, Challenges, FindChallenge, Full, SentMessage, Stored};
use async_trait::async_trait;
use countersign_domain::{
    book::{
        Attempt, Book, LoneCharge, LoneGuess, Opened, Opening, REQUEST_LIFE, Resend, Resent,
        SendCharge, Spent, Standing,
    },
    budget::BudgetTag,
    id::{ChallengeId, GuessId, SubjectTag},
    message::Delivery,
    time::Timestamp,
};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How often what is blank is thrown away.
const BETWEEN_SWEEPS: Duration = Duration::from_mins(1);

/// How many locks the users share. A call holds one of them, and for no longer than it works on one book.
const SHARDS: usize = 64;

/// Open challenges, guesses and messages of every user.
pub struct MemoryChallenges {
    /// By the first byte of the user's pseudonym, which is as good as random.
    shards: [Mutex<Books>; SHARDS],
}

#[derive(Default)]
struct Books {
    by_subject: HashMap<SubjectTag, Book>,
    swept_at: Option<Timestamp>,
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
    fn books(&self, SubjectTag([first, ..]): SubjectTag) -> MutexGuard<'_, Books> {
        let shard = self.shards.get(usize::from(first) % SHARDS);
        let shard = shard.expect("a remainder is less than what it is of");
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a user's book says; a book that nobody opened anything in says what an empty one does, and is not kept.
    fn with<T>(&self, who: SubjectTag, read: impl FnOnce(&mut Book) -> T) -> T {
        match self.books(who).by_subject.get_mut(&who) {
            Some(book) => read(book),
            None => read(&mut Book::default()),
        }
    }

    /// What is written to a user's book, which is kept from then on.
    fn keep<T>(&self, who: SubjectTag, now: Timestamp, write: impl FnOnce(&mut Book) -> T) -> T {
        let mut books = self.books(who);
        if is_due(books.swept_at, now) {
            books.swept_at = Some(now);
            books.by_subject.retain(|_, book| !book.is_blank(now));
        }
        write(books.by_subject.entry(who).or_default())
    }
}

#[async_trait]
impl Challenges for MemoryChallenges {
    async fn open(&self, who: SubjectTag, opening: &Opening) -> Stored<Opened> {
        let opening = opening.clone();
        Ok(self.keep(who, opening.now, |book| book.open(opening)))
    }

    async fn spend_attempt(&self, who: SubjectTag, attempt: &Attempt) -> Stored<Spent> {
        Ok(self.with(who, |book| book.spend_attempt(attempt)))
    }

    async fn resend(&self, who: SubjectTag, resend: &Resend) -> Stored<Resent> {
        Ok(self.with(who, |book| book.resend(resend)))
    }

    async fn next_send(
        &self,
        who: SubjectTag,
        send: &SendCharge,
        now: Timestamp,
    ) -> Stored<Option<Timestamp>> {
        Ok(self.with(who, |book| book.next_send(send, now)))
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

    async fn drop_all(&self, who: SubjectTag) -> Stored<()> {
        self.with(who, Book::drop_all);
        Ok(())
    }

    async fn conclude(&self, who: SubjectTag, id: ChallengeId, guess: GuessId) -> Stored<()> {
        self.with(who, |book| book.conclude(id, guess));
        Ok(())
    }

    async fn charge_guess(&self, who: SubjectTag, guess: &LoneGuess) -> Stored<LoneCharge> {
        Ok(self.keep(who, guess.now, |book| book.charge_guess(guess)))
    }

    async fn refund_guess(&self, who: SubjectTag, id: ChallengeId, guess: GuessId) -> Stored<()> {
        self.with(who, |book| book.refund_guess(id, guess));
        Ok(())
    }

    async fn lift_windows(&self, who: SubjectTag) -> Stored<()> {
        self.with(who, Book::lift_windows);
        Ok(())
    }

    async fn probe_write(&self) -> Stored<()> {
        Ok(())
    }

    async fn clock(&self) -> Stored<Option<Timestamp>> {
        Ok(None)
    }
}

/// Budgets that span users.
#[derive(Default)]
pub struct MemoryBudgets(Mutex<Charges>);

#[derive(Default)]
struct Charges {
    by_tag: HashMap<BudgetTag, Vec<Charge>>,
    swept_at: Option<Timestamp>,
}

struct Charge {
    /// Nothing once a repeat would be another's.
    id: Option<[u8; 16]>,
    at: Timestamp,
    /// When it counts no more.
    until: Timestamp,
}

impl MemoryBudgets {
    fn charges(&self) -> MutexGuard<'_, Charges> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Budgets for MemoryBudgets {
    async fn charge(
        &self,
        buckets: &[Bucket],
        now: Timestamp,
    ) -> Stored<Result<Vec<Bucket>, Full>> {
        let mut charges = self.charges();
        charges.sweep(now);
        for bucket in buckets {
            let past = charges.by_tag.get(&bucket.of);
            let past = past.map_or(&[][..], Vec::as_slice);
            if past.iter().any(|charge| charge.is(bucket.charge, now)) {
                continue;
            }
            let instants = past.iter().map(|charge| charge.at);
            if let Some(until) = bucket.windows.full_until(instants, now) {
                let of = bucket.of;
                return Ok(Err(Full { of, until }));
            }
        }
        let mut new = Vec::new();
        for bucket in buckets {
            let past = charges.by_tag.entry(bucket.of).or_default();
            if past.iter().all(|charge| !charge.is(bucket.charge, now)) {
                let of_old = |charge: &&mut Charge| charge.id == Some(bucket.charge);
                past.iter_mut()
                    .filter(of_old)
                    .for_each(|charge| charge.id = None);
                past.push(Charge {
                    id: Some(bucket.charge),
                    at: now,
                    until: now.plus(bucket.windows.long.within),
                });
                new.push(*bucket);
            }
        }
        Ok(Ok(new))
    }

    async fn refund(&self, buckets: &[Bucket]) -> Stored<()> {
        let mut charges = self.charges();
        for bucket in buckets {
            if let Some(past) = charges.by_tag.get_mut(&bucket.of) {
                past.retain(|charge| charge.id != Some(bucket.charge));
            }
        }
        Ok(())
    }

    async fn end_wait(&self, buckets: &[Bucket], now: Timestamp) -> Stored<()> {
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

impl Charge {
    /// Whether it is the charge of a call that is repeated: for as long as request ids are remembered.
    fn is(&self, id: [u8; 16], now: Timestamp) -> bool {
        self.id == Some(id) && now.since(self.at) <= REQUEST_LIFE
    }
}

impl Charges {
    fn sweep(&mut self, now: Timestamp) {
        if !is_due(self.swept_at, now) {
            return;
        }
        self.swept_at = Some(now);
        self.by_tag.retain(|_, charged| {
            charged.retain(|charge| now < charge.until);
            !charged.is_empty()
        });
    }
}

fn is_due(swept_at: Option<Timestamp>, now: Timestamp) -> bool {
    swept_at.is_none_or(|at| now.since(at) >= BETWEEN_SWEEPS)
}
