//! The outbox and security alerts.

use super::{
    PostgresEngine,
    connection::{PipelinedConnection, PostgresFailure},
    rows,
    rows::number,
    sql_params::SqlParam,
    write_pipeline::{borrowed, notice_columns},
};
use crate::store::{
    durable::{
        ClaimedNoticeRows, DispatchedAlert, FinishedNoticeRow, NoticeClaim, NoticeRowEnding,
    },
    record::rows::{AlertRow, NewNoticeRow, NoticeRow},
};
use countersign_domain::value::{id::Subject, time::Timestamp};
use futures_util::future::{join, join4};

impl PostgresEngine {
    /// Claims notices in one transaction of two round trips. The first one locks the queues, so that the second one sees
    /// all that was queued before.
    pub(super) async fn claim(
        &self,
        claim: NoticeClaim,
    ) -> Result<ClaimedNoticeRows, PostgresFailure> {
        let lease = self.pool.lease().await?;
        let claimed = lease.within(claim_on(&lease, claim)).await?;
        lease.release();
        Ok(claimed)
    }

    /// Records outcomes in one transaction of one round trip.
    pub(super) async fn finish(
        &self,
        finished: &[FinishedNoticeRow],
        now: Timestamp,
    ) -> Result<(), PostgresFailure> {
        let lease = self.pool.lease().await?;
        lease
            .within(finish_on(&lease, finished, now.millis()))
            .await?;
        lease.release();
        Ok(())
    }

    pub(super) async fn read_due_alerts(
        &self,
        now: i64,
        at_most: i64,
    ) -> Result<Vec<AlertRow>, PostgresFailure> {
        const DUE: &str = "SELECT position, tenant_id, user_id, subject, turn, kind, method_id, method_kind, codes_left, at
            FROM alerts WHERE due_at <= $1 ORDER BY due_at, position LIMIT $2";
        let rows = self.pool.read(DUE, &[&now, &at_most]).await?;
        rows::all(&rows, rows::alert)
    }

    /// Replaces an alert by notices, in one transaction of one round trip.
    pub(super) async fn replace_alert(
        &self,
        subject: &Subject,
        alert: DispatchedAlert,
        notices: &[NewNoticeRow],
    ) -> Result<bool, PostgresFailure> {
        const RELEASE: &str = include_str!("release_queues.sql");
        const REPLACE: &str = include_str!("announce.sql");
        let (tenant, user) = (subject.tenant.as_str(), subject.user.as_str());
        let tag = alert.subject.0.as_slice();
        let notices: Vec<&NewNoticeRow> = notices.iter().collect();
        let columns = notice_columns(&notices);
        let mut values = borrowed(&columns);
        values.splice(0..0, [&tenant as _, &user as _, &alert.position as _]);
        let lease = self.pool.lease().await?;
        let replacing = async {
            let release = lease.prepared(RELEASE).await?;
            let replace = lease.prepared(REPLACE).await?;
            let (begin_result, released, replaced, committed) = join4(
                lease.simple("BEGIN"),
                lease.query(&release, &[&tag, &alert.now]),
                lease.query(&replace, &values),
                lease.simple("COMMIT"),
            )
            .await;
            begin_result.and(released)?;
            let replaced = replaced?;
            committed?;
            number(&replaced)
        };
        let replaced = lease.within(replacing).await?;
        lease.release();
        Ok(replaced > 0)
    }

    pub(super) async fn read_notices(
        &self,
        only_dead: bool,
        after: i64,
        at_most: i64,
    ) -> Result<Vec<NoticeRow>, PostgresFailure> {
        const NOTICES: &str = "SELECT position, notice_id, subject, channel, sealed, attempts, queued_at, dead_at, death
            FROM outbox WHERE position > $1 AND (NOT $2 OR dead_at IS NOT NULL) ORDER BY position LIMIT $3";
        let rows = self
            .scans
            .read(NOTICES, &[&after, &only_dead, &at_most])
            .await?;
        rows::all(&rows, rows::notice)
    }

    pub(super) async fn revive(
        &self,
        which: Option<[u8; 16]>,
        now: i64,
    ) -> Result<u64, PostgresFailure> {
        const REVIVE: &str = include_str!("revive_notices.sql");
        let which = which.as_ref().map(<[u8; 16]>::as_slice);
        let rows = self.scans.rows(REVIVE, &[&now, &which]).await?;
        Ok(number(&rows)?.unsigned_abs())
    }
}

async fn claim_on(
    connection: &PipelinedConnection,
    claim: NoticeClaim,
) -> Result<ClaimedNoticeRows, PostgresFailure> {
    const LOCK: &str = include_str!("lock_due_queues.sql");
    const CLAIM: &str = include_str!("claim_notices.sql");
    let lock = connection.prepared(LOCK).await?;
    let NoticeClaim {
        channel, at_most, ..
    } = claim;
    let (begin_result, due) = join(
        connection.simple("BEGIN"),
        connection.query(&lock, &[&channel, &claim.now, &at_most]),
    )
    .await;
    begin_result?;
    let subjects: Vec<Vec<u8>> = rows::all(&due?, |row| Ok(row.try_get(0)?))?;
    if subjects.is_empty() {
        connection.simple("COMMIT").await?;
        return Ok(ClaimedNoticeRows::default());
    }
    let take = connection.prepared(CLAIM).await?;
    let values: [&dyn SqlParam; 4] = [&channel, &subjects, &claim.lease_until, &claim.held_until];
    let (claimed, committed) = join(
        connection.query(&take, &values),
        connection.simple("COMMIT"),
    )
    .await;
    let notices = rows::all(&claimed?, rows::notice)?;
    committed?;
    Ok(ClaimedNoticeRows {
        notices,
        queues: subjects.len(),
    })
}

async fn finish_on(
    connection: &PipelinedConnection,
    finished: &[FinishedNoticeRow],
    now: i64,
) -> Result<(), PostgresFailure> {
    const LOCK: &str = include_str!("lock_claimed_queues.sql");
    const FINISH: &str = include_str!("finish_notices.sql");
    let lock = connection.prepared(LOCK).await?;
    let finish = connection.prepared(FINISH).await?;
    let ids = finished.iter().map(|row| row.notice_id.as_slice());
    let ids: Vec<&[u8]> = ids.collect();
    let ends = || finished.iter().map(|row| row.end);
    let retries: Vec<Option<i64>> = ends().map(NoticeRowEnding::retry_at).collect();
    let deaths = ends().map(NoticeRowEnding::death);
    let (dead_at, why): (Vec<Option<i64>>, Vec<Option<&str>>) = deaths.unzip();
    let values: [&dyn SqlParam; 5] = [&ids, &retries, &dead_at, &why, &now];
    let (begin_result, locked, done, committed) = join4(
        connection.simple("BEGIN"),
        connection.query(&lock, &[&ids]),
        connection.query(&finish, &values),
        connection.simple("COMMIT"),
    )
    .await;
    begin_result.and(locked).and(done)?;
    committed
}
