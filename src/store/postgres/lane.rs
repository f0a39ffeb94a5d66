//! Lanes of verdicts: each has a connection of its own, on which all that has queued shares one transaction.

use super::{
    connection::{ACQUIRE_TIMEOUT, Connection, Connector, Failure},
    pool::Pool,
    transaction::{Broken, Lock, Member, Transactions, certain},
};
use crate::{
    ports::Stored,
    store::record::{Operation, Outcome},
};
use countersign_domain::id::Subject;
use futures_util::FutureExt;
use std::{
    collections::{HashSet, VecDeque, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
    time::timeout,
};

/// How many lanes there are: more make smaller batches, which cost the server more.
const LANES: usize = 2;

/// How many operations share one transaction at most.
const BATCH: usize = 64;

/// How many operations may wait in a lane.
const QUEUE: usize = 1024;

/// How often a row that another process holds is left for the next batch.
const SKIPS: u32 = 2;

/// Lanes of verdicts. Those of one user meet in one lane.
pub(super) struct Lanes {
    shared: Arc<Shared>,
    queues: [Mutex<Option<mpsc::Sender<Job>>>; LANES],
}

struct Shared {
    connector: Connector,
    transactions: Arc<Transactions>,
    pool: Arc<Pool>,
}

struct Job {
    operation: Operation,
    reply: oneshot::Sender<Stored<Outcome>>,
    skips: u32,
    /// Whether an earlier try may have been committed.
    is_repeat: bool,
    /// Whether a connection broke before anything was written.
    is_reconnect: bool,
}

impl Lanes {
    pub(super) fn new(
        connector: Connector,
        transactions: Arc<Transactions>,
        pool: Arc<Pool>,
    ) -> Self {
        let shared = Arc::new(Shared {
            connector,
            transactions,
            pool,
        });
        Self {
            shared,
            queues: Default::default(),
        }
    }

    /// Carries out an operation with all others that have queued.
    pub(super) async fn run(&self, operation: Operation) -> Stored<Outcome> {
        let queue = self.queue(operation.subject());
        let (reply, outcome) = oneshot::channel();
        let job = Job {
            operation,
            reply,
            skips: 0,
            is_repeat: false,
            is_reconnect: false,
        };
        let queued = queue.send_timeout(job, ACQUIRE_TIMEOUT).await;
        queued.map_err(|_| Failure::Busy)?;
        let bound = self.bound();
        let outcome = timeout(bound, outcome).await.map_err(|_| Failure::Silent)?;
        outcome.unwrap_or_else(|_| Err(Failure::OutcomeUnknown.into()))
    }

    /// How long an operation may take with all its tries, each of which has a bound of its own.
    fn bound(&self) -> Duration {
        (self.shared.connector.patience() + ACQUIRE_TIMEOUT) * 3
    }

    /// The lane of a user. It begins with its first operation, and again if it should ever end.
    fn queue(&self, subject: &Subject) -> mpsc::Sender<Job> {
        let [first, second] = &self.queues;
        let mut hasher = DefaultHasher::new();
        (subject.tenant.as_str(), subject.user.as_str()).hash(&mut hasher);
        let slot = if hasher.finish().is_multiple_of(2) {
            first
        } else {
            second
        };
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = slot.as_ref().filter(|queue| !queue.is_closed()) {
            return queue.clone();
        }
        let (queue, jobs) = mpsc::channel(QUEUE);
        *slot = Some(queue.clone());
        let lane = Lane {
            shared: Arc::clone(&self.shared),
            jobs,
            waiting: VecDeque::new(),
            connection: None,
        };
        drop(Handle::current().spawn(lane.serve()));
        queue
    }
}

struct Lane {
    shared: Arc<Shared>,
    jobs: mpsc::Receiver<Job>,
    waiting: VecDeque<Job>,
    connection: Option<Connection>,
}

impl Lane {
    async fn serve(mut self) {
        while self.gather().await {
            let batch = self.next_batch();
            // Dropped with a panic, the operations of a batch are answered as ones whose outcome is not known.
            let worked = AssertUnwindSafe(self.work(batch)).catch_unwind().await;
            if worked.is_err() {
                self.connection = None;
            }
        }
    }

    /// Takes what has queued; waits only if there is nothing. Whether there will ever be something.
    async fn gather(&mut self) -> bool {
        if self.waiting.is_empty() {
            let Some(job) = self.jobs.recv().await else {
                return false;
            };
            self.waiting.push_back(job);
        }
        while self.waiting.len() < QUEUE
            && let Ok(job) = self.jobs.try_recv()
        {
            self.waiting.push_back(job);
        }
        true
    }

    /// Operations of different users, sorted. Others of the same user wait for the next batch, in their order.
    fn next_batch(&mut self) -> Vec<Job> {
        let mut batch: Vec<Job> = Vec::new();
        let mut subjects = HashSet::new();
        let mut left = VecDeque::new();
        for job in self.waiting.drain(..).filter(|job| !job.reply.is_closed()) {
            if batch.len() < BATCH && subjects.insert(job.operation.subject().clone()) {
                batch.push(job);
            } else {
                left.push_back(job);
            }
        }
        self.waiting = left;
        batch.sort_by(|one, other| place(one).cmp(&place(other)));
        batch
    }

    async fn work(&mut self, batch: Vec<Job>) {
        if batch.is_empty() {
            return;
        }
        let shared = Arc::clone(&self.shared);
        let connection = match self.connected().await {
            Ok(connection) => connection,
            Err(failure) => return self.refuse_all(batch, &failure),
        };
        let operations: Vec<&Operation> = batch.iter().map(|job| &job.operation).collect();
        let ran = shared
            .transactions
            .run(connection, &operations, Lock::Skip)
            .await;
        match ran {
            Ok(members) => self.answer(batch, members),
            Err(Broken::Unknown(failure)) => self.repeat(batch, &failure, true),
            Err(Broken::Undone(failure)) if failure.is_disconnect() => {
                self.repeat(batch, &failure, false);
            }
            Err(Broken::Undone(failure)) => self.separate(batch, &failure),
        }
    }

    /// The operations of a transaction that was undone are carried out one by one, if that can help.
    fn separate(&self, batch: Vec<Job>, failure: &Failure) {
        let may_help = failure.duplicate().is_some() || failure.may_succeed_again();
        for job in batch {
            if may_help {
                self.run_alone(job);
            } else {
                refuse(job, failure);
            }
        }
    }

    async fn connected(&mut self) -> Result<&Connection, Failure> {
        if let Some(connection) = self.connection.take()
            && connection.is_alive().await
        {
            return Ok(self.connection.insert(connection));
        }
        let connection = self.shared.connector.connect().await?;
        Ok(self.connection.insert(connection))
    }

    fn answer(&mut self, batch: Vec<Job>, members: Vec<Member>) {
        for (mut job, member) in batch.into_iter().zip(members) {
            match member {
                Member::Decided(outcome) => {
                    let outcome = certain(outcome, job.is_repeat);
                    drop(job.reply.send(outcome));
                }
                Member::Failed(unavailable) => drop(job.reply.send(Err(unavailable))),
                Member::Skipped if job.skips < SKIPS => {
                    job.skips += 1;
                    self.waiting.push_front(job);
                }
                Member::Skipped => self.run_alone(job),
            }
        }
    }

    /// Tries operations once more on another connection.
    fn repeat(&mut self, batch: Vec<Job>, failure: &Failure, may_be_committed: bool) {
        self.connection = None;
        for mut job in batch.into_iter().rev() {
            let tried_before = if may_be_committed {
                job.is_repeat
            } else {
                job.is_reconnect
            };
            if tried_before {
                refuse(job, failure);
                continue;
            }
            job.is_repeat |= may_be_committed;
            job.is_reconnect |= !may_be_committed;
            self.waiting.push_front(job);
        }
    }

    /// Without a server, nobody waits for it one after the other.
    fn refuse_all(&mut self, batch: Vec<Job>, failure: &Failure) {
        let waiting = self.waiting.drain(..);
        for job in batch.into_iter().chain(waiting) {
            refuse(job, failure);
        }
        while let Ok(job) = self.jobs.try_recv() {
            refuse(job, failure);
        }
    }

    /// Beside the lane, which nobody holds up.
    fn run_alone(&self, job: Job) {
        let shared = Arc::clone(&self.shared);
        let alone = async move {
            let Job {
                operation,
                reply,
                is_repeat,
                ..
            } = job;
            let transactions = &shared.transactions;
            let outcome = transactions
                .run_alone(&shared.pool, &operation, is_repeat)
                .await;
            drop(reply.send(outcome));
        };
        drop(Handle::current().spawn(alone));
    }
}

fn place(job: &Job) -> (&str, &str) {
    let subject = job.operation.subject();
    (subject.tenant.as_str(), subject.user.as_str())
}

fn refuse(job: Job, failure: &Failure) {
    let cause = failure.to_string();
    let refused = crate::store::record::unavailable(super::NAME, cause);
    drop(job.reply.send(Err(refused)));
}
