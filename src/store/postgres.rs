//! Durable memory in PostgreSQL: the referee of "once" for every process of a deployment.

mod directory;
mod durability;
mod link;
mod outbox;
mod policies;
mod settle;

pub use durability::{Durability, NotDurable};

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
    Connection, Executor, PgConnection, Postgres, Row,
    postgres::{PgArguments, PgRow},
    query::Query,
};
use std::time::Duration;
use tokio::time::timeout;

use link::{Link, broke};

const NAME: &str = "PostgreSQL";

const MIGRATIONS: [(&str, &str); 3] = [
    (
        "first sign-in",
        include_str!("postgres/migrations/0001_first_sign_in.sql"),
    ),
    (
        "settle",
        include_str!("postgres/migrations/0002_settle.sql"),
    ),
    (
        "write probe",
        include_str!("postgres/migrations/0003_write_probe.sql"),
    ),
];

/// How long bringing the tables up to date may take.
const MIGRATION: Duration = Duration::from_mins(10);

/// One sealer at a time, in all processes on one schema: the advisory lock that it holds.
const LOCK_SEALER: &str =
    "SELECT pg_try_advisory_xact_lock(1668510837, hashtext(current_schema()))";

/// Durable memory in PostgreSQL.
pub struct PostgresAccounts(Link);

impl PostgresAccounts {
    /// Over connections that are opened when they are needed.
    ///
    /// # Errors
    /// [`Unavailable`] if the URL can't be read.
    pub fn new(url: &str, max_connections: u32, statement_timeout: Duration) -> Stored<Self> {
        Link::new(url, max_connections, statement_timeout).map(Self)
    }

    /// Brings the tables up to date.
    ///
    /// # Errors
    /// [`Unavailable`] if they can't be, or were written by a newer version.
    pub async fn migrate(&self) -> Stored<()> {
        let migrator = migrator(&MIGRATIONS);
        match timeout(MIGRATION, migrator.run(self.0.pool())).await {
            Ok(outcome) => outcome.map_err(|error| unavailable(NAME, error)),
            Err(elapsed) => Err(unavailable(NAME, elapsed)),
        }
    }

    /// Whether the tables are those of this version.
    ///
    /// # Errors
    /// [`Unavailable`] if they can't be read.
    pub async fn is_migrated(&self) -> Stored<bool> {
        let known = "SELECT to_regclass('_sqlx_migrations') IS NOT NULL";
        let known = self.row(known, &[]).await.map_err(fails)?;
        if !known.try_get(0).map_err(fails)? {
            return Ok(false);
        }
        let applied = "SELECT count(*) FROM _sqlx_migrations WHERE success";
        let applied = self.row(applied, &[]).await.map_err(fails)?;
        let applied: i64 = applied.try_get(0).map_err(fails)?;
        Ok(usize::try_from(applied).is_ok_and(|applied| applied >= MIGRATIONS.len()))
    }

    /// Carries out statements in one transaction, all of them or none.
    async fn run(&self, statements: &[Statement]) -> Stored<Committed> {
        let mut lease = self.0.lease().await.map_err(fails)?;
        let work = |connection| carry_out(connection, statements);
        lease.within(work).await.map_err(fails)?.map_err(fails)
    }

    /// The rows of a query that gives one text a row.
    async fn texts(&self, sql: &'static str, values: &[Value]) -> Result<Vec<String>, sqlx::Error> {
        let mut lease = self.0.lease().await?;
        lease
            .within(|connection| texts(connection, sql, values))
            .await?
    }

    /// The row of a query that gives one.
    async fn row(&self, sql: &'static str, values: &[Value]) -> Result<PgRow, sqlx::Error> {
        let mut lease = self.0.lease().await?;
        lease
            .within(|connection| bound(sql, values).fetch_one(connection))
            .await?
    }

    /// The row of a query that does the same when it is asked twice; asked again if the connection broke.
    async fn row_again(&self, sql: &'static str, values: &[Value]) -> Stored<PgRow> {
        match self.row(sql, values).await {
            Err(error) if broke(&error) => self.row(sql, values).await,
            outcome => outcome,
        }
        .map_err(fails)
    }

    /// The rows of a query that changes nothing; asked again if the connection broke.
    async fn read(&self, sql: &'static str, values: &[Value]) -> Stored<Vec<String>> {
        match self.texts(sql, values).await {
            Err(error) if broke(&error) => self.texts(sql, values).await,
            outcome => outcome,
        }
        .map_err(fails)
    }
}

#[async_trait]
impl Accounts for PostgresAccounts {
    async fn load(
        &self,
        who: &Subject,
        mark: Option<RequestMark>,
        now: Timestamp,
    ) -> Stored<Loaded> {
        let texts = self
            .read(
                include_str!("postgres/load.sql"),
                &queries::load(who, mark, now),
            )
            .await?;
        rows::loaded(NAME, who, mark, &texts)
    }

    async fn commit(&self, change: &Change) -> Stored<Committed> {
        self.run(&statements::of_change(change)).await
    }

    async fn settle(&self, settlement: &Settlement) -> Stored<Settled> {
        settle::settle(self, settlement).await
    }

    async fn approval(&self, who: &Subject, id: ApprovalId) -> Stored<Option<Approval>> {
        let texts = self
            .read(
                include_str!("postgres/ended.sql"),
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
        let texts = self
            .read(include_str!("postgres/ended.sql"), &queries::ended(who, id))
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
        let texts = self
            .read(include_str!("postgres/recovery_hash.sql"), &values)
            .await?;
        rows::recovery_hash(NAME, &texts)
    }

    async fn logins(&self, tenant: &TenantId, login: &Login) -> Stored<Vec<UserId>> {
        let values = queries::logins(tenant, login);
        let sql = include_str!("postgres/logins.sql");
        rows::logins(NAME, &self.read(sql, &values).await?)
    }

    async fn bypass_hash(
        &self,
        who: &Subject,
        guess: (ChallengeId, GuessId),
    ) -> Stored<RecoveryHash<BypassCodeId>> {
        let values = queries::bypass_hash(who, guess);
        let sql = include_str!("postgres/bypass_hash.sql");
        rows::recovery_hash(NAME, &self.read(sql, &values).await?)
    }

    async fn seal_events(&self) -> Stored<u64> {
        let mut sealed = 0;
        for _ in 0..queries::ROUNDS_OF_SEALING {
            match self.seal_round().await? {
                0 => break,
                round => sealed += round,
            }
        }
        Ok(sealed)
    }

    async fn sweep(&self, now: Timestamp) -> Stored<()> {
        for statement in sweep::statements(now) {
            for _ in 0..sweep::ROUNDS {
                let mut lease = self.0.lease().await.map_err(fails)?;
                let swept = lease.within(|connection| execute(connection, &statement));
                if swept.await.map_err(fails)?.map_err(fails)? < sweep::AT_ONCE {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn probe_write(&self, now: Timestamp) -> Stored<()> {
        let probe = statements::write_probe(now);
        match self.run(std::slice::from_ref(&probe)).await {
            Err(_perhaps_a_broken_connection) => self.run(&[probe]).await,
            outcome => outcome,
        }
        .map(drop)
    }

    /// Asking for the time also notices a new history as soon as there is one.
    async fn clock(&self) -> Stored<Option<Timestamp>> {
        const NOW: &str =
            "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint, history_began()";
        let row = self.row_again(NOW, &[]).await?;
        let millis = row.try_get(0).map_err(fails)?;
        Ok(Some(Timestamp::from_millis(millis)))
    }

    async fn may_forget(&self) -> Stored<Option<String>> {
        let durability = match self.durability().await {
            Err(_perhaps_a_broken_connection) => self.durability().await?,
            Ok(durability) => durability,
        };
        Ok(durability.check().err().map(|why| why.to_string()))
    }
}

impl PostgresAccounts {
    async fn seal_round(&self) -> Stored<u64> {
        let mut lease = self.0.lease().await.map_err(fails)?;
        lease.within(seal_round).await.map_err(fails)?
    }
}

/// Carries out statements in one transaction, all of them or none.
async fn carry_out(
    connection: &mut PgConnection,
    statements: &[Statement],
) -> Result<Committed, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    for statement in statements {
        let written = match execute(&mut *transaction, statement).await {
            Err(sqlx::Error::Database(error)) if error.constraint() == Some("users_folded_id") => {
                return Ok(Committed::DiffersInCase);
            }
            outcome => outcome?,
        };
        if let Some(miss) = statement.missed(written) {
            return Ok(miss);
        }
    }
    transaction.commit().await?;
    Ok(Committed::Done)
}

async fn seal_round(connection: &mut PgConnection) -> Stored<u64> {
    let mut transaction = connection.begin().await.map_err(fails)?;
    let lock = sqlx::query(LOCK_SEALER).fetch_one(&mut *transaction);
    let alone: bool = lock.await.and_then(|row| row.try_get(0)).map_err(fails)?;
    if !alone {
        return Ok(0);
    }
    let sql = include_str!("postgres/unsealed_events.sql");
    let unsealed = texts(&mut *transaction, sql, &queries::unsealed_events())
        .await
        .map_err(fails)?;
    let events = rows::events(NAME, &unsealed)?;
    for event in &events {
        let sql = include_str!("postgres/chain_head.sql");
        let head = texts(&mut *transaction, sql, &queries::chain_head(&event.tenant))
            .await
            .map_err(fails)?;
        let head = rows::chain_head(NAME, &head)?.after(event);
        for statement in statements::seal(event, head) {
            execute(&mut *transaction, &statement)
                .await
                .map_err(fails)?;
        }
    }
    transaction.commit().await.map_err(fails)?;
    Ok(u64::try_from(events.len()).unwrap_or(u64::MAX))
}

/// The rows of a query that gives one text a row.
async fn texts<'c>(
    executor: impl Executor<'c, Database = Postgres>,
    sql: &'static str,
    values: &[Value],
) -> Result<Vec<String>, sqlx::Error> {
    let rows = bound(sql, values).fetch_all(executor).await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}

async fn execute<'c>(
    executor: impl Executor<'c, Database = Postgres>,
    statement: &Statement,
) -> Result<u64, sqlx::Error> {
    Ok(bound(statement.sql, &statement.values)
        .execute(executor)
        .await?
        .rows_affected())
}

fn bound<'q>(sql: &'static str, values: &'q [Value]) -> Query<'q, Postgres, PgArguments> {
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
