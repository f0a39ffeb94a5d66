//! What an engine does for the durable store: it moves rows, and decides nothing.

use crate::{
    ports::{CommitResult, RowPlace, SealedTable, StoreResult},
    store::record::{
        DatabaseState, OperationOutcome, StoreOperation,
        rows::{
            AccountRow, AlertRow, EndingRow, EventRow, IdempotencyRow, NewNoticeRow, NoticeRow,
            PolicyRow, ReplacedValue, SealedValueRow,
        },
    },
};
use async_trait::async_trait;
use countersign_domain::{
    audit_event::StoredAuditEvent,
    value::{
        id::{Subject, SubjectTag},
        time::Timestamp,
    },
};

/// A database that keeps the rows of the durable store.
#[async_trait]
pub(in crate::store) trait StoreEngine: Send + Sync {
    /// Its name, for errors and logs.
    fn name(&self) -> &'static str;

    /// The store and its address, for logs.
    fn location(&self) -> String;

    /// One user with the profile, the policy of the tenant, and what the lookup asks for: one query. Asked again if the
    /// connection broke.
    async fn load(&self, subject: &Subject, lookup: AccountRowLookup) -> StoreResult<AccountRows>;

    /// Locks the user's row, decides, writes and commits; all of it or nothing. If the outcome of the commit is unknown,
    /// the operation is decided again on what is there then: it recognizes what it wrote.
    async fn run(&self, operation: StoreOperation) -> StoreResult<OperationOutcome>;

    /// Inserts endings of a user's challenges, and the event if one of them was open. Challenges that ended already
    /// stay as they ended. Does not touch the user's row, so that it never disturbs a change.
    async fn end_challenges(
        &self,
        subject: &Subject,
        endings: Vec<EndingRow>,
        event: Option<EventRow>,
    ) -> StoreResult<()>;

    /// Appends an event that no operation carries.
    async fn append_event(&self, event: EventRow) -> StoreResult<()>;

    /// The ids of users with this id, or with this verified address, in their order.
    async fn logins(&self, logins: &LoginQuery) -> StoreResult<Vec<String>>;

    /// The next users of a tenant by (`skeleton`, `user_id`), byte for byte, with their profiles. A user that the page's
    /// projections rule out comes without a row.
    async fn page(&self, page: &DirectoryRowsQuery) -> StoreResult<DirectoryRows>;

    /// How many users a tenant has, counted no further than `at_most`.
    async fn count_users(&self, tenant: &str, at_most: i64) -> StoreResult<i64>;

    /// What is recorded of a user beside the row, a page of each.
    async fn records(&self, query: &UserRowsQuery) -> StoreResult<UserRows>;

    /// The policy of a tenant, and the idempotency record of a call.
    async fn policy(
        &self,
        tenant: &str,
        idempotency_key: Option<[u8; 16]>,
    ) -> StoreResult<(Option<PolicyRow>, Option<Vec<u8>>)>;

    /// Saves a policy, if its etag is still the expected one.
    async fn save_policy(&self, write: PolicyWrite) -> StoreResult<CommitResult>;

    /// Claims notices that are due on a channel until a lease runs out: of each user the oldest one, unless one of the
    /// user is claimed already or an alert of the user is older.
    async fn claim_notices(&self, claim: NoticeClaim) -> StoreResult<ClaimedNoticeRows>;

    /// Records the outcomes of deliveries, all of them or none.
    async fn finish_notices(
        &self,
        finished: Vec<FinishedNoticeRow>,
        now: Timestamp,
    ) -> StoreResult<()>;

    /// Security alerts that are due, oldest first.
    async fn due_alerts(&self, now: Timestamp, at_most: i64) -> StoreResult<Vec<AlertRow>>;

    /// Takes an alert away and queues its notices, if it and its user are still there. Whether this call did.
    async fn dispatch_alert(
        &self,
        subject: &Subject,
        alert: DispatchedAlert,
        notices: Vec<NewNoticeRow>,
    ) -> StoreResult<bool>;

    /// Puts an alert off.
    async fn postpone_alert(&self, position: i64, until: Timestamp) -> StoreResult<()>;

    /// A page of the outbox behind a position, oldest first.
    async fn notices(
        &self,
        only_dead: bool,
        after: i64,
        at_most: i64,
    ) -> StoreResult<Vec<NoticeRow>>;

    /// Brings dead notices back, as if they had been queued now: all, or one. How many there were.
    async fn revive_notices(&self, which: Option<[u8; 16]>, now: Timestamp) -> StoreResult<u64>;

    /// Numbers and chains committed events, a bounded count; how many.
    async fn chain_events(&self) -> StoreResult<u64>;

    /// When the first event happened that is not chained yet, and how many there are, counted no further than `at_most`.
    async fn unchained_events(&self, at_most: i64) -> StoreResult<Option<UnchainedRows>>;

    /// Deletes what no rule asks for any more, in bounded steps, until nothing is left.
    async fn purge(&self, now: Timestamp) -> StoreResult<()>;

    /// What holds for the whole database.
    async fn state(&self) -> StoreResult<DatabaseState>;

    /// Has records written in this form, unless they are written in a newer one.
    async fn raise_form(&self, form: i32) -> StoreResult<()>;

    /// Replaces the keys in use, if they are still these ones. Whether they were.
    async fn replace_keys_in_use(&self, before: &[u8], after: &[u8]) -> StoreResult<bool>;

    /// About how many rows of a table hold something sealed.
    async fn estimate_rows(&self, table: SealedTable) -> StoreResult<i64>;

    /// The next accounts of all tenants by (`tenant_id`, `user_id`), byte for byte, with their profiles.
    async fn accounts_after(&self, after: &RowPlace, at_most: i64) -> StoreResult<Vec<AccountRow>>;

    /// The next rows of a table other than `accounts`, by their primary key.
    async fn values_after(
        &self,
        table: SealedTable,
        after: &RowPlace,
        at_most: i64,
    ) -> StoreResult<Vec<SealedValueRow>>;

    /// Replaces sealed values, each if it is still the one that was read and nobody holds its row; how many. It waits for
    /// no lock while it holds one.
    async fn replace_values(
        &self,
        table: SealedTable,
        values: Vec<ReplacedValue>,
    ) -> StoreResult<u64>;

    /// Proves that the database takes writes: commits one row.
    async fn probe_write(&self, now: Timestamp) -> StoreResult<()>;

    /// The database's own clock; nothing if it has none but ours.
    async fn clock(&self) -> StoreResult<Option<Timestamp>>;

    /// Why the database may forget what it acknowledges; nothing while it keeps it.
    async fn may_forget(&self) -> StoreResult<Option<String>>;
}

/// What a load looks up beside the user.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::store) struct AccountRowLookup {
    pub(in crate::store) idempotency_key: Option<[u8; 16]>,
    pub(in crate::store) challenge: Option<[u8; 16]>,
}

/// What a load brings.
#[derive(Debug, Default)]
pub(in crate::store) struct AccountRows {
    pub(in crate::store) account: Option<AccountRow>,
    /// The policy layer of the tenant, as JSON.
    pub(in crate::store) layer: Option<String>,
    pub(in crate::store) idempotency: Option<Vec<u8>>,
    /// The sealed ending of the challenge.
    pub(in crate::store) ending: Option<Vec<u8>>,
}

/// Who is looked for by a login.
#[derive(Debug)]
pub(in crate::store) struct LoginQuery {
    pub(in crate::store) tenant: String,
    pub(in crate::store) user: Option<String>,
    pub(in crate::store) email_tag: Option<[u8; 16]>,
    pub(in crate::store) at_most: i64,
}

/// Which users to read.
#[derive(Debug, Clone)]
pub(in crate::store) struct DirectoryRowsQuery {
    pub(in crate::store) tenant: String,
    /// Behind which user; empty for the first.
    pub(in crate::store) after_user: String,
    pub(in crate::store) after_skeleton: String,
    /// Between which skeletons: at least the first, below the second.
    pub(in crate::store) skeleton_from: String,
    pub(in crate::store) skeleton_below: String,
    pub(in crate::store) at_most: i64,
    /// What has to be seen of a user, a sum: 1 nothing, 2 no method, 4 methods and no TOTP, 8 a failure since
    /// `failures_since`, 16 a method that is disabled or suspended.
    pub(in crate::store) projections: i32,
    pub(in crate::store) failures_since: i64,
}

/// Users one after the other.
#[derive(Debug, Default)]
pub(in crate::store) struct DirectoryRows {
    pub(in crate::store) layer: Option<String>,
    /// The id, and the row unless the projections rule the user out.
    pub(in crate::store) users: Vec<(String, Option<AccountRow>)>,
}

/// Which records of a user to read.
#[derive(Debug, Clone)]
pub(in crate::store) struct UserRowsQuery {
    pub(in crate::store) subject: Subject,
    pub(in crate::store) tag: SubjectTag,
    pub(in crate::store) after_event: i64,
    pub(in crate::store) after_challenge: Vec<u8>,
    pub(in crate::store) at_most: i64,
    /// Whether to read the queued notices, too.
    pub(in crate::store) with_notices: bool,
}

/// What is recorded of a user beside the row.
#[derive(Debug, Default)]
pub(in crate::store) struct UserRows {
    /// In the order of their challenges' ids.
    pub(in crate::store) endings: Vec<EndingRow>,
    pub(in crate::store) events: Vec<StoredAuditEvent>,
    pub(in crate::store) notices: Vec<NoticeRow>,
}

/// The events that are not chained yet.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct UnchainedRows {
    pub(in crate::store) oldest_at: i64,
    pub(in crate::store) count: i64,
}

/// A policy to be saved.
#[derive(Debug)]
pub(in crate::store) struct PolicyWrite {
    pub(in crate::store) tenant: String,
    /// The etag that it must still have; nothing where there must be no row.
    pub(in crate::store) expected_etag: Option<[u8; 16]>,
    pub(in crate::store) row: PolicyRow,
    pub(in crate::store) event: EventRow,
    pub(in crate::store) idempotency: Option<IdempotencyRow>,
}

/// Which notices to claim.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct NoticeClaim {
    pub(in crate::store) channel: &'static str,
    pub(in crate::store) now: i64,
    pub(in crate::store) lease_until: i64,
    /// When a queue is looked at again whose notices wait for an alert, unless the alert is dispatched before.
    pub(in crate::store) held_until: i64,
    pub(in crate::store) at_most: i64,
}

/// The result of one claim.
#[derive(Debug, Default)]
pub(in crate::store) struct ClaimedNoticeRows {
    pub(in crate::store) notices: Vec<NoticeRow>,
    /// How many queues were due, at most as many as were asked for.
    pub(in crate::store) queues: usize,
}

/// An alert that becomes notices.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct DispatchedAlert {
    pub(in crate::store) position: i64,
    pub(in crate::store) subject: SubjectTag,
    pub(in crate::store) now: i64,
}

/// A delivery that has ended.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct FinishedNoticeRow {
    pub(in crate::store) notice_id: [u8; 16],
    pub(in crate::store) end: NoticeRowEnding,
}

/// What became of a notice.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) enum NoticeRowEnding {
    /// It is delivered, and goes.
    Delivered,
    /// It is tried again then.
    RetryAt(i64),
    /// It is dead since then, and why.
    Dead(i64, &'static str),
}

impl NoticeRowEnding {
    /// When it is tried again.
    pub(in crate::store) const fn retry_at(self) -> Option<i64> {
        match self {
            Self::RetryAt(due_at) => Some(due_at),
            Self::Delivered | Self::Dead(..) => None,
        }
    }

    /// Since when it is dead, and why.
    pub(in crate::store) const fn death(self) -> (Option<i64>, Option<&'static str>) {
        match self {
            Self::Dead(at, why) => (Some(at), Some(why)),
            Self::Delivered | Self::RetryAt(_) => (None, None),
        }
    }
}
