//! Whether this PostgreSQL keeps what it acknowledges.

use crate::{
    ports::{Stored, Unavailable},
    store::postgres::{PostgresAccounts, fails},
};
use sqlx::Row;

/// What a server promises when it acknowledges a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Durability {
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
pub enum NotDurable {
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
    Unavailable(#[from] Unavailable),
}

impl PostgresAccounts {
    /// Asks the server what it promises. A standby is what a failover could lead to: no archiver, no subscriber.
    ///
    /// # Errors
    /// [`Unavailable`] if it does not answer.
    pub async fn durability(&self) -> Stored<Durability> {
        const PROMISES: &str = "SELECT current_setting('fsync'), current_setting('synchronous_commit'),
                current_setting('synchronous_standby_names'),
                (SELECT count(*) FROM pg_stat_replication r WHERE application_name !~ 'basebackup|receive_?wal'
                    AND NOT EXISTS (SELECT FROM pg_replication_slots s
                        WHERE s.active_pid = r.pid AND s.slot_type = 'logical')),
                (SELECT provolatile = 'v' FROM pg_proc WHERE proname = 'current_timeline' LIMIT 1)";
        let row = self.row(PROMISES, &[]).await.map_err(fails)?;
        let text = |column| row.try_get(column).map_err(fails);
        Ok(Durability {
            fsync: text(0)?,
            synchronous_commit: text(1)?,
            synchronous_standbys: text(2)?,
            standbys: row.try_get(3).map_err(fails)?,
            tells_timeline: row
                .try_get::<Option<bool>, _>(4)
                .map_err(fails)?
                .unwrap_or(false),
        })
    }
}

impl Durability {
    /// Refuses a server that may forget what it acknowledged.
    ///
    /// # Errors
    /// [`NotDurable`].
    pub fn check(&self) -> Result<(), NotDurable> {
        let flushes = self.fsync == "on" && self.synchronous_commit != "off";
        if !flushes {
            return Err(NotDurable::DoesNotFlush {
                fsync: self.fsync.clone(),
                commit: self.synchronous_commit.clone(),
            });
        }
        let waits = matches!(self.synchronous_commit.as_str(), "on" | "remote_apply");
        if self.standbys > 0 && (self.synchronous_standbys.is_empty() || !waits) {
            return Err(NotDurable::AsynchronousStandbys {
                standbys: self.standbys,
            });
        }
        Ok(())
    }
}
