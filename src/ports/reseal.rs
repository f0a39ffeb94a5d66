//! What is sealed under the key ring, for commands that rotate keys.

use crate::ports::StoreResult;
use async_trait::async_trait;
use countersign_domain::value::{
    id::SubjectTag,
    secret::{KeyId, SealedBytes},
    time::Timestamp,
};
use std::{collections::BTreeSet, time::Duration};

/// The part of durable memory that knows under which keys its rows are sealed, and can seal them again.
#[async_trait]
pub trait ResealStore: Send + Sync {
    /// The keys that data may be sealed under.
    async fn keys_in_use(&self) -> StoreResult<Vec<KeyInUse>>;

    /// Notes that rows may be sealed under the active key from now on.
    async fn use_active_key(&self, now: Timestamp) -> StoreResult<()>;

    /// Forgets keys, unless one of them was noted as active since `seen`. Whether they are forgotten.
    async fn forget_request_keys(
        &self,
        unused: &BTreeSet<KeyId>,
        seen: &[KeyInUse],
    ) -> StoreResult<bool>;

    /// About how many rows of a table hold something sealed.
    async fn estimate_rows(&self, table: SealedTable) -> StoreResult<u64>;

    /// The rows behind a place in the order of the primary key, as many as one page takes; none at the end.
    async fn sealed_rows(
        &self,
        table: SealedTable,
        after: &RowPlace,
    ) -> StoreResult<Vec<SealedRow>>;

    /// Seals rows of a page again under the active key, wherever they are still what was read.
    async fn reseal(&self, table: SealedTable, rows: &[SealedRow]) -> StoreResult<ResealResult>;
}

/// A table whose rows are sealed under the key ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SealedTable {
    /// Users.
    Accounts,
    /// The key of each tenant that has a policy.
    Policies,
    /// Notices in the outbox, dead ones too.
    Outbox,
    /// Answers that a repeat of a call gets again.
    IdempotencyRecords,
    /// How challenges ended.
    EndedChallenges,
}

/// A key that data may be sealed under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInUse {
    /// The key.
    pub key: KeyId,
    /// When a process with this key active was last seen.
    pub active_at: Timestamp,
}

/// The place of a row in its table: its primary key. The parts that a table does not have are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowPlace {
    /// The tenant.
    pub tenant: String,
    /// The user.
    pub user: String,
    /// The id of a challenge or a notice, or the digest of an idempotency key.
    pub id: Vec<u8>,
}

/// A row with something sealed in it.
#[derive(Debug, Clone)]
pub struct SealedRow {
    /// Where it is.
    pub place: RowPlace,
    /// The pseudonym of its user, where the row has one.
    pub subject: Option<SubjectTag>,
    /// The keys that it is sealed under.
    pub keys: BTreeSet<KeyId>,
    /// When it was made, where the row says so.
    pub at: Option<Timestamp>,
    /// The stored value. An account is read again under its lock, so that this is empty for it.
    pub value: Vec<u8>,
    /// Why some of it can't be opened, where that was found.
    pub unusable: Option<String>,
}

/// What became of rows that were to be sealed again.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ResealResult {
    /// How many were saved.
    pub saved: u64,
    /// Rows that can't be opened: which, and why.
    pub unusable: Vec<String>,
}

impl SealedTable {
    /// All of them, in the order in which they are sealed again.
    pub const ALL: [Self; 5] = [
        Self::Accounts,
        Self::Policies,
        Self::Outbox,
        Self::IdempotencyRecords,
        Self::EndedChallenges,
    ];

    /// Its name in the database.
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
    /// A running process notes its active key again after this long.
    pub const KEY_USE_REPORT_INTERVAL: Duration = Duration::from_secs(5);

    /// Seen longer ago than this, no running process has the key active. It allows for a probe each 4 seconds and for clocks
    /// that are 5 seconds apart.
    pub const KEY_USE_EXPIRY: Duration = Duration::from_secs(20);
}

impl SealedRow {
    /// Whether anything of it is sealed under another key than this one.
    #[must_use]
    pub fn lies_under_another(&self, active: &KeyId) -> bool {
        self.keys.iter().any(|key| key != active)
    }

    /// The value as something sealed.
    #[must_use]
    pub fn sealed(&self) -> SealedBytes {
        SealedBytes::from_bytes(self.value.clone())
    }
}
