//! Lanes of verdicts: each has a connection of its own, on which all that has queued shares one transaction.

use super::{
    connection::{ACQUIRE_TIMEOUT, PipelinedConnection, PostgresConnector, PostgresFailure},
    job_queue::{JobQueue, JobReply, MAX_BATCH_SIZE, QUEUE_CAPACITY, refuse},
    pool::ConnectionPool,
    transaction::{
        MemberOutcome, OperationTransactions, RowLockMode, TransactionFailure, reject_ambiguous,
    },
};
use crate::{
    ports::StoreResult,
    store::record::{OperationOutcome, StoreOperation},
};
use countersign_domain::value::id::Subject;
use futures_util::FutureExt;
use std::{
    collections::{HashSet, VecDeque, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    panic::AssertUnwindSafe,
    sync::Arc,
    time::Duration,
};
use tokio::{runtime::Handle, sync::mpsc};

/// How many lanes there are: more make smaller batches, which cost the server more.
const LANE_COUNT: usize = 2;

/// How often a row that another process holds is left for the next batch.
const MAX_SKIPPED_BATCHES: u32 = 2;

/// Lanes of verdicts. Those of one user meet in one lane.
pub(super) struct VerdictLanes {
    shared: Arc<LaneResources>,
    queues: [JobQueue<LaneJob>; LANE_COUNT],
}

struct LaneResources {
    connector: PostgresConnector,
    transactions: Arc<OperationTransactions>,
    pool: Arc<ConnectionPool>,
}

struct LaneJob {
    operation: StoreOperation,
    reply: JobReply<OperationOutcome>,
    skips: u32,
    /// Whether an earlier try may have been committed.
    is_repeat: bool,
    /// Whether a connection broke before anything was written.
    is_reconnect: bool,
}

impl VerdictLanes {
    pub(super) fn new(
        connector: PostgresConnector,
        transactions: Arc<OperationTransactions>,
        pool: Arc<ConnectionPool>,
    ) -> Self {
        let shared = Arc::new(LaneResources {
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
    pub(super) async fn run(&self, operation: StoreOperation) -> StoreResult<OperationOutcome> {
        tracing::debug!("verdict queued");
        let queue = self.queue(operation.subject());
        let job = |reply| LaneJob {
            operation,
            reply,
            skips: 0,
            is_repeat: false,
            is_reconnect: false,
        };
        let serve = |jobs| {
            let lane = VerdictLane {
                shared: Arc::clone(&self.shared),
                jobs,
                waiting: VecDeque::new(),
                connection: None,
            };
            lane.serve()
        };
        queue.run(job, self.bound(), serve).await
    }

    /// How long an operation may take with all its tries, each of which has a bound of its own.
    fn bound(&self) -> Duration {
        (self.shared.connector.reply_timeout() + ACQUIRE_TIMEOUT) * 3
    }

    /// The lane of a user.
    fn queue(&self, subject: &Subject) -> &JobQueue<LaneJob> {
        let [first, second] = &self.queues;
        let mut hasher = DefaultHasher::new();
        (subject.tenant.as_str(), subject.user.as_str()).hash(&mut hasher);
        if hasher.finish().is_multiple_of(2) {
            first
        } else {
            second
        }
    }
}

struct VerdictLane {
    shared: Arc<LaneResources>,
    jobs: mpsc::Receiver<LaneJob>,
    waiting: VecDeque<LaneJob>,
    connection: Option<PipelinedConnection>,
}

impl VerdictLane {
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
        while self.waiting.len() < QUEUE_CAPACITY
            && let Ok(job) = self.jobs.try_recv()
        {
            self.waiting.push_back(job);
        }
        true
    }

    /// Operations of different users, sorted. Others of the same user wait for the next batch, in their order.
    fn next_batch(&mut self) -> Vec<LaneJob> {
        let mut batch: Vec<LaneJob> = Vec::new();
        let mut subjects = HashSet::new();
        let mut left = VecDeque::new();
        for job in self.waiting.drain(..).filter(|job| !job.reply.is_closed()) {
            if batch.len() < MAX_BATCH_SIZE && subjects.insert(job.operation.subject().clone()) {
                batch.push(job);
            } else {
                left.push_back(job);
            }
        }
        self.waiting = left;
        batch.sort_by(|one, other| user_of(one).cmp(&user_of(other)));
        batch
    }

    async fn work(&mut self, batch: Vec<LaneJob>) {
        if batch.is_empty() {
            return;
        }
        let shared = Arc::clone(&self.shared);
        let connection = match self.connected().await {
            Ok(connection) => connection,
            Err(failure) => return self.refuse_all(batch, &failure),
        };
        let operations: Vec<&StoreOperation> = batch.iter().map(|job| &job.operation).collect();
        let ran = shared
            .transactions
            .run(connection, &operations, RowLockMode::Skip)
            .await;
        match ran {
            Ok(members) => self.answer(batch, members),
            Err(TransactionFailure::Unknown(failure)) => self.repeat(batch, &failure, true),
            Err(TransactionFailure::RolledBack(failure)) if failure.is_disconnect() => {
                self.repeat(batch, &failure, false);
            }
            Err(TransactionFailure::RolledBack(failure)) => self.separate(batch, &failure),
        }
    }

    /// The operations of a transaction that was undone are carried out one by one, if that can help.
    fn separate(&self, batch: Vec<LaneJob>, failure: &PostgresFailure) {
        let may_help = failure.duplicate().is_some() || failure.may_succeed_on_retry();
        for job in batch {
            if may_help {
                self.run_alone(job);
            } else {
                refuse(job.reply, failure);
            }
        }
    }

    async fn connected(&mut self) -> Result<&PipelinedConnection, PostgresFailure> {
        if let Some(connection) = self.connection.take()
            && connection.is_alive().await
        {
            return Ok(self.connection.insert(connection));
        }
        let connection = self.shared.connector.connect().await?;
        Ok(self.connection.insert(connection))
    }

    fn answer(&mut self, batch: Vec<LaneJob>, members: Vec<MemberOutcome>) {
        for (mut job, member) in batch.into_iter().zip(members) {
            match member {
                MemberOutcome::Decided(outcome) => {
                    let outcome = reject_ambiguous(outcome, job.is_repeat);
                    drop(job.reply.send(outcome));
                }
                MemberOutcome::Failed(unavailable) => drop(job.reply.send(Err(unavailable))),
                MemberOutcome::Skipped if job.skips < MAX_SKIPPED_BATCHES => {
                    job.skips += 1;
                    self.waiting.push_front(job);
                }
                MemberOutcome::Skipped => self.run_alone(job),
            }
        }
    }

    /// Tries operations once more on another connection.
    fn repeat(&mut self, batch: Vec<LaneJob>, failure: &PostgresFailure, may_be_committed: bool) {
        self.connection = None;
        for mut job in batch.into_iter().rev() {
            let tried_before = if may_be_committed {
                job.is_repeat
            } else {
                job.is_reconnect
            };
            if tried_before {
                refuse(job.reply, failure);
                continue;
            }
            job.is_repeat |= may_be_committed;
            job.is_reconnect |= !may_be_committed;
            self.waiting.push_front(job);
        }
    }

    /// Without a server, nobody waits for it one after the other.
    fn refuse_all(&mut self, batch: Vec<LaneJob>, failure: &PostgresFailure) {
        let waiting = self.waiting.drain(..);
        for job in batch.into_iter().chain(waiting) {
            refuse(job.reply, failure);
        }
        while let Ok(job) = self.jobs.try_recv() {
            refuse(job.reply, failure);
        }
    }

    /// Beside the lane, which nobody holds up.
    fn run_alone(&self, job: LaneJob) {
        let shared = Arc::clone(&self.shared);
        let alone = async move {
            let LaneJob {
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

fn user_of(job: &LaneJob) -> (&str, &str) {
    let subject = job.operation.subject();
    (subject.tenant.as_str(), subject.user.as_str())
}
