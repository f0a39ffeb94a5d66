//! Lock, decide, write: one short transaction for one operation, or for a batch of different users.

use super::{
    connection::{PipelinedConnection, PostgresFailure},
    pool::ConnectionPool,
    rows,
    settings::NAME,
    siblings::read_siblings,
    timeline::TimelineHistory,
    write_pipeline::WritePipeline,
};
use crate::{
    ports::{CommitResult, StoreResult, StoreUnavailable},
    store::record::{
        DuplicateRow, LockedRecord, OperationOutcome, RecordSealing, StoreOperation,
        rows::{AccountRow, OperationWrites},
    },
};
use countersign_domain::value::{id::Subject, time::Timestamp};
use futures_util::future::join4;
use std::collections::HashMap;
use tokio_postgres::Row;

/// How often an operation is tried alone.
const MAX_TRIES: u32 = 6;

/// How often the timeline may change under one transaction.
const MAX_TIMELINE_CHANGES: u32 = 3;

/// What happens where another transaction holds a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowLockMode {
    /// The row is left out.
    Skip,
    /// It is waited for.
    Wait,
    /// It is waited for, and nobody may refer to it any more.
    WaitToErase,
}

impl RowLockMode {
    const fn sql(self) -> &'static str {
        match self {
            Self::Skip => include_str!("lock_skip.sql"),
            Self::Wait => include_str!("lock_wait.sql"),
            Self::WaitToErase => include_str!("lock_erase.sql"),
        }
    }
}

/// What became of one operation of a transaction.
#[derive(Debug)]
pub(super) enum MemberOutcome {
    /// It is decided, and what it writes is committed.
    Decided(OperationOutcome),
    /// Its row was not there to be locked: try again.
    Skipped,
    /// Its row can't be used.
    Failed(StoreUnavailable),
}

/// Why a transaction came to nothing.
#[derive(Debug)]
pub(super) enum TransactionFailure {
    /// Nothing of it is written.
    RolledBack(PostgresFailure),
    /// All of it is written, or nothing.
    Unknown(PostgresFailure),
}

/// Decides operations on what the database holds.
pub(super) struct OperationTransactions {
    sealing: RecordSealing,
    pub(super) histories: TimelineHistory,
}

/// What was read under the locks.
struct LockedRows {
    locked: HashMap<(String, String), AccountRow>,
    /// One of each operation, in their order.
    beside: Vec<AdjacentRows>,
    timeline: i64,
    siblings: Vec<String>,
}

struct AdjacentRows {
    has_account: bool,
    ending: Option<Vec<u8>>,
    has_idempotency_record: bool,
    writes_form: i32,
}

impl OperationTransactions {
    pub(super) fn new(sealing: RecordSealing) -> Self {
        Self {
            sealing,
            histories: TimelineHistory::default(),
        }
    }

    /// Carries out operations of different users in one transaction, in which each is decided under the lock of its row.
    pub(super) async fn run(
        &self,
        connection: &PipelinedConnection,
        operations: &[&StoreOperation],
        lock: RowLockMode,
    ) -> Result<Vec<MemberOutcome>, TransactionFailure> {
        let found = self.read(connection, operations, lock).await;
        let (read, timeline_started_at) = match found {
            Ok(found) => found,
            Err(failure) => return Err(undone(connection, failure).await),
        };
        let mut writes = Vec::new();
        let members = self.decide(operations, read, timeline_started_at, &mut writes);
        if writes.is_empty() {
            let end = connection.within(connection.simple("ROLLBACK")).await;
            // The outcomes stand, whatever became of the connection.
            drop(end);
            return Ok(members);
        }
        let writing = match connection
            .within(WritePipeline::prepare(connection, &writes))
            .await
        {
            Ok(writing) => writing,
            Err(failure) => return Err(undone(connection, failure).await),
        };
        match connection.within(writing.commit(connection)).await {
            Ok(()) => Ok(members),
            Err(failure) if failure.leaves_outcome_unknown() => {
                Err(TransactionFailure::Unknown(failure))
            }
            Err(failure) => Err(TransactionFailure::RolledBack(failure)),
        }
    }

    async fn read(
        &self,
        connection: &PipelinedConnection,
        operations: &[&StoreOperation],
        lock: RowLockMode,
    ) -> Result<(LockedRows, Timestamp), PostgresFailure> {
        for _ in 0..MAX_TIMELINE_CHANGES {
            let read = connection
                .within(read(connection, operations, lock))
                .await?;
            if let Some(began_at) = self.histories.began_at(read.timeline) {
                return Ok((read, began_at));
            }
            connection.within(connection.simple("ROLLBACK")).await?;
            self.histories.ask(connection).await?;
        }
        Err(PostgresFailure::Contended)
    }

    fn decide<'o>(
        &self,
        operations: &[&'o StoreOperation],
        mut read: LockedRows,
        timeline_started_at: Timestamp,
        writes: &mut Vec<(&'o Subject, OperationWrites)>,
    ) -> Vec<MemberOutcome> {
        let beside = std::mem::take(&mut read.beside);
        let members = operations.iter().zip(beside).map(|(operation, beside)| {
            let subject = operation.subject();
            let account = read.locked.remove(&key(subject));
            if beside.has_account && account.is_none() {
                return MemberOutcome::Skipped;
            }
            let found = LockedRecord {
                account,
                ending: beside.ending,
                has_idempotency_record: beside.has_idempotency_record,
                siblings: read.siblings.clone(),
                timeline_started_at,
                writes_form: beside.writes_form,
            };
            let decision = match operation.decide(NAME, &found, &self.sealing) {
                Ok(decision) => decision,
                Err(unavailable) => return MemberOutcome::Failed(unavailable),
            };
            if !decision.writes_nothing() {
                writes.push((subject, decision.writes));
            }
            MemberOutcome::Decided(decision.outcome)
        });
        members.collect()
    }

    /// Carries out one operation in a transaction of its own, which waits for the row. `is_repeat` if an earlier try may
    /// have been committed.
    pub(super) async fn run_alone(
        &self,
        pool: &ConnectionPool,
        operation: &StoreOperation,
        is_repeat: bool,
    ) -> StoreResult<OperationOutcome> {
        let mut tries = RetryState {
            is_repeat,
            ..RetryState::default()
        };
        for _ in 0..MAX_TRIES {
            let outcome = self.try_alone(pool, operation, &mut tries).await?;
            if let Some(outcome) = outcome {
                return reject_ambiguous(outcome, tries.is_repeat);
            }
        }
        Err(PostgresFailure::Contended.into())
    }

    /// One try; nothing if another one may do better.
    async fn try_alone(
        &self,
        pool: &ConnectionPool,
        operation: &StoreOperation,
        tries: &mut RetryState,
    ) -> StoreResult<Option<OperationOutcome>> {
        let lock = if operation.erases() {
            RowLockMode::WaitToErase
        } else {
            RowLockMode::Wait
        };
        let lease = match pool.lease().await {
            Ok(lease) => lease,
            Err(failure) => return tries.after(failure, operation),
        };
        match self.run(&lease, &[operation], lock).await {
            Ok(members) => {
                lease.release();
                match members.into_iter().next() {
                    Some(MemberOutcome::Decided(outcome)) => Ok(Some(outcome)),
                    Some(MemberOutcome::Failed(unavailable)) => Err(unavailable),
                    Some(MemberOutcome::Skipped) | None => Ok(None),
                }
            }
            Err(TransactionFailure::Unknown(failure)) if tries.is_repeat => Err(failure.into()),
            Err(TransactionFailure::Unknown(_)) => {
                tries.is_repeat = true;
                Ok(None)
            }
            Err(TransactionFailure::RolledBack(failure)) => {
                lease.release();
                tries.after(failure, operation)
            }
        }
    }
}

/// What happened to the tries of one operation.
#[derive(Debug, Default)]
struct RetryState {
    /// An earlier one may have been committed.
    is_repeat: bool,
    /// A connection broke before anything was written.
    is_reconnect: bool,
    /// A row was there already.
    is_duplicate: bool,
}

impl RetryState {
    /// What a failure that wrote nothing comes to; nothing if another try may do better.
    fn after(
        &mut self,
        failure: PostgresFailure,
        operation: &StoreOperation,
    ) -> StoreResult<Option<OperationOutcome>> {
        if let Some(constraint) = failure.duplicate() {
            // Decided again, it finds the row that was in its way, unless it does not look for that.
            let was_duplicate = std::mem::replace(&mut self.is_duplicate, true);
            let duplicate = duplicate(constraint).filter(|_| was_duplicate);
            return Ok(duplicate.map(|duplicate| operation.outcome_of_duplicate(duplicate)));
        }
        if failure.is_disconnect() && !self.is_reconnect {
            self.is_reconnect = true;
            return Ok(None);
        }
        if failure.may_succeed_on_retry() {
            return Ok(None);
        }
        Err(failure.into())
    }
}

/// Nothing is written; the connection is made ready for the next transaction.
async fn undone(connection: &PipelinedConnection, failure: PostgresFailure) -> TransactionFailure {
    if !failure.leaves_outcome_unknown() {
        drop(connection.within(connection.simple("ROLLBACK")).await);
    }
    TransactionFailure::RolledBack(failure)
}

/// What an operation came to, unless an earlier try may have been committed and this outcome would lead to a new decision.
pub(super) fn reject_ambiguous(
    outcome: OperationOutcome,
    is_repeat: bool,
) -> StoreResult<OperationOutcome> {
    let leads_to_another = matches!(
        outcome,
        OperationOutcome::Change(
            CommitResult::ChangedConcurrently
                | CommitResult::ProofSpent
                | CommitResult::DiffersInCase
                | CommitResult::LooksAlike
        )
    );
    if is_repeat && leads_to_another {
        return Err(PostgresFailure::OutcomeUnknown.into());
    }
    Ok(outcome)
}

fn duplicate(constraint: &str) -> Option<DuplicateRow> {
    match constraint {
        "accounts_pkey" => Some(DuplicateRow::Account),
        "accounts_skeleton" => Some(DuplicateRow::Skeleton),
        "attestations_pkey" => Some(DuplicateRow::Attestation),
        "idempotency_records_pkey" => Some(DuplicateRow::Idempotency),
        _ => None,
    }
}

fn key(subject: &Subject) -> (String, String) {
    (
        subject.tenant.as_str().to_owned(),
        subject.user.as_str().to_owned(),
    )
}

/// Begins a transaction, locks the rows, and reads what lies beside them. The second statement sees what was committed
/// before the locks were given.
async fn read(
    connection: &PipelinedConnection,
    operations: &[&StoreOperation],
    lock: RowLockMode,
) -> Result<LockedRows, PostgresFailure> {
    const BESIDE: &str = include_str!("beside.sql");
    let locking = connection.prepared(lock.sql()).await?;
    let reading = connection.prepared(BESIDE).await?;
    let subjects = || operations.iter().map(|operation| operation.subject());
    let tenants: Vec<&str> = subjects().map(|subject| subject.tenant.as_str()).collect();
    let users: Vec<&str> = subjects().map(|subject| subject.user.as_str()).collect();
    let reads_profile: Vec<bool> = operations.iter().map(|o| o.reads_profile()).collect();
    let challenges = operations.iter().map(|operation| {
        let id = operation.challenge()?;
        Some(id.as_bytes().to_vec())
    });
    let challenges: Vec<Option<Vec<u8>>> = challenges.collect();
    let keys = operations
        .iter()
        .map(|operation| Some(operation.idempotency_key()?.to_vec()));
    let keys: Vec<Option<Vec<u8>>> = keys.collect();
    let mut creating = operations.iter().filter(|operation| operation.creates());
    let created = creating.next().map(|operation| operation.subject());
    let (begin_result, locked, beside, siblings) = join4(
        connection.begin(),
        connection.query(&locking, &[&tenants, &users, &reads_profile]),
        connection.query(&reading, &[&tenants, &users, &challenges, &keys]),
        read_siblings(connection, created),
    )
    .await;
    begin_result?;
    let locked = locked?;
    let locked = locked.iter().map(|row| {
        let profile: Option<Vec<u8>> = row.try_get("profile")?;
        let account = rows::account(row, profile.unwrap_or_default())?;
        Ok((
            (account.tenant_id.clone(), account.user_id.clone()),
            account,
        ))
    });
    let locked = locked.collect::<Result<_, PostgresFailure>>()?;
    let beside = beside?;
    let timeline = beside
        .first()
        .map(|row| row.try_get("timeline"))
        .transpose()?;
    Ok(LockedRows {
        locked,
        timeline: timeline.unwrap_or_default(),
        beside: rows::all(&beside, one_beside)?,
        siblings: rows::all(&siblings?, |row| Ok(row.try_get("user_id")?))?,
    })
}

fn one_beside(row: &Row) -> Result<AdjacentRows, PostgresFailure> {
    Ok(AdjacentRows {
        has_account: row.try_get("has_account")?,
        ending: row.try_get("ending")?,
        has_idempotency_record: row.try_get("has_idempotency_record")?,
        writes_form: row.try_get("writes_form")?,
    })
}
