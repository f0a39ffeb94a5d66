//! Lists of users, and what is recorded of one.

use super::{PostgresEngine, connection::PostgresFailure, rows};
use crate::store::durable::{DirectoryRows, DirectoryRowsQuery, UserRows, UserRowsQuery};
use futures_util::future::try_join3;
use tokio_postgres::Row;

impl PostgresEngine {
    pub(super) async fn read_page(
        &self,
        page: &DirectoryRowsQuery,
    ) -> Result<DirectoryRows, PostgresFailure> {
        match self.page_once(page).await {
            Err(failure) if failure.is_disconnect() => self.page_once(page).await,
            outcome => outcome,
        }
    }

    async fn page_once(&self, page: &DirectoryRowsQuery) -> Result<DirectoryRows, PostgresFailure> {
        const PAGE: &str = include_str!("page.sql");
        const LAYER: &str = "SELECT layer FROM policies WHERE tenant_id = $1";
        let lease = self.scans.lease().await?;
        let work = async {
            let layer = lease.rows(LAYER, &[&page.tenant]).await?;
            let users = lease
                .rows(
                    PAGE,
                    &[
                        &page.tenant,
                        &page.after_user,
                        &page.at_most,
                        &page.failures_since,
                        &page.skeleton_from,
                        &page.skeleton_below,
                        &page.after_skeleton,
                        &page.projections,
                    ],
                )
                .await?;
            Ok(DirectoryRows {
                layer: layer.first().map(|row| row.try_get(0)).transpose()?,
                users: rows::all(&users, user)?,
            })
        };
        let page = lease.within(work).await?;
        lease.release();
        Ok(page)
    }

    pub(super) async fn read_records(
        &self,
        query: &UserRowsQuery,
    ) -> Result<UserRows, PostgresFailure> {
        match self.records_once(query).await {
            Err(failure) if failure.is_disconnect() => self.records_once(query).await,
            outcome => outcome,
        }
    }

    async fn records_once(&self, query: &UserRowsQuery) -> Result<UserRows, PostgresFailure> {
        const ENDINGS: &str = "SELECT challenge_id, ended_at, ending FROM ended_challenges
            WHERE tenant_id = $1 AND user_id = $2 AND challenge_id > $3 ORDER BY challenge_id LIMIT $4";
        const EVENTS: &str = "SELECT position, event_id, tenant_id, subject, kind, caller, at, details, personal FROM events
            WHERE tenant_id = $1 AND subject = $2 AND position > $3 ORDER BY position LIMIT $4";
        const NOTICES: &str = "SELECT position, notice_id, subject, channel, sealed, attempts, queued_at, dead_at, death
            FROM outbox WHERE $2 AND subject = $1 ORDER BY position";
        let (tenant, user) = (query.subject.tenant.as_str(), query.subject.user.as_str());
        let tag = query.tag.0.as_slice();
        let lease = self.scans.lease().await?;
        let work = async {
            let (endings, events, notices) = try_join3(
                lease.rows(
                    ENDINGS,
                    &[&tenant, &user, &query.after_challenge, &query.at_most],
                ),
                lease.rows(EVENTS, &[&tenant, &tag, &query.after_event, &query.at_most]),
                lease.rows(NOTICES, &[&tag, &query.with_notices]),
            )
            .await?;
            let endings: Vec<_> = rows::all(&endings, rows::ending)?;
            Ok(UserRows {
                endings: endings.into_iter().flatten().collect(),
                events: rows::all(&events, rows::event)?,
                notices: rows::all(&notices, rows::notice)?,
            })
        };
        let records = lease.within(work).await?;
        lease.release();
        Ok(records)
    }
}

fn user(
    row: &Row,
) -> Result<(String, Option<crate::store::record::rows::AccountRow>), PostgresFailure> {
    let is_shown: bool = row.try_get("is_shown")?;
    let account = is_shown.then(|| rows::account(row, row.try_get("profile")?));
    Ok((row.try_get("user_id")?, account.transpose()?))
}
