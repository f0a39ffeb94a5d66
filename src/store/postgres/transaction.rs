//! Lock, decide, write: one short transaction for one operation, or for a batch of different users.

use super::{
    NAME,
    connection::{Connection, Failure},
    histories::Histories,
    pool::Pool,
    rows,
    write::Writing,
};
use crate::{
    ports::{Committed, Stored, Unavailable},
    store::record::{
        Duplicate, Found, Operation, Outcome, Sealing,
        rows::{AccountRow, Writes},
    },
};
use countersign_domain::{id::Subject, time::Timestamp};
use futures_util::future::join4;
use std::collections::HashMap;
use tokio_postgres::Row;

/// How often an operation is tried alone.
const TRIES: u32 = 6;

/// How often the timeline may change under one transaction.
const NEW_HISTORIES: u32 = 3;

/// What happens where another transaction holds a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lock {
    /// The row is left out.
    Skip,
    /// It is waited for.
    Wait,
    /// It is waited for, and nobody may refer to it any more.
    WaitToErase,
}

impl Lock {
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
pub(super) enum Member {
    /// It is decided, and what it writes is committed.
    Decided(Outcome),
    /// Its row was not there to be locked: try again.
    Skipped,
    /// Its row can't be used.
    Failed(Unavailable),
}

/// Why a transaction came to nothing.
#[derive(Debug)]
pub(super) enum Broken {
    /// Nothing of it is written.
    Undone(Failure),
    /// All of it is written, or nothing.
    Unknown(Failure),
}

/// Decides operations on what the database holds.
pub(super) struct Transactions {
    sealing: Sealing,
    pub(super) histories: Histories,
}

/// What was read under the locks.
struct Read {
    locked: HashMap<(String, String), AccountRow>,
    /// One of each operation, in their order.
    beside: Vec<Beside>,
    timeline: i64,
    has_sibling: bool,
}

struct Beside {
    has_account: bool,
    ending: Option<Vec<u8>>,
    has_idempotency_record: bool,
    writes_form: i32,
}

impl Transactions {
    pub(super) fn new(sealing: Sealing) -> Self {
        Self {
            sealing,
            histories: Histories::default(),
        }
    }

    /// Carries out operations of different users in one transaction, in which each is decided under the lock of its row.
    pub(super) async fn run(
        &self,
        connection: &Connection,
        operations: &[&Operation],
        lock: Lock,
    ) -> Result<Vec<Member>, Broken> {
        let found = self.read(connection, operations, lock).await;
        let (read, history_began) = match found {
            Ok(found) => found,
            Err(failure) => return Err(undone(connection, failure).await),
        };
        let mut writes = Vec::new();
        let members = self.decide(operations, read, history_began, &mut writes);
        if writes.is_empty() {
            let end = connection.within(connection.simple("ROLLBACK")).await;
            // The outcomes stand, whatever became of the connection.
            drop(end);
            return Ok(members);
        }
        let writing = match connection
            .within(Writing::prepare(connection, &writes))
            .await
        {
            Ok(writing) => writing,
            Err(failure) => return Err(undone(connection, failure).await),
        };
        match connection.within(writing.commit(connection)).await {
            Ok(()) => Ok(members),
            Err(failure) if failure.leaves_outcome_unknown() => Err(Broken::Unknown(failure)),
            Err(failure) => Err(Broken::Undone(failure)),
        }
    }

    async fn read(
        &self,
        connection: &Connection,
        operations: &[&Operation],
        lock: Lock,
    ) -> Result<(Read, Timestamp), Failure> {
        for _ in 0..NEW_HISTORIES {
            let read = connection
                .within(read(connection, operations, lock))
                .await?;
            if let Some(began_at) = self.histories.began_at(read.timeline) {
                return Ok((read, began_at));
            }
            connection.within(connection.simple("ROLLBACK")).await?;
            self.histories.ask(connection).await?;
        }
        Err(Failure::Contended)
    }

    fn decide<'o>(
        &self,
        operations: &[&'o Operation],
        mut read: Read,
        history_began: Timestamp,
        writes: &mut Vec<(&'o Subject, Writes)>,
    ) -> Vec<Member> {
        let beside = std::mem::take(&mut read.beside);
        let members = operations.iter().zip(beside).map(|(operation, beside)| {
            let subject = operation.subject();
            let account = read.locked.remove(&key(subject));
            if beside.has_account && account.is_none() {
                return Member::Skipped;
            }
            let found = Found {
                account,
                ending: beside.ending,
                has_idempotency_record: beside.has_idempotency_record,
                has_sibling: read.has_sibling,
                history_began,
                writes_form: beside.writes_form,
            };
            let decision = match operation.decide(NAME, &found, &self.sealing) {
                Ok(decision) => decision,
                Err(unavailable) => return Member::Failed(unavailable),
            };
            if !decision.writes_nothing() {
                writes.push((subject, decision.writes));
            }
            Member::Decided(decision.outcome)
        });
        members.collect()
    }

    /// Carries out one operation in a transaction of its own, which waits for the row. `is_repeat` if an earlier try may
    /// have been committed.
    pub(super) async fn run_alone(
        &self,
        pool: &Pool,
        operation: &Operation,
        is_repeat: bool,
    ) -> Stored<Outcome> {
        let mut tries = Tries {
            is_repeat,
            ..Tries::default()
        };
        for _ in 0..TRIES {
            let outcome = self.try_alone(pool, operation, &mut tries).await?;
            if let Some(outcome) = outcome {
                return certain(outcome, tries.is_repeat);
            }
        }
        Err(Failure::Contended.into())
    }

    /// One try; nothing if another one may do better.
    async fn try_alone(
        &self,
        pool: &Pool,
        operation: &Operation,
        tries: &mut Tries,
    ) -> Stored<Option<Outcome>> {
        let lock = if operation.erases() {
            Lock::WaitToErase
        } else {
            Lock::Wait
        };
        let lease = match pool.lease().await {
            Ok(lease) => lease,
            Err(failure) => return tries.after(failure, operation),
        };
        match self.run(&lease, &[operation], lock).await {
            Ok(members) => {
                lease.release();
                match members.into_iter().next() {
                    Some(Member::Decided(outcome)) => Ok(Some(outcome)),
                    Some(Member::Failed(unavailable)) => Err(unavailable),
                    Some(Member::Skipped) | None => Ok(None),
                }
            }
            Err(Broken::Unknown(failure)) if tries.is_repeat => Err(failure.into()),
            Err(Broken::Unknown(_)) => {
                tries.is_repeat = true;
                Ok(None)
            }
            Err(Broken::Undone(failure)) => {
                lease.release();
                tries.after(failure, operation)
            }
        }
    }
}

/// What happened to the tries of one operation.
#[derive(Debug, Default)]
struct Tries {
    /// An earlier one may have been committed.
    is_repeat: bool,
    /// A connection broke before anything was written.
    is_reconnect: bool,
    /// A row was there already.
    is_duplicate: bool,
}

impl Tries {
    /// What a failure that wrote nothing comes to; nothing if another try may do better.
    fn after(&mut self, failure: Failure, operation: &Operation) -> Stored<Option<Outcome>> {
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
        if failure.may_succeed_again() {
            return Ok(None);
        }
        Err(failure.into())
    }
}

/// Nothing is written; the connection is made ready for the next transaction.
async fn undone(connection: &Connection, failure: Failure) -> Broken {
    if !failure.leaves_outcome_unknown() {
        drop(connection.within(connection.simple("ROLLBACK")).await);
    }
    Broken::Undone(failure)
}

/// What an operation came to, unless an earlier try may have been committed and this outcome would lead to a new decision.
pub(super) fn certain(outcome: Outcome, is_repeat: bool) -> Stored<Outcome> {
    let leads_to_another = matches!(
        outcome,
        Outcome::Change(
            Committed::ChangedConcurrently | Committed::ProofSpent | Committed::DiffersInCase
        )
    );
    if is_repeat && leads_to_another {
        return Err(Failure::OutcomeUnknown.into());
    }
    Ok(outcome)
}

fn duplicate(constraint: &str) -> Option<Duplicate> {
    match constraint {
        "accounts_pkey" => Some(Duplicate::Account),
        "accounts_folded_id" => Some(Duplicate::FoldedId),
        "attestations_pkey" => Some(Duplicate::Attestation),
        "idempotency_records_pkey" => Some(Duplicate::Idempotency),
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
    connection: &Connection,
    operations: &[&Operation],
    lock: Lock,
) -> Result<Read, Failure> {
    const BESIDE: &str = include_str!("beside.sql");
    const SIBLING: &str =
        "SELECT 1 FROM accounts WHERE tenant_id = $1 AND folded_id = $2 AND user_id <> $3 LIMIT 1";
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
    let creates = operations.iter().find(|operation| operation.creates());
    let sibling = async {
        let Some(operation) = creates else {
            return Ok(Vec::new());
        };
        let subject = operation.subject();
        let folded = subject.user.folded();
        let (tenant, user) = (subject.tenant.as_str(), subject.user.as_str());
        connection.rows(SIBLING, &[&tenant, &folded, &user]).await
    };
    let (begun, locked, beside, sibling) = join4(
        connection.begin(),
        connection.query(&locking, &[&tenants, &users, &reads_profile]),
        connection.query(&reading, &[&tenants, &users, &challenges, &keys]),
        sibling,
    )
    .await;
    begun?;
    let locked = locked?;
    let locked = locked.iter().map(|row| {
        let profile: Option<Vec<u8>> = row.try_get("profile")?;
        let account = rows::account(row, profile.unwrap_or_default())?;
        Ok((
            (account.tenant_id.clone(), account.user_id.clone()),
            account,
        ))
    });
    let locked = locked.collect::<Result<_, Failure>>()?;
    let beside = beside?;
    let timeline = beside
        .first()
        .map(|row| row.try_get("timeline"))
        .transpose()?;
    Ok(Read {
        locked,
        timeline: timeline.unwrap_or_default(),
        beside: rows::all(&beside, one_beside)?,
        has_sibling: !sibling?.is_empty(),
    })
}

fn one_beside(row: &Row) -> Result<Beside, Failure> {
    Ok(Beside {
        has_account: row.try_get("has_account")?,
        ending: row.try_get("ending")?,
        has_idempotency_record: row.try_get("has_idempotency_record")?,
        writes_form: row.try_get("writes_form")?,
    })
}
