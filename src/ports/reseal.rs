//! The port for key rotation: finds and reseals what is sealed under the key ring.

use crate::ports::StoreResult;
use async_trait::async_trait;
use countersign_domain::value::{
    id::SubjectTag,
    secret::{KeyId, SealedBytes},
    time::Timestamp,
};
use std::{collections::BTreeSet, time::Duration};

/// The part of the durable store that knows the sealing keys of its rows, and reseals them.
#[async_trait]
pub trait ResealStore: Send + Sync {
    /// The keys that data may be sealed under.
    async fn keys_in_use(&self) -> StoreResult<Vec<KeyInUse>>;

    /// Records that rows may be sealed under the active key from now on.
    async fn use_active_key(&self, now: Timestamp) -> StoreResult<()>;

    /// Removes keys, unless one of them was recorded as active since `seen`. Returns whether it removed them.
    async fn remove_sealing_keys(
        &self,
        unused: &BTreeSet<KeyId>,
        seen: &[KeyInUse],
    ) -> StoreResult<bool>;

    /// Estimates the rows of a table that contain sealed values.
    async fn estimate_rows(&self, table: SealedTable) -> StoreResult<u64>;

    /// Reads one page of rows after a place, in the order of the primary key. An empty page is the end.
    async fn sealed_rows(
        &self,
        table: SealedTable,
        after: &RowPlace,
    ) -> StoreResult<Vec<SealedRow>>;

    /// Reseals the rows of a page under the active key. Rows that changed since they were read are skipped.
    async fn reseal(&self, table: SealedTable, rows: &[SealedRow]) -> StoreResult<ResealResult>;
}

/// A table with rows that are sealed under the key ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SealedTable {
    /// User accounts.
    Accounts,
    /// The key of each tenant that has a policy.
    Policies,
    /// Notices in the outbox, including dead ones.
    Outbox,
    /// One-time responses in idempotency records.
    IdempotencyRecords,
    /// The outcomes of ended challenges.
    EndedChallenges,
}

/// A key that data may be sealed under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInUse {
    /// The key's id.
    pub key: KeyId,
    /// When a process with this key active last recorded it.
    pub active_at: Timestamp,
}

/// The place of a row: its primary key. Columns that the table does not have are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowPlace {
    /// The tenant's id.
    pub tenant: String,
    /// The user's id.
    pub user: String,
    /// The id of a challenge or notice, or the digest of an idempotency key.
    pub id: Vec<u8>,
}

/// A row with sealed values.
#[derive(Debug, Clone)]
pub struct SealedRow {
    /// The row's place.
    pub place: RowPlace,
    /// The pseudonym of its user, if the row has one.
    pub subject: Option<SubjectTag>,
    /// The keys that it is sealed under.
    pub keys: BTreeSet<KeyId>,
    /// When it was created, if the row says so.
    pub at: Option<Timestamp>,
    /// The stored value. It is empty for an account, which is read again under its lock.
    pub value: Vec<u8>,
    /// Why a part of it can't be opened; `None` if all can be.
    pub unusable: Option<String>,
}

/// The result of resealing rows.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ResealResult {
    /// Rows that were saved.
    pub saved: u64,
    /// Rows that can't be opened, each with the reason.
    pub unusable: Vec<String>,
}

impl SealedTable {
    /// All tables, in the order in which they are resealed.
    pub const ALL: [Self; 5] = [
        Self::Accounts,
        Self::Policies,
        Self::Outbox,
        Self::IdempotencyRecords,
        Self::EndedChallenges,
    ];

    /// The table's name in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Policies => "policies",
            Self::Outbox => "outbox",
            Self::IdempotencyRecords => "idempotency_records",
            Self::EndedChallenges => "ended_challenges",
        }
    }
}

impl KeyInUse {
    /// The interval at which a running process records its active key.
    pub const KEY_USE_REPORT_INTERVAL: Duration = Duration::from_secs(5);

    /// After this time, no running process has the key active. It allows for a probe every 4 seconds and for clocks
    /// that differ by 5 seconds.
    pub const KEY_USE_EXPIRY: Duration = Duration::from_secs(20);
}

impl SealedRow {
    /// Whether a part of the row is sealed under another key than `active`.
    #[must_use]
    pub fn lies_under_another(&self, active: &KeyId) -> bool {
        self.keys.iter().any(|key| key != active)
    }

    /// The stored value as sealed bytes.
    #[must_use]
    pub fn sealed(&self) -> SealedBytes {
        SealedBytes::from_bytes(self.value.clone())
    }
}
