//! The port of the audit chain.

use crate::ports::StoreResult;
use async_trait::async_trait;
use countersign_domain::value::time::Timestamp;

/// The part of the durable store that holds the audit chain.
#[async_trait]
pub trait AuditChain: Send + Sync {
    /// Gives committed events their number and chain hash, a bounded number at once. Returns how many events it
    /// chained.
    async fn seal_events(&self) -> StoreResult<u64>;

    /// How far the audit chain is behind; `None` if it contains all events.
    async fn audit_lag(&self) -> StoreResult<Option<AuditLag>>;
}

/// How far the audit chain is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditLag {
    /// When the oldest event happened that is not in the chain yet.
    pub oldest_at: Timestamp,
    /// Events that are not in the chain yet, counted up to [`Self::MAX_COUNTED`].
    pub waiting_events: u64,
}

impl AuditLag {
    /// Counting beyond this number would cost too much.
    pub const MAX_COUNTED: u32 = 100_000;
}
