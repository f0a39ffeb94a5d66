//! The outbox: notices, and security alerts that wait to become notices.

use super::{
    DispatchedAlert, DurableStore, FinishedNoticeRow, NoticeClaim, NoticeRowEnding, StoreEngine,
    user_id,
};
use crate::{
    ports::{
        AlertNotices, ClaimedNotice, ClaimedNotices, DeadNoticeReason, DeadNoticeSelection,
        FinishedNotice, NoticeFilter, NoticeOutcome, Outbox, StoreResult, WaitingNotice,
    },
    store::record::{
        InvalidRow, notice_row,
        rows::{AlertRow, NoticeRow},
        unavailable,
    },
};
use async_trait::async_trait;
use countersign_domain::{
    method::MethodKind,
    notice::alert::{PendingSecurityAlert, SecurityAlert},
    value::{
        destination::Channel,
        id::{Id, MethodId, Subject, SubjectTag, TenantId},
        secret::SealedBytes,
        time::Timestamp,
    },
};
use std::time::Duration;

/// How many alerts one round takes: few enough for it to end in time even on a slow network.
const ALERTS_AT_ONCE: i64 = 64;

/// When notices that wait for an alert are looked at again. The dispatch of the alert makes them due at once, so that this
/// only bounds the work while many alerts wait.
const HELD_RECHECK_DELAY: Duration = Duration::from_mins(1);

/// How many notices an operator's list reads at a time.
const PAGE_SIZE: i64 = 500;

#[async_trait]
impl<E: StoreEngine> Outbox for DurableStore<E> {
    async fn claim_notices(
        &self,
        channel: Channel,
        now: Timestamp,
        until: Timestamp,
        at_most: usize,
    ) -> StoreResult<ClaimedNotices> {
        let claim = NoticeClaim {
            channel: channel.as_str(),
            now: now.millis(),
            lease_until: until.millis(),
            held_until: now.plus(HELD_RECHECK_DELAY).millis(),
            at_most: i64::try_from(at_most).unwrap_or(i64::MAX),
        };
        let rows = self.engine.claim_notices(claim).await?;
        let has_more = rows.queues >= at_most;
        // A row that can't be read must not hold back the others of its batch.
        let (mut notices, mut unreadable) = (Vec::new(), None);
        for row in rows.notices {
            match claimed(row) {
                Ok(notice) => notices.push(notice),
                Err(bad) => unreadable = Some(bad),
            }
        }
        match unreadable {
            Some(bad) if notices.is_empty() => Err(unavailable(self.engine.name(), bad)),
            _ => Ok(ClaimedNotices { notices, has_more }),
        }
    }

    async fn finish_notices(&self, finished: &[FinishedNotice], now: Timestamp) -> StoreResult<()> {
        let finished = finished.iter().map(|finished| FinishedNoticeRow {
            notice_id: *finished.id.as_bytes(),
            end: end(finished.outcome),
        });
        self.engine.finish_notices(finished.collect(), now).await
    }

    async fn due_alerts(&self, now: Timestamp) -> StoreResult<Vec<PendingSecurityAlert>> {
        let rows = self.engine.due_alerts(now, ALERTS_AT_ONCE).await?;
        let store = self.engine.name();
        rows.into_iter().map(|row| raised(store, &row)).collect()
    }

    async fn dispatch_alert(&self, announcement: &AlertNotices) -> StoreResult<bool> {
        let AlertNotices {
            raised,
            notices,
            now,
        } = announcement;
        let notices = notices.iter();
        let notices = notices.map(|notice| notice_row(notice, raised.turn, *now));
        let alert = DispatchedAlert {
            position: raised.position,
            subject: raised.subject_tag,
            now: now.millis(),
        };
        self.engine
            .dispatch_alert(&raised.subject, alert, notices.collect())
            .await
    }

    async fn postpone_alert(&self, position: i64, until: Timestamp) -> StoreResult<()> {
        self.engine.postpone_alert(position, until).await
    }

    async fn waiting_notices(
        &self,
        which: NoticeFilter,
        after: i64,
    ) -> StoreResult<Vec<WaitingNotice>> {
        let only_dead = which == NoticeFilter::Dead;
        let rows = self.engine.notices(only_dead, after, PAGE_SIZE).await?;
        rows.into_iter()
            .map(|row| self.read(waiting(row)))
            .collect()
    }

    async fn revive_notices(&self, which: DeadNoticeSelection, now: Timestamp) -> StoreResult<u64> {
        let which = match which {
            DeadNoticeSelection::All => None,
            DeadNoticeSelection::One(id) => Some(*id.as_bytes()),
        };
        self.engine.revive_notices(which, now).await
    }
}

#[expect(private_bounds, reason = "the two engines live in this module")]
impl<E: StoreEngine> DurableStore<E> {
    fn read<T>(&self, row: Result<T, InvalidRow>) -> StoreResult<T> {
        row.map_err(|bad| unavailable(self.engine.name(), bad))
    }
}

fn id<Of>(bytes: &[u8]) -> Result<Id<Of>, InvalidRow> {
    let bytes = bytes.try_into();
    bytes
        .map(Id::from_bytes)
        .map_err(|_| InvalidRow::Shape("an id of another length"))
}

fn tag(bytes: &[u8]) -> Result<SubjectTag, InvalidRow> {
    let bytes = bytes.try_into();
    bytes
        .map(SubjectTag)
        .map_err(|_| InvalidRow::Shape("a pseudonym of another length"))
}

fn end(outcome: NoticeOutcome) -> NoticeRowEnding {
    match outcome {
        NoticeOutcome::Delivered => NoticeRowEnding::Delivered,
        NoticeOutcome::RetryAt(due) => NoticeRowEnding::RetryAt(due.millis()),
        NoticeOutcome::Dead(at, why) => NoticeRowEnding::Dead(at.millis(), why.as_str()),
    }
}

fn attempts(row: &NoticeRow) -> u32 {
    u32::try_from(row.attempts).unwrap_or(u32::MAX)
}

fn claimed(row: NoticeRow) -> Result<ClaimedNotice, InvalidRow> {
    Ok(ClaimedNotice {
        id: id(&row.notice_id)?,
        subject: tag(&row.subject)?,
        attempts: attempts(&row),
        sealed: SealedBytes::from_bytes(row.sealed),
        queued_at: Timestamp::from_millis(row.queued_at),
    })
}

fn waiting(row: NoticeRow) -> Result<WaitingNotice, InvalidRow> {
    let death = row.death.as_deref().and_then(DeadNoticeReason::named);
    let dead = match (row.dead_at, death) {
        (None, None) => None,
        (Some(at), Some(why)) => Some((Timestamp::from_millis(at), why)),
        _ => return Err(InvalidRow::Shape("a dead notice without its reason")),
    };
    Ok(WaitingNotice {
        position: row.position,
        id: id(&row.notice_id)?,
        subject: tag(&row.subject)?,
        channel: Channel::named(&row.channel).ok_or(InvalidRow::Shape("an unknown channel"))?,
        attempts: attempts(&row),
        sealed: SealedBytes::from_bytes(row.sealed),
        queued_at: Timestamp::from_millis(row.queued_at),
        dead,
    })
}

fn raised(store: &'static str, row: &AlertRow) -> StoreResult<PendingSecurityAlert> {
    const NOBODY: InvalidRow = InvalidRow::Shape("an id that no tenant has");
    let tenant = TenantId::parse(&row.tenant_id);
    let subject = Subject {
        tenant: tenant.map_err(|_| unavailable(store, NOBODY))?,
        user: user_id(store, &row.user_id)?,
    };
    alert(row, subject).map_err(|bad| unavailable(store, bad))
}

fn alert(row: &AlertRow, subject: Subject) -> Result<PendingSecurityAlert, InvalidRow> {
    let method = row
        .method_id
        .as_deref()
        .map(id::<countersign_domain::value::id::of::MethodMarker>);
    let method: Option<MethodId> = method.transpose()?;
    let kind = row.method_kind.as_deref().and_then(MethodKind::named);
    let left = row.codes_left.and_then(|left| u32::try_from(left).ok());
    let alert = SecurityAlert::from_stored(&row.kind, method.zip(kind), left);
    Ok(PendingSecurityAlert {
        position: row.position,
        turn: row.turn,
        subject,
        subject_tag: tag(&row.subject)?,
        alert: alert.ok_or(InvalidRow::Shape("an unknown alert"))?,
        at: Timestamp::from_millis(row.at),
    })
}
