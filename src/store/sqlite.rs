//! Durable memory in an SQLite file: the embedded default. One writer; what it acknowledges is on disk.

mod directory;
mod look;
mod outbox;
mod policies;
mod settle;
mod writer;

use crate::{
    ports::{Accounts, Committed, EndChallenges, Loaded, RecoveryHash, Stored, Unavailable},
    store::sql::{Statement, Value, migrator, queries, rows, statements, sweep, unavailable},
};
use async_trait::async_trait;
use countersign_domain::{
    approval::Approval,
    caller::CallerName,
    change::Change,
    event::Event,
    id::{ApprovalId, BypassCodeId, ChallengeId, GuessId, Subject, TenantId, UserId},
    recovery::Slot,
    request::RequestMark,
    reset::Login,
    settlement::{Ended, Settled, Settlement},
    time::Timestamp,
};
use sqlx::{
    Executor, Row, Sqlite, SqlitePool,
    query::Query,
    sqlite::{
        SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions,
        SqliteSynchronous,
    },
};
use std::{path::Path, time::Duration};
use writer::Writer;

const NAME: &str = "SQLite";

/// How long a write waits for another process that holds the file.
const BUSY: Duration = Duration::from_secs(2);

/// How long a call waits for its turn.
const PATIENCE: Duration = Duration::from_secs(3);

const MIGRATIONS: [(&str, &str); 2] = [
    (
        "first sign-in",
        include_str!("sqlite/migrations/0001_first_sign_in.sql"),
    ),
    (
        "write probe",
        include_str!("sqlite/migrations/0002_write_probe.sql"),
    ),
];

/// Durable memory in an SQLite file.
pub struct SqliteAccounts {
    readers: SqlitePool,
    writer: Writer,
}

impl SqliteAccounts {
    /// Opens a file, makes it where there is none, and brings its tables up to date.
    ///
    /// # Errors
    /// [`Unavailable`] if the file can't be opened, or was written by a newer version or another program.
    pub async fn open(file: &Path) -> Stored<Self> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("secure_delete", "ON")
            .busy_timeout(BUSY);
        let pool = |connections| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(PATIENCE)
                .test_before_acquire(false)
        };
        let writer = pool(1).connect_with(options.clone()).await.map_err(fails)?;
        look::applied(&mut *writer.acquire().await.map_err(fails)?).await?;
        migrator(&MIGRATIONS)
            .run(&writer)
            .await
            .map_err(|error| unavailable(NAME, error))?;
        let readers = pool(4)
            .connect_with(options.read_only(true))
            .await
            .map_err(fails)?;
        Ok(Self {
            readers,
            writer: Writer::new(writer),
        })
    }

    /// Carries out one statement by itself; how many rows it wrote.
    async fn write(&self, statement: &Statement) -> Stored<u64> {
        let mut writer = self.writer.lease().await?;
        let written = execute(&mut *writer, statement).await.map_err(fails)?;
        writer.release();
        Ok(written)
    }

    /// Carries out statements in one transaction, all of them or none.
    async fn run(&self, statements: &[Statement]) -> Stored<Committed> {
        let mut transaction = self.writer.begin().await?;
        for statement in statements {
            let written = match execute(&mut *transaction, statement).await {
                Err(sqlx::Error::Database(error))
                    if error.message().contains("users.folded_id") =>
                {
                    transaction.rollback().await?;
                    return Ok(Committed::DiffersInCase);
                }
                outcome => outcome.map_err(fails)?,
            };
            if let Some(miss) = statement.missed(written) {
                transaction.rollback().await?;
                return Ok(miss);
            }
        }
        transaction.commit().await?;
        Ok(Committed::Done)
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
        let values = queries::load(who, mark, now);
        let texts = texts(&self.readers, include_str!("sqlite/load.sql"), &values).await?;
        rows::loaded(NAME, who, mark, &texts)
    }

    async fn commit(&self, change: &Change) -> Stored<Committed> {
        let committed = self.run(&statements::of_change(change)).await?;
        if committed == Committed::Done && change.erases() {
            self.writer.empty_log().await?;
        }
        Ok(committed)
    }

    async fn settle(&self, settlement: &Settlement) -> Stored<Settled> {
        let mut transaction = self.writer.begin().await?;
        let settled = settle::settle(&mut transaction, settlement).await?;
        if settled == Settled::Over {
            transaction.rollback().await?;
        } else {
            transaction.commit().await?;
        }
        Ok(settled)
    }

    async fn approval(&self, who: &Subject, id: ApprovalId) -> Stored<Option<Approval>> {
        let texts = texts(
            &self.readers,
            include_str!("sqlite/ended.sql"),
            &queries::approval(who, id),
        )
        .await?;
        match rows::ended(NAME, who, &texts)? {
            Some((_, Ended::Approved(approval))) => Ok(Some(*approval)),
            Some((_, Ended::Without(_))) | None => Ok(None),
        }
    }

    async fn ended(
        &self,
        who: &Subject,
        caller: &CallerName,
        id: ChallengeId,
    ) -> Stored<Option<Ended>> {
        let texts = texts(
            &self.readers,
            include_str!("sqlite/ended.sql"),
            &queries::ended(who, id),
        )
        .await?;
        let ended = rows::ended(NAME, who, &texts)?.filter(|(owner, _)| owner == caller);
        Ok(ended.map(|(_, ended)| ended))
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
        guess: (ChallengeId, GuessId),
    ) -> Stored<RecoveryHash> {
        let values = queries::recovery_hash(who, slot, guess);
        let texts = texts(
            &self.readers,
            include_str!("sqlite/recovery_hash.sql"),
            &values,
        )
        .await?;
        rows::recovery_hash(NAME, &texts)
    }

    async fn logins(&self, tenant: &TenantId, login: &Login) -> Stored<Vec<UserId>> {
        let values = queries::logins(tenant, login);
        let sql = include_str!("sqlite/logins.sql");
        rows::logins(NAME, &texts(&self.readers, sql, &values).await?)
    }

    async fn bypass_hash(
        &self,
        who: &Subject,
        guess: (ChallengeId, GuessId),
    ) -> Stored<RecoveryHash<BypassCodeId>> {
        let values = queries::bypass_hash(who, guess);
        let sql = include_str!("sqlite/bypass_hash.sql");
        rows::recovery_hash(NAME, &texts(&self.readers, sql, &values).await?)
    }

    async fn seal_events(&self) -> Stored<u64> {
        let mut sealed = 0;
        for _ in 0..queries::ROUNDS_OF_SEALING {
            let mut transaction = self.writer.begin().await?;
            let values = queries::unsealed_events();
            let texts_ = texts(
                &mut *transaction,
                include_str!("sqlite/unsealed_events.sql"),
                &values,
            )
            .await?;
            let events = rows::events(NAME, &texts_)?;
            if events.is_empty() {
                transaction.rollback().await?;
                return Ok(sealed);
            }
            for event in &events {
                let values = queries::chain_head(&event.tenant);
                let head = texts(
                    &mut *transaction,
                    include_str!("sqlite/chain_head.sql"),
                    &values,
                )
                .await?;
                let head = rows::chain_head(NAME, &head)?.after(event);
                for statement in statements::seal(event, head) {
                    execute(&mut *transaction, &statement)
                        .await
                        .map_err(fails)?;
                }
                sealed += 1;
            }
            transaction.commit().await?;
        }
        Ok(sealed)
    }

    async fn sweep(&self, now: Timestamp) -> Stored<()> {
        for statement in sweep::statements(now) {
            for _ in 0..sweep::ROUNDS {
                // Between two of them the writer is free for whoever waits.
                let swept = self.write(&statement).await?;
                if swept < sweep::AT_ONCE {
                    break;
                }
            }
        }
        self.writer.empty_log().await
    }

    async fn probe_write(&self, now: Timestamp) -> Stored<()> {
        self.write(&statements::write_probe(now)).await.map(drop)
    }

    async fn clock(&self) -> Stored<Option<Timestamp>> {
        self.readers.execute("SELECT 1").await.map_err(fails)?;
        Ok(None)
    }

    /// Each connection is opened with what keeps it, and nobody else can change that.
    async fn may_forget(&self) -> Stored<Option<String>> {
        Ok(None)
    }
}

/// The rows of a query that gives one text a row.
async fn texts<'c>(
    executor: impl Executor<'c, Database = Sqlite>,
    sql: &'static str,
    values: &[Value],
) -> Stored<Vec<String>> {
    let rows = bound(sql, values)
        .fetch_all(executor)
        .await
        .map_err(fails)?;
    rows.iter()
        .map(|row| row.try_get(0).map_err(fails))
        .collect()
}

async fn execute<'c>(
    executor: impl Executor<'c, Database = Sqlite>,
    statement: &Statement,
) -> Result<u64, sqlx::Error> {
    Ok(bound(statement.sql, &statement.values)
        .execute(executor)
        .await?
        .rows_affected())
}

fn bound<'q>(sql: &'static str, values: &'q [Value]) -> Query<'q, Sqlite, SqliteArguments> {
    values
        .iter()
        .fold(sqlx::query(sql), |query, value| match value {
            Value::Text(text) => query.bind(text),
            Value::Number(number) => query.bind(number),
            Value::Bytes(bytes) => query.bind(bytes),
        })
}

fn fails(error: sqlx::Error) -> Unavailable {
    unavailable(NAME, error)
}
