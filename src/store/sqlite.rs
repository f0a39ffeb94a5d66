//! Durable memory in an SQLite file: the embedded default. One writer; what it acknowledges is on disk.

mod settle;

use crate::{
    ports::{
        Accounts, ClaimedNotice, Committed, EndChallenges, Loaded, NoticeOutcome, Stored,
        Unavailable,
    },
    store::sql::{Statement, Value, rows, rows::unavailable, statements},
};
use async_trait::async_trait;
use countersign_domain::{
    approval::Approval,
    caller::CallerName,
    change::Change,
    event::{ChainHead, Event, StoredEvent},
    id::{ApprovalId, ChallengeId, Id, NoticeId, RecoverySetId, Subject, SubjectTag},
    recovery::{Slot, SlowHash},
    request::RequestMark,
    secret::Sealed,
    settlement::{Ended, Settled, Settlement},
    time::Timestamp,
};
use sqlx::{
    Row, Sqlite, SqliteConnection, SqlitePool, Transaction,
    migrate::{Migration, MigrationType, Migrator},
    query::Query,
    sqlite::{
        SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions,
        SqliteSynchronous,
    },
};
use std::{borrow::Cow, path::Path, time::Duration};

const NAME: &str = "SQLite";

const MIGRATIONS: [(&str, &str); 1] = [(
    "first sign-in",
    include_str!("sqlite/migrations/0001_first_sign_in.sql"),
)];

/// A user's failures older than this fill no window, by class.
pub(super) const FAILURES_COUNT_FOR: Duration = Duration::from_hours(24);
/// The same for recovery codes.
pub(super) const RECOVERY_FAILURES_COUNT_FOR: Duration = Duration::from_hours(1);

/// How many events are sealed, and notices claimed, at a time.
pub(super) const BATCH: i64 = 256;

/// Durable memory in an SQLite file.
pub struct SqliteAccounts {
    readers: SqlitePool,
    writer: SqlitePool,
}

impl SqliteAccounts {
    /// Opens a file, makes it where there is none, and brings its tables up to date.
    ///
    /// # Errors
    /// [`Unavailable`] if the file can't be opened, or was written by a newer version.
    pub async fn open(file: &Path) -> Stored<Self> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5));
        let pool = |connections| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .test_before_acquire(false)
        };
        let writer = pool(1).connect_with(options.clone()).await.map_err(fails)?;
        migrate(&writer).await?;
        let readers = pool(4)
            .connect_with(options.read_only(true))
            .await
            .map_err(fails)?;
        Ok(Self { readers, writer })
    }

    async fn begin(&self) -> Stored<Transaction<'static, Sqlite>> {
        self.writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(fails)
    }

    /// Carries out statements in one transaction, all of them or none.
    async fn run(&self, statements: &[Statement]) -> Stored<Committed> {
        let mut transaction = self.begin().await?;
        for statement in statements {
            let written = match execute(&mut transaction, statement).await {
                Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                    return Ok(Committed::DiffersInCase);
                }
                outcome => outcome.map_err(fails)?,
            };
            if let Some(miss) = rows::missed(statement, written) {
                return Ok(miss);
            }
        }
        transaction.commit().await.map_err(fails)?;
        Ok(Committed::Done)
    }

    async fn ended_row(
        &self,
        who: &Subject,
        challenge: Option<ChallengeId>,
        approval: Option<ApprovalId>,
    ) -> Stored<Option<rows::EndedRow>> {
        let row = sqlx::query(include_str!("sqlite/ended.sql"))
            .bind(who.tenant.as_str())
            .bind(who.user.as_str())
            .bind(challenge.map(|id| id.as_bytes().to_vec()))
            .bind(approval.map(|id| id.as_bytes().to_vec()))
            .fetch_optional(&self.readers)
            .await
            .map_err(fails)?;
        row.map(|row| rows::read(NAME, &row.try_get::<String, _>(0).map_err(fails)?))
            .transpose()
    }
}

#[async_trait]
impl Accounts for SqliteAccounts {
    async fn load(
        &self,
        who: &Subject,
        mark: Option<RequestMark>,
        now: Timestamp,
    ) -> Stored<Loaded> {
        let row = sqlx::query(include_str!("sqlite/load.sql"))
            .bind(who.tenant.as_str())
            .bind(who.user.as_str())
            .bind(mark.map(|mark| mark.tag.to_vec()))
            .bind(now.minus(FAILURES_COUNT_FOR).millis())
            .bind(now.minus(RECOVERY_FAILURES_COUNT_FOR).millis())
            .fetch_one(&self.readers)
            .await
            .map_err(fails)?;
        let text = |column| row.try_get::<Option<String>, _>(column).map_err(fails);
        loaded(NAME, who, mark, (text(0)?, text(1)?))
    }

    async fn commit(&self, change: &Change) -> Stored<Committed> {
        self.run(&statements::of_change(change)).await
    }

    async fn settle(&self, settlement: &Settlement) -> Stored<Settled> {
        let mut transaction = self.begin().await?;
        let settled = settle::settle(&mut transaction, settlement).await?;
        transaction.commit().await.map_err(fails)?;
        Ok(settled)
    }

    async fn approval(&self, who: &Subject, id: ApprovalId) -> Stored<Option<Approval>> {
        let row = self.ended_row(who, None, Some(id)).await?;
        match row.map(|row| row.ended(NAME, who)).transpose()? {
            Some(Ended::Approved(approval)) => Ok(Some(*approval)),
            Some(Ended::Without(_)) | None => Ok(None),
        }
    }

    async fn ended(
        &self,
        who: &Subject,
        caller: &CallerName,
        id: ChallengeId,
    ) -> Stored<Option<Ended>> {
        let row = self.ended_row(who, Some(id), None).await?;
        let theirs = row.filter(|row| row.caller() == *caller);
        theirs.map(|row| row.ended(NAME, who)).transpose()
    }

    async fn end_challenges(&self, ends: &EndChallenges) -> Stored<()> {
        self.run(&statements::of_ends(ends)).await.map(drop)
    }

    async fn record(&self, event: &Event) -> Stored<()> {
        self.run(&[statements::event(event)]).await.map(drop)
    }

    async fn recovery_hash(
        &self,
        who: &Subject,
        slot: Slot,
    ) -> Stored<Option<(RecoverySetId, SlowHash)>> {
        let row = sqlx::query(
            "SELECT u.recovery_set, r.hash FROM recovery_codes r JOIN users u USING (tenant_id, user_id)
             WHERE r.tenant_id = $1 AND r.user_id = $2 AND r.slot = $3 AND r.used_at IS NULL",
        )
        .bind(who.tenant.as_str())
        .bind(who.user.as_str())
        .bind(i64::from(slot.number()))
        .fetch_optional(&self.readers)
        .await
        .map_err(fails)?;
        let Some(row) = row else {
            return Ok(None);
        };
        let hash = SlowHash::from_phc(row.try_get(1).map_err(fails)?);
        Ok(Some((id(row.try_get(0).map_err(fails)?)?, hash)))
    }

    async fn claim_notices(&self, now: Timestamp, until: Timestamp) -> Stored<Vec<ClaimedNotice>> {
        let claimed = sqlx::query(
            "UPDATE outbox SET attempts = attempts + 1, due_at = $2
             WHERE position IN (SELECT min(position) FROM outbox GROUP BY subject) AND due_at <= $1
             RETURNING notice_id, subject, sealed, attempts - 1",
        )
        .bind(now.millis())
        .bind(until.millis())
        .fetch_all(&self.writer)
        .await
        .map_err(fails)?;
        let notice = |row: &sqlx::sqlite::SqliteRow| {
            Ok(ClaimedNotice {
                id: id(row.try_get(0).map_err(fails)?)?,
                subject: SubjectTag(array(row.try_get(1).map_err(fails)?)?),
                sealed: Sealed::from_bytes(row.try_get(2).map_err(fails)?),
                attempts: row.try_get(3).map_err(fails)?,
            })
        };
        claimed.iter().map(notice).collect()
    }

    async fn finish_notice(&self, id: NoticeId, outcome: NoticeOutcome) -> Stored<()> {
        let statement = match outcome {
            NoticeOutcome::Delivered => {
                Statement::new("DELETE FROM outbox WHERE notice_id = $1", [id.into()])
            }
            NoticeOutcome::RetryAt(due) => Statement::new(
                "UPDATE outbox SET due_at = $2 WHERE notice_id = $1",
                [id.into(), due.into()],
            ),
        };
        self.run(&[statement]).await.map(drop)
    }

    async fn seal_events(&self) -> Stored<u64> {
        let mut sealed = 0;
        loop {
            let mut transaction = self.begin().await?;
            let unsealed = unsealed_events(&mut transaction).await?;
            if unsealed.is_empty() {
                return Ok(sealed);
            }
            for event in &unsealed {
                seal(&mut transaction, event).await?;
                sealed += 1;
            }
            transaction.commit().await.map_err(fails)?;
        }
    }

    async fn sweep(&self, now: Timestamp) -> Stored<()> {
        self.run(&statements::of_sweep(now)).await.map(drop)
    }

    async fn clock(&self) -> Stored<Option<Timestamp>> {
        sqlx::query("SELECT 1")
            .execute(&self.readers)
            .await
            .map_err(fails)?;
        Ok(None)
    }
}

async fn unsealed_events(connection: &mut SqliteConnection) -> Stored<Vec<StoredEvent>> {
    let rows = sqlx::query(
        "SELECT row_number, event_id, tenant_id, subject, kind, caller, at, facts, personal FROM events
         WHERE sequence IS NULL ORDER BY row_number LIMIT $1",
    )
    .bind(BATCH)
    .fetch_all(connection)
    .await
    .map_err(fails)?;
    let event = |row: &sqlx::sqlite::SqliteRow| {
        Ok(StoredEvent {
            row: row.try_get(0)?,
            id: row.try_get(1)?,
            tenant: row.try_get(2)?,
            subject: row.try_get(3)?,
            kind: row.try_get(4)?,
            caller: row.try_get(5)?,
            at: row.try_get(6)?,
            facts: row.try_get(7)?,
            personal: row.try_get(8)?,
        })
    };
    rows.iter().map(|row| event(row).map_err(fails)).collect()
}

async fn seal(connection: &mut SqliteConnection, event: &StoredEvent) -> Stored<()> {
    let row = sqlx::query("SELECT sequence, hash FROM event_chains WHERE tenant_id = $1")
        .bind(&event.tenant)
        .fetch_optional(&mut *connection)
        .await
        .map_err(fails)?;
    let head = match row {
        None => ChainHead::EMPTY,
        Some(row) => ChainHead {
            sequence: row.try_get(0).map_err(fails)?,
            hash: array(row.try_get(1).map_err(fails)?)?,
        },
    };
    for statement in statements::seal(event, head.after(event)) {
        execute(connection, &statement).await.map_err(fails)?;
    }
    Ok(())
}

async fn execute(
    connection: &mut SqliteConnection,
    statement: &Statement,
) -> Result<u64, sqlx::Error> {
    let bound = statement
        .values
        .iter()
        .fold(sqlx::query(statement.sql), bind);
    Ok(bound.execute(connection).await?.rows_affected())
}

fn bind<'q>(
    query: Query<'q, Sqlite, SqliteArguments>,
    value: &'q Value,
) -> Query<'q, Sqlite, SqliteArguments> {
    match value {
        Value::Text(text) => query.bind(text),
        Value::OptionalText(text) => query.bind(text),
        Value::Number(number) => query.bind(number),
        Value::OptionalNumber(number) => query.bind(number),
        Value::Bytes(bytes) => query.bind(bytes),
        Value::OptionalBytes(bytes) => query.bind(bytes),
    }
}

async fn migrate(pool: &SqlitePool) -> Stored<()> {
    migrator(&MIGRATIONS)
        .run(pool)
        .await
        .map_err(|error| unavailable(NAME, error))
}

/// A migrator of texts that are part of the program.
pub(super) fn migrator(texts: &'static [(&str, &str)]) -> Migrator {
    let migrations = (1_i64..).zip(texts).map(|(version, (description, sql))| {
        let sql = sqlx::SqlStr::from_static(sql);
        Migration::new(
            version,
            Cow::Borrowed(*description),
            MigrationType::Simple,
            sql,
            false,
        )
    });
    Migrator::with_migrations(migrations.collect())
}

/// What a load brought, as both stores give it.
pub(super) fn loaded(
    store: &'static str,
    who: &Subject,
    mark: Option<RequestMark>,
    (account, receipt): (Option<String>, Option<String>),
) -> Stored<Loaded> {
    let account = account
        .map(|json| rows::read::<rows::AccountRow>(store, &json))
        .transpose()?;
    let receipt = receipt
        .map(|json| rows::read::<rows::ReceiptRow>(store, &json))
        .transpose()?;
    let receipt = receipt
        .zip(mark)
        .map(|(row, mark)| row.receipt(store, mark.tag));
    Ok(Loaded {
        account: account.map(|row| row.account(store, who)).transpose()?,
        receipt: receipt.transpose()?,
    })
}

fn array<const N: usize>(bytes: Vec<u8>) -> Stored<[u8; N]> {
    bytes
        .try_into()
        .map_err(|_| unavailable(NAME, "bytes of another length"))
}

fn id<Of>(bytes: Vec<u8>) -> Stored<Id<Of>> {
    array(bytes).map(Id::from_bytes)
}

fn fails(error: sqlx::Error) -> Unavailable {
    unavailable(NAME, error)
}
