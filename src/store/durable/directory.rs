//! The directory: users one after the other, and what is recorded of one.

use super::{DirectoryRowsQuery, DurableStore, StoreEngine, UserRowsQuery, policy_layer, user_id};
use crate::{
    ports::{
        DirectoryScan, EndedChallenge, OutboxNotice, RecordsQuery, ScannedUser, StoreResult,
        UserDirectory, UserRecords,
    },
    store::record::{InvalidRow, rows::NoticeRow, unavailable},
};
use async_trait::async_trait;
use countersign_domain::{
    account::directory::DirectoryProjection,
    value::{
        destination::Channel,
        id::{ChallengeId, Id, Subject, TenantId, UserId},
        secret::SealedBytes,
        time::Timestamp,
    },
};
use std::time::Duration;

/// Above every character that an id may have.
const AFTER_ALL_IDS: &str = "\u{10FFFF}";

/// A wrong attempt that is older fills no window.
const FAILURES_RETENTION: Duration = Duration::from_hours(24);

#[async_trait]
impl<E: StoreEngine> UserDirectory for DurableStore<E> {
    async fn scan(&self, scan: &DirectoryScan) -> StoreResult<Vec<ScannedUser>> {
        let store = self.engine.name();
        let rows = self.engine.page(&page(scan)).await?;
        let layer = policy_layer::layer(store, rows.layer.as_deref())?;
        let users = rows.users.into_iter().map(|(user, row)| {
            let subject = Subject {
                tenant: scan.tenant.clone(),
                user: user_id(store, &user)?,
            };
            let account = row.map(|row| self.sealing.open_account(store, &subject, &row, &layer));
            Ok(ScannedUser {
                account: account.transpose()?,
                user: subject.user,
            })
        });
        users.collect()
    }

    async fn count_users(&self, tenant: &TenantId, at_most: u32) -> StoreResult<Option<u32>> {
        // One above the bound tells that there are more.
        let bound = i64::from(at_most).saturating_add(1);
        let count = self.engine.count_users(tenant.as_str(), bound).await?;
        Ok(u32::try_from(count).ok().filter(|count| *count <= at_most))
    }

    async fn records(&self, ask: &RecordsQuery) -> StoreResult<UserRecords> {
        let is_first = ask.after_event == 0 && ask.after_challenge.is_none();
        let after_challenge = ask.after_challenge.map(|id| id.as_bytes().to_vec());
        let query = UserRowsQuery {
            subject: ask.subject.clone(),
            tag: ask.tag,
            after_event: ask.after_event,
            after_challenge: after_challenge.unwrap_or_default(),
            at_most: ask.at_most.into(),
            with_notices: is_first,
        };
        let rows = self.engine.records(&query).await?;
        let store = self.engine.name();
        let ended = rows.endings.iter().map(|row| {
            let id: ChallengeId = Id::from_bytes(row.challenge_id);
            let ending = self
                .sealing
                .open_ending(store, &ask.subject, id, &row.ending)?;
            let (caller, how) = ending;
            Ok(EndedChallenge {
                id,
                caller,
                at: Timestamp::from_millis(row.at),
                how,
            })
        });
        let notices = rows.notices.into_iter().map(|row| {
            let notice = kept_notice(row);
            notice.map_err(|bad| unavailable(store, bad))
        });
        Ok(UserRecords {
            failures: if is_first {
                self.failures(&ask.subject).await?
            } else {
                Vec::new()
            },
            ended: ended.collect::<StoreResult<_>>()?,
            events: rows.events,
            notices: notices.collect::<StoreResult<_>>()?,
        })
    }
}

#[expect(private_bounds, reason = "the two engines live in this module")]
impl<E: StoreEngine> DurableStore<E> {
    async fn failures(&self, subject: &Subject) -> StoreResult<Vec<(ChallengeId, Timestamp)>> {
        let (account, ..) = self
            .rows(subject, super::AccountRowLookup::default())
            .await?;
        let attempts = account.map(|account| account.wrong_attempts);
        let attempts = attempts.unwrap_or_default().into_iter();
        Ok(attempts
            .map(|attempt| (attempt.challenge, attempt.at))
            .collect())
    }
}

fn page(scan: &DirectoryScan) -> DirectoryRowsQuery {
    let after = scan.after.as_ref();
    let after_skeleton = after.map(UserId::skeleton).unwrap_or_default();
    let prefix = scan.prefix.as_str();
    let projections = scan.projections.iter().map(|projection| bit(*projection));
    DirectoryRowsQuery {
        tenant: scan.tenant.as_str().to_owned(),
        after_user: after.map(UserId::as_str).unwrap_or_default().to_owned(),
        skeleton_from: prefix.max(after_skeleton.as_str()).to_owned(),
        skeleton_below: format!("{prefix}{AFTER_ALL_IDS}"),
        after_skeleton,
        at_most: scan.at_most.into(),
        projections: projections.fold(0, |sum, bit| sum | bit),
        failures_since: scan.now.minus(FAILURES_RETENTION).millis(),
    }
}

const fn bit(projection: DirectoryProjection) -> i32 {
    match projection {
        DirectoryProjection::Anyone => 1,
        DirectoryProjection::WithoutMethod => 2,
        DirectoryProjection::WithoutStrongMethod => 4,
        DirectoryProjection::WithFailure => 8,
        DirectoryProjection::WithMethodOutOfUse => 16,
    }
}

fn kept_notice(row: NoticeRow) -> Result<OutboxNotice, InvalidRow> {
    let id = <[u8; 16]>::try_from(row.notice_id.as_slice());
    Ok(OutboxNotice {
        id: Id::from_bytes(id.map_err(|_| InvalidRow::Shape("the id of a notice"))?),
        channel: Channel::named(&row.channel).ok_or(InvalidRow::Shape("an unknown channel"))?,
        sealed: SealedBytes::from_bytes(row.sealed),
        queued_at: Timestamp::from_millis(row.queued_at),
    })
}
