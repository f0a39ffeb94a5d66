//! What the durable store asks of PostgreSQL.

use super::{
    PostgresEngine,
    connection::PostgresFailure,
    rows,
    settings::NAME,
    timeline::ASK,
    write_pipeline::{INSERT_EVENT, borrowed, event_columns},
};
use crate::{
    ports::{CommitResult, RowPlace, SealedTable, StoreResult},
    store::{
        durable::{
            AccountRowLookup, AccountRows, ClaimedNoticeRows, DirectoryRows, DirectoryRowsQuery,
            DispatchedAlert, FinishedNoticeRow, LoginQuery, NoticeClaim, PolicyWrite, StoreEngine,
            UnchainedRows, UserRows, UserRowsQuery,
        },
        record::{
            DatabaseState, OperationOutcome, StoreOperation,
            rows::{
                AccountRow, AlertRow, EndingRow, EventRow, NewNoticeRow, NoticeRow, PolicyRow,
                ReplacedValue, SealedValueRow,
            },
            unavailable,
        },
    },
};
use async_trait::async_trait;
use countersign_domain::value::{id::Subject, time::Timestamp};

#[async_trait]
impl StoreEngine for PostgresEngine {
    fn name(&self) -> &'static str {
        NAME
    }

    fn location(&self) -> String {
        format!("{NAME} at {}", self.connector.addresses())
    }

    async fn load(&self, subject: &Subject, lookup: AccountRowLookup) -> StoreResult<AccountRows> {
        let row = self.loads.row(subject, lookup).await?;
        self.notice_history(row.try_get("timeline").map_err(PostgresFailure::from)?)
            .await?;
        Ok(loaded(&row)?)
    }

    async fn run(&self, operation: StoreOperation) -> StoreResult<OperationOutcome> {
        if operation.may_be_batched() {
            return self.lanes.run(operation).await;
        }
        self.transactions
            .run_alone(&self.pool, &operation, false)
            .await
    }

    async fn end_challenges(
        &self,
        subject: &Subject,
        endings: Vec<EndingRow>,
        event: Option<EventRow>,
    ) -> StoreResult<()> {
        const END: &str = include_str!("end_challenges.sql");
        let (tenant, user) = (subject.tenant.as_str(), subject.user.as_str());
        let ids: Vec<&[u8]> = endings
            .iter()
            .map(|row| row.challenge_id.as_slice())
            .collect();
        let times: Vec<i64> = endings.iter().map(|row| row.at).collect();
        let sealed: Vec<&[u8]> = endings.iter().map(|row| row.ending.as_slice()).collect();
        let events: Vec<&EventRow> = event.iter().collect();
        let columns = event_columns(&events);
        let mut values = borrowed(&columns);
        values.splice(
            0..0,
            [
                &tenant as _,
                &user as _,
                &ids as _,
                &times as _,
                &sealed as _,
            ],
        );
        self.pool.execute(END, &values).await?;
        Ok(())
    }

    async fn append_event(&self, event: EventRow) -> StoreResult<()> {
        let columns = event_columns(&[&event]);
        self.pool.execute(INSERT_EVENT, &borrowed(&columns)).await?;
        Ok(())
    }

    async fn logins(&self, logins: &LoginQuery) -> StoreResult<Vec<String>> {
        const LOGINS: &str = include_str!("logins.sql");
        let email = logins.email_tag.as_ref().map(<[u8; 16]>::as_slice);
        let rows = self
            .readers
            .rows(
                LOGINS,
                &[&logins.tenant, &logins.user, &email, &logins.at_most],
            )
            .await?;
        Ok(rows::all(&rows, |row| Ok(row.try_get(0)?))?)
    }

    async fn page(&self, page: &DirectoryRowsQuery) -> StoreResult<DirectoryRows> {
        Ok(self.read_page(page).await?)
    }

    async fn count_users(&self, tenant: &str, at_most: i64) -> StoreResult<i64> {
        const COUNT: &str =
            "SELECT count(*) FROM (SELECT 1 FROM accounts WHERE tenant_id = $1 LIMIT $2) counted";
        Ok(self
            .scans
            .read(COUNT, &[&tenant, &at_most])
            .await
            .and_then(|rows| rows::number(&rows))?)
    }

    async fn records(&self, query: &UserRowsQuery) -> StoreResult<UserRows> {
        Ok(self.read_records(query).await?)
    }

    async fn policy(
        &self,
        tenant: &str,
        idempotency_key: Option<[u8; 16]>,
    ) -> StoreResult<(Option<PolicyRow>, Option<Vec<u8>>)> {
        Ok(self.read_policy(tenant, idempotency_key).await?)
    }

    async fn save_policy(&self, write: PolicyWrite) -> StoreResult<CommitResult> {
        Ok(self.write_policy(&write).await?)
    }

    async fn claim_notices(&self, claim: NoticeClaim) -> StoreResult<ClaimedNoticeRows> {
        Ok(self.claim(claim).await?)
    }

    async fn finish_notices(
        &self,
        finished: Vec<FinishedNoticeRow>,
        now: Timestamp,
    ) -> StoreResult<()> {
        Ok(self.finish(&finished, now).await?)
    }

    async fn due_alerts(&self, now: Timestamp, at_most: i64) -> StoreResult<Vec<AlertRow>> {
        Ok(self.read_due_alerts(now.millis(), at_most).await?)
    }

    async fn dispatch_alert(
        &self,
        subject: &Subject,
        alert: DispatchedAlert,
        notices: Vec<NewNoticeRow>,
    ) -> StoreResult<bool> {
        Ok(self.replace_alert(subject, alert, &notices).await?)
    }

    async fn postpone_alert(&self, position: i64, until: Timestamp) -> StoreResult<()> {
        const POSTPONE: &str = "UPDATE alerts SET due_at = $2 WHERE position = $1";
        self.pool
            .execute(POSTPONE, &[&position, &until.millis()])
            .await?;
        Ok(())
    }

    async fn notices(
        &self,
        only_dead: bool,
        after: i64,
        at_most: i64,
    ) -> StoreResult<Vec<NoticeRow>> {
        Ok(self.read_notices(only_dead, after, at_most).await?)
    }

    async fn revive_notices(&self, which: Option<[u8; 16]>, now: Timestamp) -> StoreResult<u64> {
        Ok(self.revive(which, now.millis()).await?)
    }

    async fn chain_events(&self) -> StoreResult<u64> {
        Ok(self.chain().await?)
    }

    async fn unchained_events(&self, at_most: i64) -> StoreResult<Option<UnchainedRows>> {
        Ok(self.count_unchained(at_most).await?)
    }

    async fn purge(&self, now: Timestamp) -> StoreResult<()> {
        Ok(self.delete_old(now).await?)
    }

    async fn state(&self) -> StoreResult<DatabaseState> {
        Ok(self.read_state().await?)
    }

    async fn raise_form(&self, form: i32) -> StoreResult<()> {
        const RAISE: &str = "UPDATE database_state SET writes_form = $1 WHERE writes_form < $1";
        Ok(self.pool.execute(RAISE, &[&form]).await.map(drop)?)
    }

    async fn replace_keys_in_use(&self, before: &[u8], after: &[u8]) -> StoreResult<bool> {
        const REPLACE: &str = "UPDATE database_state SET keys_in_use = $2 WHERE keys_in_use = $1";
        let replaced = self.pool.execute(REPLACE, &[&before, &after]).await;
        Ok(replaced.map(|rows| rows > 0)?)
    }

    async fn estimate_rows(&self, table: SealedTable) -> StoreResult<i64> {
        Ok(self.read_estimate(table).await?)
    }

    async fn accounts_after(&self, after: &RowPlace, at_most: i64) -> StoreResult<Vec<AccountRow>> {
        Ok(self.read_accounts_after(after, at_most).await?)
    }

    async fn values_after(
        &self,
        table: SealedTable,
        after: &RowPlace,
        at_most: i64,
    ) -> StoreResult<Vec<SealedValueRow>> {
        Ok(self.read_values_after(table, after, at_most).await?)
    }

    async fn replace_values(
        &self,
        table: SealedTable,
        values: Vec<ReplacedValue>,
    ) -> StoreResult<u64> {
        Ok(self.write_values(table, &values).await?)
    }

    async fn probe_write(&self, now: Timestamp) -> StoreResult<()> {
        const PROBE: &str = "INSERT INTO write_probe (id, written_at) VALUES (1, $1)
            ON CONFLICT (id) DO UPDATE SET written_at = excluded.written_at";
        self.check_privileges().await?;
        let now = now.millis();
        let probed = match self.pool.execute(PROBE, &[&now]).await {
            // Perhaps a connection that broke unnoticed.
            Err(_) => self.pool.execute(PROBE, &[&now]).await,
            probed => probed,
        };
        Ok(probed.map(drop)?)
    }

    async fn clock(&self) -> StoreResult<Option<Timestamp>> {
        const NOW: &str =
            "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint, current_timeline()";
        let rows = self.readers.rows(NOW, &[]).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        self.notice_history(row.try_get(1).map_err(PostgresFailure::from)?)
            .await?;
        let now = row.try_get(0).map_err(PostgresFailure::from)?;
        Ok(Some(Timestamp::from_millis(now)))
    }

    async fn may_forget(&self) -> StoreResult<Option<String>> {
        let durability = match self.read_durability().await {
            // Perhaps a connection that broke unnoticed.
            Err(_) => self.read_durability().await?,
            Ok(durability) => durability,
        };
        Ok(durability.check().err().map(|why| why.to_string()))
    }
}

const TRY_WRITE: &str = "INSERT INTO write_probe (id, written_at) VALUES (1, 0)
    ON CONFLICT (id) DO UPDATE SET written_at = excluded.written_at";

impl PostgresEngine {
    async fn read_state(&self) -> Result<DatabaseState, PostgresFailure> {
        const STATE: &str = "SELECT writes_form, keys_in_use FROM database_state";
        let rows = self.readers.rows(STATE, &[]).await?;
        let row = rows.first();
        let row = row.ok_or_else(|| unavailable(NAME, "database_state has no row"))?;
        Ok(DatabaseState {
            writes_form: row.try_get(0)?,
            keys_in_use: row.try_get(1)?,
        })
    }

    /// Writes a row, and takes it back.
    pub(super) async fn try_write(&self) -> Result<(), PostgresFailure> {
        let lease = self.pool.lease().await?;
        let tried = async {
            lease.begin().await?;
            lease.simple(TRY_WRITE).await?;
            lease.simple("ROLLBACK").await
        };
        lease.within(tried).await?;
        lease.release();
        Ok(())
    }

    /// Notes a new history as soon as anything is read in it: a connection may outlive a promotion behind a pooler.
    async fn notice_history(&self, timeline: i64) -> Result<(), PostgresFailure> {
        let histories = &self.transactions.histories;
        if histories.began_at(timeline).is_some() {
            return Ok(());
        }
        for row in self.readers.rows(ASK, &[]).await? {
            histories.learn(row.try_get(0)?, row.try_get(1)?);
        }
        Ok(())
    }
}

fn loaded(row: &tokio_postgres::Row) -> Result<AccountRows, PostgresFailure> {
    let is_there: Option<String> = row.try_get("user_id")?;
    let account = is_there.map(|_| rows::account(row, row.try_get("profile")?));
    Ok(AccountRows {
        account: account.transpose()?,
        layer: row.try_get("layer")?,
        idempotency: row.try_get("idempotency")?,
        ending: row.try_get("challenge_ending")?,
    })
}
