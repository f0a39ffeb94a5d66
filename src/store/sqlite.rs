//! The durable store in an SQLite file: the embedded default. One writer, which commits all that has queued at once; what
//! it acknowledges is on disk.

mod chain;
mod connection;
mod operations;
mod outbox;
mod reads;
mod reseal;
mod rows;
mod schema;
mod state;
mod workers;
mod writer;

use crate::{
    ports::{CommitResult, KeyService, RowPlace, SealedTable, StoreResult, StoreUnavailable},
    store::{
        durable::{
            AccountRowLookup, AccountRows, CanaryError, ClaimedNoticeRows, DirectoryRows,
            DirectoryRowsQuery, DispatchedAlert, DurableStore, FinishedNoticeRow, LoginQuery,
            NoticeClaim, PolicyWrite, RecordForms, StoreEngine, UnchainedRows, UserRows,
            UserRowsQuery, check_canaries, forms,
        },
        record::{
            DatabaseState, OperationOutcome, RecordSealing, StoreOperation,
            rows::{
                AccountRow, AlertRow, EndingRow, EventRow, NewNoticeRow, NoticeRow, PolicyRow,
                ReplacedValue, SealedValueRow,
            },
            unavailable,
        },
    },
};
use async_trait::async_trait;
use connection::NAME;
use countersign_domain::value::{id::Subject, time::Timestamp};
use countersign_transport::system::RandomSource;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use writer::{JobAnswer, ReaderThreads, SqliteWriter};

/// The durable store in an SQLite file.
pub type SqliteAccounts = DurableStore<SqliteEngine>;

/// An SQLite file.
pub struct SqliteEngine {
    file: PathBuf,
    writer: SqliteWriter,
    readers: ReaderThreads,
    sealing: RecordSealing,
}

impl SqliteAccounts {
    /// Opens a file, makes it where there is none, and brings its tables up to date.
    ///
    /// # Errors
    /// [`crate::ports::StoreUnavailable`] if the file can't be opened, or was written by a newer version or another program.
    pub async fn open(
        file: &Path,
        keys: Arc<dyn KeyService>,
        entropy: Arc<dyn RandomSource>,
    ) -> StoreResult<Self> {
        let sealing = RecordSealing::new(keys, entropy);
        let of_engine = sealing.clone();
        let at = file.to_owned();
        let file = file.to_owned();
        let opened = tokio::task::spawn_blocking(move || -> StoreResult<SqliteEngine> {
            schema::migrate(&file)?;
            Ok(SqliteEngine {
                writer: SqliteWriter::start(&file)?,
                readers: ReaderThreads::start(&file)?,
                file,
                sealing: of_engine,
            })
        });
        let engine = opened
            .await
            .map_err(|panicked| connection::failed(&panicked))?;
        let engine = engine.map_err(|failure| unavailable_at(&at, &failure))?;
        Ok(Self::on(engine, sealing))
    }

    /// Whether the tables of a file are those of this version already; [`Self::open`] brings older ones up to date. Nothing
    /// is written, neither to the file nor to its log, and nothing made.
    ///
    /// # Errors
    /// [`crate::ports::StoreUnavailable`] if the file can't be read, or was written by a newer version or another program.
    pub async fn is_migrated(file: &Path) -> StoreResult<bool> {
        let file = file.to_owned();
        let looked = tokio::task::spawn_blocking(move || schema::is_migrated(&file));
        looked
            .await
            .map_err(|panicked| connection::failed(&panicked))?
    }

    /// The forms of records in a file whose tables are those of this version. Nothing is written.
    ///
    /// # Errors
    /// [`CanaryError`] if the file can't be read, or the key ring is not the one that it was set up with.
    pub async fn check_forms(
        file: &Path,
        keys: Arc<dyn KeyService>,
        entropy: Arc<dyn RandomSource>,
    ) -> Result<RecordForms, CanaryError> {
        let file = file.to_owned();
        let looked = tokio::task::spawn_blocking(move || {
            let db = connection::open_without_trace(&file).map_err(connection::fails)?;
            state::read(&db).map_err(connection::fails)
        });
        let looked = looked
            .await
            .map_err(|panicked| connection::failed(&panicked))?;
        let state = looked?;
        let sealing = RecordSealing::new(keys, entropy);
        check_canaries(&state.keys_in_use, &sealing)?;
        Ok(forms(&state, &sealing))
    }
}

/// A failure that names its file.
fn unavailable_at(file: &Path, failure: &StoreUnavailable) -> StoreUnavailable {
    unavailable(NAME, format!("{}: {}", file.display(), failure.cause))
}

#[async_trait]
impl StoreEngine for SqliteEngine {
    fn name(&self) -> &'static str {
        NAME
    }

    fn location(&self) -> String {
        format!("{NAME} at {}", self.file.display())
    }

    async fn load(&self, subject: &Subject, lookup: AccountRowLookup) -> StoreResult<AccountRows> {
        let subject = subject.clone();
        self.readers
            .read(move |db| reads::load(db, &subject, lookup))
            .await
    }

    async fn run(&self, operation: StoreOperation) -> StoreResult<OperationOutcome> {
        let sealing = self.sealing.clone();
        let erases = operation.erases();
        let outcome = self
            .writer
            .write(move |db| operations::run(db, &operation, &sealing))
            .await?;
        if erases {
            self.writer.empty_log().await?;
        }
        Ok(outcome)
    }

    async fn end_challenges(
        &self,
        subject: &Subject,
        endings: Vec<EndingRow>,
        event: Option<EventRow>,
    ) -> StoreResult<()> {
        let subject = subject.clone();
        let write = move |db: &rusqlite::Connection| {
            operations::end_challenges(db, &subject, &endings, event.as_ref())
        };
        self.writer.write(write).await
    }

    async fn append_event(&self, event: EventRow) -> StoreResult<()> {
        self.writer
            .write(move |db| Ok(JobAnswer::Keep(operations::insert_event(db, &event)?)))
            .await
    }

    async fn logins(&self, logins: &LoginQuery) -> StoreResult<Vec<String>> {
        let (tenant, user) = (logins.tenant.clone(), logins.user.clone());
        let (email_tag, at_most) = (logins.email_tag, logins.at_most);
        self.readers
            .read(move |db| reads::logins(db, &tenant, user.as_deref(), email_tag, at_most))
            .await
    }

    async fn page(&self, page: &DirectoryRowsQuery) -> StoreResult<DirectoryRows> {
        let page = page.clone();
        self.readers.read(move |db| reads::page(db, &page)).await
    }

    async fn count_users(&self, tenant: &str, at_most: i64) -> StoreResult<i64> {
        let tenant = tenant.to_owned();
        self.readers
            .read(move |db| reads::count_users(db, &tenant, at_most))
            .await
    }

    async fn records(&self, query: &UserRowsQuery) -> StoreResult<UserRows> {
        let query = query.clone();
        self.readers
            .read(move |db| reads::records(db, &query))
            .await
    }

    async fn policy(
        &self,
        tenant: &str,
        idempotency_key: Option<[u8; 16]>,
    ) -> StoreResult<(Option<PolicyRow>, Option<Vec<u8>>)> {
        let tenant = tenant.to_owned();
        self.readers
            .read(move |db| reads::policy(db, &tenant, idempotency_key))
            .await
    }

    async fn save_policy(&self, write: PolicyWrite) -> StoreResult<CommitResult> {
        self.writer
            .write(move |db| operations::save_policy(db, &write))
            .await
    }

    async fn claim_notices(&self, claim: NoticeClaim) -> StoreResult<ClaimedNoticeRows> {
        // A write lock is taken only where there is something to claim.
        let is_due = move |db: &rusqlite::Connection| outbox::has_due(db, claim);
        if !self.readers.read(is_due).await? {
            return Ok(ClaimedNoticeRows::default());
        }
        self.writer
            .write(move |db| outbox::claim_notices(db, claim))
            .await
    }

    async fn finish_notices(
        &self,
        finished: Vec<FinishedNoticeRow>,
        now: Timestamp,
    ) -> StoreResult<()> {
        self.writer
            .write(move |db| outbox::finish_notices(db, &finished, now))
            .await
    }

    async fn due_alerts(&self, now: Timestamp, at_most: i64) -> StoreResult<Vec<AlertRow>> {
        self.readers
            .read(move |db| workers::due_alerts(db, now, at_most))
            .await
    }

    async fn dispatch_alert(
        &self,
        subject: &Subject,
        alert: DispatchedAlert,
        notices: Vec<NewNoticeRow>,
    ) -> StoreResult<bool> {
        let subject = subject.clone();
        self.writer
            .write(move |db| workers::dispatch_alert(db, &subject, alert, &notices))
            .await
    }

    async fn postpone_alert(&self, position: i64, until: Timestamp) -> StoreResult<()> {
        self.writer
            .write(move |db| workers::postpone_alert(db, position, until))
            .await
    }

    async fn notices(
        &self,
        only_dead: bool,
        after: i64,
        at_most: i64,
    ) -> StoreResult<Vec<NoticeRow>> {
        self.readers
            .read(move |db| outbox::notices(db, only_dead, after, at_most))
            .await
    }

    async fn revive_notices(&self, which: Option<[u8; 16]>, now: Timestamp) -> StoreResult<u64> {
        self.writer
            .write(move |db| outbox::revive_notices(db, which, now))
            .await
    }

    async fn chain_events(&self) -> StoreResult<u64> {
        if !self.readers.read(chain::has_new_events).await? {
            return Ok(0);
        }
        self.writer.write(chain::append_segments).await
    }

    async fn unchained_events(&self, at_most: i64) -> StoreResult<Option<UnchainedRows>> {
        self.readers
            .read(move |db| chain::unchained_events(db, at_most))
            .await
    }

    async fn purge(&self, now: Timestamp) -> StoreResult<()> {
        for statement in workers::purge_statements(now) {
            let mut purged = workers::PURGED_AT_ONCE;
            while purged >= workers::PURGED_AT_ONCE {
                // Between two steps the writer is free for others.
                purged = self
                    .writer
                    .write(move |db| workers::purge(db, &statement))
                    .await?;
            }
        }
        self.writer.empty_log().await
    }

    async fn state(&self) -> StoreResult<DatabaseState> {
        self.readers.read(state::read).await
    }

    async fn raise_form(&self, form: i32) -> StoreResult<()> {
        self.writer
            .write(move |db| state::raise_form(db, form))
            .await
    }

    async fn replace_keys_in_use(&self, before: &[u8], after: &[u8]) -> StoreResult<bool> {
        let (before, after) = (before.to_vec(), after.to_vec());
        self.writer
            .write(move |db| state::replace_keys_in_use(db, &before, &after))
            .await
    }

    async fn estimate_rows(&self, table: SealedTable) -> StoreResult<i64> {
        self.readers
            .read(move |db| reseal::estimate_rows(db, table))
            .await
    }

    async fn accounts_after(&self, after: &RowPlace, at_most: i64) -> StoreResult<Vec<AccountRow>> {
        let after = after.clone();
        self.readers
            .read(move |db| reseal::accounts_after(db, &after, at_most))
            .await
    }

    async fn values_after(
        &self,
        table: SealedTable,
        after: &RowPlace,
        at_most: i64,
    ) -> StoreResult<Vec<SealedValueRow>> {
        let after = after.clone();
        self.readers
            .read(move |db| reseal::values_after(db, table, &after, at_most))
            .await
    }

    async fn replace_values(
        &self,
        table: SealedTable,
        values: Vec<ReplacedValue>,
    ) -> StoreResult<u64> {
        self.writer
            .write(move |db| reseal::replace_values(db, table, &values))
            .await
    }

    async fn probe_write(&self, now: Timestamp) -> StoreResult<()> {
        self.writer
            .write(move |db| workers::probe_write(db, now))
            .await
    }

    async fn clock(&self) -> StoreResult<Option<Timestamp>> {
        self.readers
            .read(|db| db.query_row("SELECT 1", (), |_| Ok(())))
            .await?;
        Ok(None)
    }

    /// Each connection is opened with what keeps it, and nobody else can change that.
    async fn may_forget(&self) -> StoreResult<Option<String>> {
        Ok(None)
    }
}
