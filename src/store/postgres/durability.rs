//! Whether this PostgreSQL keeps what it acknowledges.

use super::{PostgresEngine, connection::PostgresFailure, settings::NAME};
use crate::{
    ports::StoreUnavailable,
    store::record::{InvalidRow, unavailable},
};

/// What a server promises when it acknowledges a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DurabilitySettings {
    /// `fsync`.
    pub fsync: String,
    /// `synchronous_commit`.
    pub synchronous_commit: String,
    /// `synchronous_standby_names`.
    pub synchronous_standbys: String,
    /// How many standbys are connected.
    pub standbys: i64,
    /// Whether the server tells its timeline, so that a failover is noticed.
    pub tells_timeline: bool,
}

/// A server that may forget what it acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum UnsafeDurability {
    /// It does not flush.
    #[error(
        "PostgreSQL does not flush what it acknowledges: fsync is `{fsync}`, synchronous_commit is `{commit}`; both have to be on"
    )]
    DoesNotFlush {
        /// `fsync`.
        fsync: String,
        /// `synchronous_commit`.
        commit: String,
    },
    /// Its standbys may lack what it acknowledged.
    #[error(
        "PostgreSQL has {standbys} standby(s) that may lack what it acknowledged: set synchronous_standby_names, and synchronous_commit to on"
    )]
    AsynchronousStandbys {
        /// How many.
        standbys: i64,
    },
    /// It can't be asked.
    #[error(transparent)]
    Unavailable(#[from] StoreUnavailable),
}

impl PostgresEngine {
    pub(super) async fn read_durability(&self) -> Result<DurabilitySettings, PostgresFailure> {
        const PROMISES: &str = "SELECT current_setting('fsync'), current_setting('synchronous_commit'),
                current_setting('synchronous_standby_names'),
                (SELECT count(*) FROM pg_stat_replication r WHERE application_name !~ 'basebackup|receive_?wal'
                    AND NOT EXISTS (SELECT FROM pg_replication_slots s
                        WHERE s.active_pid = r.pid AND s.slot_type = 'logical')),
                (SELECT provolatile = 'v' FROM pg_proc WHERE proname = 'current_timeline' LIMIT 1)";
        let rows = self.scans.read(PROMISES, &[]).await?;
        let none = || unavailable(NAME, InvalidRow::Shape("no settings"));
        let row = rows.first().ok_or_else(none)?;
        let tells_timeline: Option<bool> = row.try_get(4)?;
        Ok(DurabilitySettings {
            fsync: row.try_get(0)?,
            synchronous_commit: row.try_get(1)?,
            synchronous_standbys: row.try_get(2)?,
            standbys: row.try_get(3)?,
            tells_timeline: tells_timeline.unwrap_or(false),
        })
    }
}

impl DurabilitySettings {
    /// Refuses a server that may forget what it acknowledged.
    ///
    /// # Errors
    /// [`UnsafeDurability`].
    pub fn check(&self) -> Result<(), UnsafeDurability> {
        let flushes = self.fsync == "on" && self.synchronous_commit != "off";
        if !flushes {
            return Err(UnsafeDurability::DoesNotFlush {
                fsync: self.fsync.clone(),
                commit: self.synchronous_commit.clone(),
            });
        }
        let waits = matches!(self.synchronous_commit.as_str(), "on" | "remote_apply");
        if self.standbys > 0 && (self.synchronous_standbys.is_empty() || !waits) {
            return Err(UnsafeDurability::AsynchronousStandbys {
                standbys: self.standbys,
            });
        }
        Ok(())
    }
}
