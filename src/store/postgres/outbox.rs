//! The outbox and security alerts.

use super::{
    PostgresEngine,
    connection::Failure,
    engine::number,
    rows,
    write::{borrowed, notice_columns},
};
use crate::store::{
    durable::NoticeEnd,
    record::rows::{AlertRow, NewNoticeRow, NoticeRow},
};
use countersign_domain::id::Subject;

impl PostgresEngine {
    pub(super) async fn claim(
        &self,
        channel: &str,
        now: i64,
        lease_until: i64,
    ) -> Result<Option<NoticeRow>, Failure> {
        const CLAIM: &str = include_str!("claim_notice.sql");
        let rows = self
            .pool
            .rows(CLAIM, &[&channel, &now, &lease_until])
            .await?;
        rows.first().map(rows::notice).transpose()
    }

    pub(super) async fn finish(&self, notice_id: &[u8], end: NoticeEnd) -> Result<(), Failure> {
        match end {
            NoticeEnd::Delivered => {
                const DELETE: &str = "DELETE FROM outbox WHERE notice_id = $1";
                self.pool.execute(DELETE, &[&notice_id]).await?;
            }
            NoticeEnd::RetryAt(due_at) => {
                const RETRY: &str = "UPDATE outbox SET due_at = $2 WHERE notice_id = $1";
                self.pool.execute(RETRY, &[&notice_id, &due_at]).await?;
            }
            NoticeEnd::Dead(at, why) => {
                const DEAD: &str =
                    "UPDATE outbox SET dead_at = $2, death = $3 WHERE notice_id = $1";
                self.pool.execute(DEAD, &[&notice_id, &at, &why]).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn read_due_alerts(
        &self,
        now: i64,
        at_most: i64,
    ) -> Result<Vec<AlertRow>, Failure> {
        const DUE: &str = "SELECT position, tenant_id, user_id, subject, turn, kind, method_id, method_kind, codes_left, at
            FROM alerts WHERE due_at <= $1 ORDER BY position LIMIT $2";
        let rows = self.pool.read(DUE, &[&now, &at_most]).await?;
        rows::all(&rows, rows::alert)
    }

    pub(super) async fn replace_alert(
        &self,
        subject: &Subject,
        position: i64,
        notices: &[NewNoticeRow],
    ) -> Result<bool, Failure> {
        const REPLACE: &str = include_str!("announce.sql");
        let (tenant, user) = (subject.tenant.as_str(), subject.user.as_str());
        let notices: Vec<&NewNoticeRow> = notices.iter().collect();
        let columns = notice_columns(&notices);
        let mut values = borrowed(&columns);
        values.splice(0..0, [&tenant as _, &user as _, &position as _]);
        let rows = self.pool.rows(REPLACE, &values).await?;
        Ok(number(&rows)? > 0)
    }

    pub(super) async fn read_notices(
        &self,
        only_dead: bool,
        after: i64,
        at_most: i64,
    ) -> Result<Vec<NoticeRow>, Failure> {
        const NOTICES: &str = "SELECT position, notice_id, subject, channel, sealed, attempts, queued_at, dead_at, death
            FROM outbox WHERE position > $1 AND (NOT $2 OR dead_at IS NOT NULL) ORDER BY position LIMIT $3";
        let rows = self
            .scans
            .read(NOTICES, &[&after, &only_dead, &at_most])
            .await?;
        rows::all(&rows, rows::notice)
    }

    pub(super) async fn revive(&self, which: Option<[u8; 16]>, now: i64) -> Result<u64, Failure> {
        const REVIVE: &str = "UPDATE outbox SET dead_at = NULL, death = NULL, attempts = 0, queued_at = $1, due_at = $1
            WHERE dead_at IS NOT NULL AND ($2::bytea IS NULL OR notice_id = $2)";
        let which = which.as_ref().map(<[u8; 16]>::as_slice);
        self.scans.execute(REVIVE, &[&now, &which]).await
    }
}
