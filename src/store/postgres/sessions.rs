//! What holds in the sessions of the server: timeouts, and the isolation of single statements.

use super::{
    PostgresEngine,
    connection::PostgresFailure,
    connector::CLOSE_GRACE,
    grants::identifier,
    settings::{ConnectionSettings, NAME, Pooler},
};
use crate::store::record::{InvalidRow, unavailable};
use std::time::Duration;

const IDLE_TIMEOUT: &str = "idle_in_transaction_session_timeout";
const READ_COMMITTED: &str = "read committed";

/// What the server says of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSettings {
    /// Whose session it is.
    pub role: String,
    /// `default_transaction_isolation`.
    pub isolation: String,
    /// `statement_timeout`, in milliseconds; 0 is none.
    pub statement_timeout: i64,
    /// `lock_timeout`, in milliseconds; 0 is none.
    pub lock_timeout: i64,
    /// `idle_in_transaction_session_timeout`, in milliseconds; 0 is none.
    pub idle_in_transaction_timeout: i64,
}

/// Sessions in which a statement could wait for ever, or see what it must not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the sessions of `{role}` in PostgreSQL have {setting} = `{actual}`, and need {needed}: {remedy}"
)]
pub struct UnsafeSession {
    role: String,
    setting: &'static str,
    actual: String,
    needed: String,
    remedy: String,
}

impl PostgresEngine {
    /// Of one session of each kind: changes and verdicts, reads of single users, what may take long.
    pub(super) async fn read_session_settings(
        &self,
    ) -> Result<Vec<SessionSettings>, PostgresFailure> {
        const SETTINGS: &str = "SELECT current_user::text AS role, current_setting('default_transaction_isolation') AS isolation,
                (SELECT setting::bigint FROM pg_settings WHERE name = 'statement_timeout') AS statement_timeout,
                (SELECT setting::bigint FROM pg_settings WHERE name = 'lock_timeout') AS lock_timeout,
                (SELECT setting::bigint FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout')
                    AS idle_in_transaction_timeout";
        let kinds = [
            self.pool.read(SETTINGS, &[]).await?,
            self.readers.rows(SETTINGS, &[]).await?,
            self.scans.read(SETTINGS, &[]).await?,
        ];
        let of_kind = |rows: &Vec<tokio_postgres::Row>| {
            let none = || unavailable(NAME, InvalidRow::Shape("no settings"));
            let row = rows.first().ok_or_else(none)?;
            Ok(SessionSettings {
                role: row.try_get("role")?,
                isolation: row.try_get("isolation")?,
                statement_timeout: row.try_get("statement_timeout")?,
                lock_timeout: row.try_get("lock_timeout")?,
                idle_in_transaction_timeout: row.try_get("idle_in_transaction_timeout")?,
            })
        };
        kinds.iter().map(of_kind).collect()
    }
}

/// One setting of a session, and what it has to be.
struct SettingRequirement {
    setting: &'static str,
    actual: String,
    holds: bool,
    needed: String,
    /// What to set it to, as SQL has it.
    value: String,
}

impl SettingRequirement {
    fn timeout(setting: &'static str, actual: i64, limit: Duration) -> Self {
        let limit = i64::try_from(limit.as_millis()).unwrap_or(i64::MAX);
        Self {
            setting,
            actual: actual.to_string(),
            holds: (1..=limit).contains(&actual),
            needed: format!("1 to {limit} (milliseconds)"),
            value: limit.to_string(),
        }
    }
}

impl SessionSettings {
    /// Refuses a session that has not what this process needs.
    ///
    /// # Errors
    /// [`UnsafeSession`].
    pub fn check(&self, settings: &ConnectionSettings) -> Result<(), UnsafeSession> {
        let mut requirements = self.requirements(settings.statement_timeout).into_iter();
        let Some(failed) = requirements.find(|requirement| !requirement.holds) else {
            return Ok(());
        };
        Err(UnsafeSession {
            remedy: self.remedy(&failed, settings.pooler),
            role: self.role.clone(),
            setting: failed.setting,
            actual: failed.actual,
            needed: failed.needed,
        })
    }

    fn requirements(&self, statement_timeout: Duration) -> [SettingRequirement; 4] {
        let idle = self.idle_in_transaction_timeout;
        let isolation = SettingRequirement {
            setting: "default_transaction_isolation",
            actual: self.isolation.clone(),
            holds: self.isolation == READ_COMMITTED,
            needed: READ_COMMITTED.to_owned(),
            value: format!("'{READ_COMMITTED}'"),
        };
        [
            isolation,
            SettingRequirement::timeout(
                "statement_timeout",
                self.statement_timeout,
                statement_timeout,
            ),
            SettingRequirement::timeout("lock_timeout", self.lock_timeout, statement_timeout),
            SettingRequirement::timeout(IDLE_TIMEOUT, idle, statement_timeout + CLOSE_GRACE),
        ]
    }

    fn remedy(&self, failed: &SettingRequirement, pooler: Pooler) -> String {
        let SettingRequirement { setting, value, .. } = failed;
        match pooler {
            // Each session asks for them as it starts: something in between did not pass that on.
            Pooler::None => "a pooler in between does not pass on what a session asks for: set postgres.pooler = \"transaction\""
                .to_owned(),
            Pooler::Transaction => format!(
                "run `ALTER ROLE {} SET {setting} = {value}` as an administrator, and let the pooler connect again \
                 (PgBouncer: `RECONNECT`); `countersign grants` prints all of them",
                identifier(&self.role)
            ),
        }
    }
}
