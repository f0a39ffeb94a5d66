//! Since when the present history of the database holds.

use super::connection::{PipelinedConnection, PostgresFailure};
use countersign_domain::value::time::Timestamp;
use std::sync::{Mutex, PoisonError};

/// The timeline, and when its history began. The database notes a new one; not within a transaction, because that has to
/// stay.
pub(super) const ASK: &str = "SELECT current_timeline(), history_began()";

/// The timeline that was seen last, and when its history began. A promotion of a standby begins another.
#[derive(Default)]
pub(super) struct TimelineHistory(Mutex<Option<(i64, Timestamp)>>);

impl TimelineHistory {
    /// When the history of a timeline began, if that is known.
    pub(super) fn began_at(&self, timeline: i64) -> Option<Timestamp> {
        let known = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .filter(|(of, _)| *of == timeline)
            .map(|(_, began_at)| began_at)
    }

    /// Asks the database, outside transactions.
    pub(super) async fn ask(
        &self,
        connection: &PipelinedConnection,
    ) -> Result<(), PostgresFailure> {
        let rows = connection.within(connection.rows(ASK, &[])).await?;
        for row in rows {
            self.learn(row.try_get(0)?, row.try_get(1)?);
        }
        Ok(())
    }

    /// Notes what the database said.
    pub(super) fn learn(&self, timeline: i64, began_at: i64) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some((timeline, Timestamp::from_millis(began_at)));
    }
}
