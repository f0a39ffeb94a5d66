//! Loads of single users. Those that come while a statement is out share the next one; a lone load is sent at once.

use super::{
    connection::{ACQUIRE_TIMEOUT, PostgresFailure, SqlParams},
    job_queue::{JobQueue, JobReply, refuse, serve_batches},
    pool::ReadConnections,
};
use crate::{ports::StoreResult, store::durable::AccountRowLookup};
use countersign_domain::value::id::Subject;
use futures_util::future::join_all;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;
use tokio_postgres::Row;

/// One load. Without arrays it costs the server less.
const LOAD_ONE: &str = concat!(
    "WITH loads AS (SELECT $1::text AS tenant_id, $2::text AS user_id, $3::bytea AS key_digest, $4::bytea AS challenge_id,
        1 AS place)\n",
    include_str!("load.sql")
);

/// Many loads, one array for each column. Numbered by the server, they need not be sorted.
const LOAD_MANY: &str = concat!(
    "WITH loads AS (SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[])
        WITH ORDINALITY AS n (tenant_id, user_id, key_digest, challenge_id, place))\n",
    include_str!("load.sql")
);

/// How many loads wait for the first connection before the second one is used. Larger batches cost the server hardly less
/// for each load, and where rows come from a disk, two connections read two at a time.
const SECOND_QUEUE_THRESHOLD: usize = 32;

/// How long a statement may be out before later loads go by the other connection: a connection that hangs must not stop all.
const SLOW_STATEMENT_THRESHOLD: Duration = Duration::from_millis(50);

/// Loads that wait for one of two connections.
pub(super) struct LoadBatcher {
    readers: Arc<ReadConnections>,
    queues: [JobQueue<PendingLoad>; 2],
    /// For each connection.
    sent_at: [StatementSentAt; 2],
    /// How long a load may take.
    bound: Duration,
}

/// When the statement was sent that is out on a connection, if one is.
type StatementSentAt = Arc<Mutex<Option<Instant>>>;

struct PendingLoad {
    subject: Subject,
    lookup: AccountRowLookup,
    reply: JobReply<Row>,
}

impl LoadBatcher {
    pub(super) fn new(readers: Arc<ReadConnections>) -> Self {
        Self {
            bound: readers.reply_timeout() + ACQUIRE_TIMEOUT,
            readers,
            queues: Default::default(),
            sent_at: Default::default(),
        }
    }

    /// The row of a user and of what lies beside, as it is after this call began.
    pub(super) async fn row(
        &self,
        subject: &Subject,
        lookup: AccountRowLookup,
    ) -> StoreResult<Row> {
        let ([first, second], [first_sent_at, second_sent_at]) = (&self.queues, &self.sent_at);
        let is_first_short = first.waiting() < SECOND_QUEUE_THRESHOLD.max(second.waiting());
        let (place, queue, sent_at) = if is_first_short && !self.is_slow(first_sent_at) {
            (0, first, first_sent_at)
        } else {
            (1, second, second_sent_at)
        };
        let load = |reply| PendingLoad {
            subject: subject.clone(),
            lookup,
            reply,
        };
        let (readers, sent_at) = (Arc::clone(&self.readers), Arc::clone(sent_at));
        let serve = move |loads| {
            serve_batches(loads, move |batch| {
                run_batch(Arc::clone(&readers), place, Arc::clone(&sent_at), batch)
            })
        };
        queue.run(load, self.bound, serve).await
    }

    /// Whether a statement hangs on a connection. None is out longer than a load may take.
    fn is_slow(&self, sent_at: &StatementSentAt) -> bool {
        let since = locked(sent_at).map(|sent_at| sent_at.elapsed());
        since.is_some_and(|since| (SLOW_STATEMENT_THRESHOLD..self.bound).contains(&since))
    }
}

fn locked(sent_at: &StatementSentAt) -> MutexGuard<'_, Option<Instant>> {
    sent_at.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads what its callers still wait for, in one statement.
async fn run_batch(
    readers: Arc<ReadConnections>,
    place: usize,
    sent_at: StatementSentAt,
    mut batch: Vec<PendingLoad>,
) {
    batch.retain(|load| !load.reply.is_closed());
    if batch.is_empty() {
        return;
    }
    *locked(&sent_at) = Some(Instant::now());
    match read(&readers, place, &batch).await {
        Err(failure) if batch.len() > 1 && failure.is_limited_to_one_row() => {
            join_all(batch.into_iter().map(async |load| {
                let row = read(&readers, place, std::slice::from_ref(&load)).await;
                send_rows(vec![load], row);
            }))
            .await;
        }
        rows => send_rows(batch, rows),
    }
    *locked(&sent_at) = None;
}

/// A row for each load, in their order: the join keeps users who are absent, and `ORDER BY` the order.
async fn read(
    readers: &ReadConnections,
    place: usize,
    batch: &[PendingLoad],
) -> Result<Vec<Row>, PostgresFailure> {
    let tenants: Vec<&str> = batch
        .iter()
        .map(|load| load.subject.tenant.as_str())
        .collect();
    let users: Vec<&str> = batch
        .iter()
        .map(|load| load.subject.user.as_str())
        .collect();
    let keys = batch
        .iter()
        .map(|load| load.lookup.idempotency_key.as_ref());
    let keys: Vec<Option<&[u8]>> = keys.map(|key| key.map(<[u8; 16]>::as_slice)).collect();
    let challenges = batch.iter().map(|load| load.lookup.challenge.as_ref());
    let challenges: Vec<Option<&[u8]>> =
        challenges.map(|id| id.map(<[u8; 16]>::as_slice)).collect();
    if let ([tenant], [user], [key], [challenge]) = (&*tenants, &*users, &*keys, &*challenges) {
        return readers
            .rows_at(place, LOAD_ONE, &[tenant, user, key, challenge])
            .await;
    }
    let values: SqlParams<'_> = &[&tenants, &users, &keys, &challenges];
    readers.rows_at(place, LOAD_MANY, values).await
}

fn send_rows(batch: Vec<PendingLoad>, rows: Result<Vec<Row>, PostgresFailure>) {
    match rows {
        Ok(rows) => {
            for (load, row) in batch.into_iter().zip(rows) {
                drop(load.reply.send(Ok(row)));
            }
        }
        Err(failure) => {
            for load in batch {
                refuse(load.reply, &failure);
            }
        }
    }
}
