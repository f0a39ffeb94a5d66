//! Retention: what no rule asks for any more goes, a bounded count of rows at a time. Each statement ends soon and lets go
//! of what it locked.

use super::{PostgresEngine, connection::PostgresFailure};
use countersign_domain::value::time::Timestamp;
use std::time::Duration;

/// How many rows one statement deletes at most; one that deletes as many is carried out again.
const ROWS_AT_ONCE: u64 = 1_000;

/// What goes, and at what age. $1 is an instant, $2 how many rows.
const RULES: [(&str, Duration); 4] = [
    (
        "DELETE FROM idempotency_records WHERE ctid = ANY (ARRAY(
             SELECT ctid FROM idempotency_records WHERE at < $1 LIMIT $2))",
        Duration::from_mins(11),
    ),
    (
        "DELETE FROM attestations WHERE ctid = ANY (ARRAY(SELECT ctid FROM attestations WHERE at < $1 LIMIT $2))",
        Duration::from_hours(1),
    ),
    (
        "DELETE FROM ended_challenges WHERE ctid = ANY (ARRAY(
             SELECT ctid FROM ended_challenges WHERE ended_at < $1 LIMIT $2))",
        Duration::from_hours(7 * 24),
    ),
    (
        "DELETE FROM outbox WHERE position = ANY (ARRAY(SELECT position FROM outbox WHERE dead_at < $1 LIMIT $2))",
        Duration::from_hours(30 * 24),
    ),
];

impl PostgresEngine {
    pub(super) async fn delete_old(&self, now: Timestamp) -> Result<(), PostgresFailure> {
        for (sql, age) in RULES {
            let before = now.minus(age).millis();
            self.delete_in_steps(sql, before).await?;
        }
        Ok(())
    }

    async fn delete_in_steps(&self, sql: &'static str, before: i64) -> Result<(), PostgresFailure> {
        let at_once = ROWS_AT_ONCE.cast_signed();
        while self.scans.execute(sql, &[&before, &at_once]).await? >= ROWS_AT_ONCE {}
        Ok(())
    }
}
