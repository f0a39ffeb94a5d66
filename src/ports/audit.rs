//! The audit chain.

use crate::ports::StoreResult;
use async_trait::async_trait;
use countersign_domain::value::time::Timestamp;

/// The part of durable memory that chains what happened.
#[async_trait]
pub trait AuditChain: Send + Sync {
    /// Gives committed events their number and chain hash, a bounded count at once; how many there were.
    async fn seal_events(&self) -> StoreResult<u64>;

    /// How far the audit chain is behind; nothing if all events are in it.
    async fn audit_lag(&self) -> StoreResult<Option<AuditLag>>;
}

/// How far the audit chain is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditLag {
    /// When the first event happened that is not in the chain yet.
    pub oldest_at: Timestamp,
    /// How many events are not in the chain yet, counted no further than [`Self::MAX_COUNTED`].
    pub waiting_events: u64,
}

impl AuditLag {
    /// Counting further would cost too much.
    pub const MAX_COUNTED: u32 = 100_000;
}
