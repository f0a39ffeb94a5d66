//! What is written about users. Each function runs inside a transaction that holds the writer's lock.

use super::{
    connection::NAME,
    outbox::insert_notice,
    rows::{ACCOUNT, with_profile},
    state,
    writer::{JobAnswer, JobError, JobResult},
};
use crate::{
    ports::CommitResult,
    store::{
        durable::PolicyWrite,
        record::{
            DuplicateRow, LockedRecord, MAX_SIBLINGS, OperationOutcome, RecordSealing,
            StoreOperation,
            rows::{
                AccountRow, AccountWrite, AttestationRow, EndingRow, EventRow, IdempotencyRow,
                NewAlertRow, OperationWrites,
            },
        },
    },
};
use countersign_domain::value::{
    id::{Subject, SubjectTag},
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension, ffi, named_params, params};

/// Decides an operation on the user's row as it stands, and writes what follows.
pub(super) fn run(
    db: &Connection,
    operation: &StoreOperation,
    sealing: &RecordSealing,
) -> JobResult<OperationOutcome> {
    let subject = operation.subject();
    let found = LockedRecord {
        account: account(db, subject, operation.reads_profile())?,
        ending: ending(db, operation)?,
        has_idempotency_record: has_idempotency_record(db, operation)?,
        siblings: if operation.creates() {
            siblings(db, subject)?
        } else {
            Vec::new()
        },
        timeline_started_at: Timestamp::from_millis(i64::MIN),
        writes_form: state::read(db)?.writes_form,
    };
    let decision = operation.decide(NAME, &found, sealing)?;
    if decision.writes_nothing() {
        return Ok(JobAnswer::Undo(decision.outcome));
    }
    match write(db, subject, &decision.writes) {
        Ok(()) => Ok(JobAnswer::Keep(decision.outcome)),
        Err(error) => match duplicate(&error) {
            Some(duplicate) => Ok(JobAnswer::Undo(operation.outcome_of_duplicate(duplicate))),
            None => Err(error.into()),
        },
    }
}

/// Which row was there already.
fn duplicate(error: &rusqlite::Error) -> Option<DuplicateRow> {
    let rusqlite::Error::SqliteFailure(code, Some(message)) = error else {
        return None;
    };
    let unique = [
        ffi::SQLITE_CONSTRAINT_UNIQUE,
        ffi::SQLITE_CONSTRAINT_PRIMARYKEY,
    ];
    if !unique.contains(&code.extended_code) {
        return None;
    }
    Some(if message.contains("accounts.skeleton") {
        DuplicateRow::Skeleton
    } else if message.contains("attestations.") {
        DuplicateRow::Attestation
    } else if message.contains("idempotency_records.") {
        DuplicateRow::Idempotency
    } else {
        DuplicateRow::Account
    })
}

fn account(
    db: &Connection,
    subject: &Subject,
    reads_profile: bool,
) -> rusqlite::Result<Option<AccountRow>> {
    let sql = format!(
        "SELECT {ACCOUNT}, CASE WHEN ?3 THEN a.profile ELSE x'' END FROM accounts a
         WHERE tenant_id = ?1 AND user_id = ?2"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let (tenant, user) = (subject.tenant.as_str(), subject.user.as_str());
    let of = params![tenant, user, reads_profile];
    statement
        .query_row(of, |row| with_profile(row, 11))
        .optional()
}

fn ending(db: &Connection, operation: &StoreOperation) -> rusqlite::Result<Option<Vec<u8>>> {
    let Some(challenge) = operation.challenge() else {
        return Ok(None);
    };
    let subject = operation.subject();
    let mut statement = db.prepare_cached(
        "SELECT ending FROM ended_challenges WHERE tenant_id = ?1 AND user_id = ?2 AND challenge_id = ?3",
    )?;
    let of = params![
        subject.tenant.as_str(),
        subject.user.as_str(),
        challenge.as_bytes()
    ];
    statement.query_row(of, |row| row.get(0)).optional()
}

fn has_idempotency_record(db: &Connection, operation: &StoreOperation) -> rusqlite::Result<bool> {
    let Some(key) = operation.idempotency_key() else {
        return Ok(false);
    };
    let mut statement =
        db.prepare_cached("SELECT 1 FROM idempotency_records WHERE key_digest = ?1")?;
    statement.exists([key])
}

fn siblings(db: &Connection, subject: &Subject) -> rusqlite::Result<Vec<String>> {
    let mut statement = db.prepare_cached(
        "SELECT user_id FROM accounts WHERE tenant_id = ?1 AND skeleton = ?2 AND user_id <> ?3 LIMIT ?4",
    )?;
    let of = params![
        subject.tenant.as_str(),
        subject.user.skeleton(),
        subject.user.as_str(),
        i64::from(MAX_SIBLINGS) + 1
    ];
    statement.query_map(of, |row| row.get(0))?.collect()
}

fn write(db: &Connection, subject: &Subject, writes: &OperationWrites) -> rusqlite::Result<()> {
    if let Some(row) = &writes.idempotency {
        insert_idempotency_record(db, row)?;
    }
    for row in &writes.attestations {
        insert_attestation(db, row)?;
    }
    match &writes.account {
        AccountWrite::None => {}
        AccountWrite::Insert(row) => insert_account(db, row)?,
        AccountWrite::Update {
            expected_version,
            row,
        } => update_account(db, *expected_version, row)?,
        AccountWrite::Delete(tag) => delete_account(db, subject, *tag)?,
    }
    if let Some(row) = &writes.ending {
        insert_ending(db, subject, row)?;
    }
    for row in &writes.alerts {
        insert_alert(db, row)?;
    }
    if let Some(row) = &writes.event {
        insert_event(db, row)?;
    }
    for row in &writes.notices {
        insert_notice(db, row)?;
    }
    Ok(())
}

fn insert_account(db: &Connection, row: &AccountRow) -> rusqlite::Result<()> {
    let mut statement = db.prepare_cached(
        "INSERT INTO accounts (tenant_id, user_id, skeleton, exact_id, version, form, key_id, record, profile, email_tag,
             methods, last_failure_at)
         VALUES (:tenant, :user, :folded, :exact, :version, :form, :key, :record, :profile, :email_tag, :methods,
             :last_failure_at)",
    )?;
    let values = named_params! {
        ":tenant": row.tenant_id, ":user": row.user_id, ":folded": row.skeleton, ":exact": row.exact_id,
        ":version": row.version, ":form": row.form, ":key": row.key_id, ":record": row.record,
        ":profile": row.profile, ":email_tag": row.projections.email_tag, ":methods": row.projections.methods,
        ":last_failure_at": row.projections.last_failure_at,
    };
    statement.execute(values).map(drop)
}

fn update_account(
    db: &Connection,
    expected_version: i64,
    row: &AccountRow,
) -> rusqlite::Result<()> {
    let mut statement = db.prepare_cached(
        "UPDATE accounts SET version = :version, form = :form, key_id = :key, record = :record,
             profile = CASE WHEN length(:profile) = 0 THEN profile ELSE :profile END, email_tag = :email_tag,
             methods = :methods, last_failure_at = :last_failure_at
         WHERE tenant_id = :tenant AND user_id = :user AND version = :expected",
    )?;
    let values = named_params! {
        ":tenant": row.tenant_id, ":user": row.user_id, ":expected": expected_version,
        ":version": row.version, ":form": row.form, ":key": row.key_id, ":record": row.record,
        ":profile": row.profile, ":email_tag": row.projections.email_tag, ":methods": row.projections.methods,
        ":last_failure_at": row.projections.last_failure_at,
    };
    match statement.execute(values)? {
        1 => Ok(()),
        // Nobody else writes while this transaction holds the lock.
        count => Err(rusqlite::Error::StatementChangedRows(count)),
    }
}

/// What says only that a call ran stays, so that its repeats are harmless.
fn delete_account(db: &Connection, subject: &Subject, tag: SubjectTag) -> rusqlite::Result<()> {
    let (tenant, user) = (subject.tenant.as_str(), subject.user.as_str());
    for sql in [
        "DELETE FROM accounts WHERE tenant_id = ?1 AND user_id = ?2",
        "DELETE FROM ended_challenges WHERE tenant_id = ?1 AND user_id = ?2",
        "DELETE FROM alerts WHERE tenant_id = ?1 AND user_id = ?2",
    ] {
        db.prepare_cached(sql)?.execute([tenant, user])?;
    }
    for sql in [
        "DELETE FROM outbox WHERE subject = ?1",
        "DELETE FROM outbox_queues WHERE subject = ?1",
        "DELETE FROM idempotency_records WHERE subject = ?1 AND has_answer = 1",
    ] {
        db.prepare_cached(sql)?.execute([tag.0])?;
    }
    Ok(())
}

fn insert_ending(db: &Connection, subject: &Subject, row: &EndingRow) -> rusqlite::Result<()> {
    let mut statement = db.prepare_cached(
        "INSERT INTO ended_challenges (tenant_id, user_id, challenge_id, ended_at, ending) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let values = params![
        subject.tenant.as_str(),
        subject.user.as_str(),
        row.challenge_id,
        row.at,
        row.ending
    ];
    statement.execute(values).map(drop)
}

fn insert_idempotency_record(db: &Connection, row: &IdempotencyRow) -> rusqlite::Result<()> {
    let mut statement = db.prepare_cached(
        "INSERT INTO idempotency_records (key_digest, subject, at, has_answer, record) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let values = params![
        row.key_digest,
        row.subject.0,
        row.at,
        row.has_answer,
        row.record
    ];
    statement.execute(values).map(drop)
}

fn insert_attestation(db: &Connection, row: &AttestationRow) -> rusqlite::Result<()> {
    let mut statement = db.prepare_cached(
        "INSERT INTO attestations (caller, attestation_id, at) VALUES (?1, ?2, ?3)",
    )?;
    statement
        .execute(params![row.caller, row.attestation_id, row.at])
        .map(drop)
}

fn insert_alert(db: &Connection, row: &NewAlertRow) -> rusqlite::Result<()> {
    let mut statement = db.prepare_cached(
        "INSERT INTO alerts (tenant_id, user_id, subject, turn, kind, method_id, method_kind, codes_left, at, due_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)",
    )?;
    let values = params![
        row.tenant_id,
        row.user_id,
        row.subject.0,
        row.turn,
        row.kind,
        row.method_id,
        row.method_kind,
        row.codes_left,
        row.at
    ];
    statement.execute(values).map(drop)
}

/// Appends an event.
pub(super) fn insert_event(db: &Connection, row: &EventRow) -> rusqlite::Result<()> {
    let mut statement = db.prepare_cached(
        "INSERT INTO events (event_id, tenant_id, subject, kind, caller, at, details, personal)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let values = params![
        row.event_id,
        row.tenant_id,
        row.subject.0,
        row.kind,
        row.caller,
        row.at,
        row.details,
        row.personal
    ];
    statement.execute(values).map(drop)
}

/// Whether there is such a user.
pub(super) fn exists(db: &Connection, subject: &Subject) -> rusqlite::Result<bool> {
    let mut statement =
        db.prepare_cached("SELECT 1 FROM accounts WHERE tenant_id = ?1 AND user_id = ?2")?;
    statement.exists([subject.tenant.as_str(), subject.user.as_str()])
}

/// Inserts endings of a user's challenges, and the event if one of them was open. Those that ended already stay as they
/// ended.
pub(super) fn end_challenges(
    db: &Connection,
    subject: &Subject,
    endings: &[EndingRow],
    event: Option<&EventRow>,
) -> JobResult<()> {
    if !exists(db, subject)? {
        return Ok(JobAnswer::Undo(()));
    }
    let mut statement = db.prepare_cached(
        "INSERT INTO ended_challenges (tenant_id, user_id, challenge_id, ended_at, ending) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO NOTHING",
    )?;
    let mut ended = 0;
    for row in endings {
        ended += statement.execute(params![
            subject.tenant.as_str(),
            subject.user.as_str(),
            row.challenge_id,
            row.at,
            row.ending
        ])?;
    }
    if let Some(event) = event.filter(|_| ended > 0) {
        insert_event(db, event)?;
    }
    Ok(JobAnswer::Keep(()))
}

/// Saves a policy, if its etag is still the expected one.
pub(super) fn save_policy(db: &Connection, write: &PolicyWrite) -> JobResult<CommitResult> {
    if let Some(row) = &write.idempotency
        && let Err(error) = insert_idempotency_record(db, row)
    {
        return match duplicate(&error) {
            Some(_) => Ok(JobAnswer::Undo(CommitResult::RanBefore)),
            None => Err(JobError::Sqlite(error)),
        };
    }
    let row = &write.row;
    let written = match write.expected_etag {
        None => db
            .prepare_cached(
                "INSERT INTO policies (tenant_id, layer, etag, updated_at, author_key) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO NOTHING",
            )?
            .execute(params![write.tenant, row.layer, row.etag, row.updated_at, row.author_key])?,
        Some(expected) => db
            .prepare_cached(
                "UPDATE policies SET layer = ?2, etag = ?3, updated_at = ?4,
                     author_key = CASE WHEN length(author_key) = 0 THEN ?5 ELSE author_key END
                 WHERE tenant_id = ?1 AND etag = ?6",
            )?
            .execute(params![
                write.tenant,
                row.layer,
                row.etag,
                row.updated_at,
                row.author_key,
                expected
            ])?,
    };
    if written == 0 {
        return Ok(JobAnswer::Undo(CommitResult::ChangedConcurrently));
    }
    insert_event(db, &write.event)?;
    Ok(JobAnswer::Keep(CommitResult::Done))
}
