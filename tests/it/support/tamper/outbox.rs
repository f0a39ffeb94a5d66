//! The outbox of stores with a flaw: it hangs with the rest, or has none.

use super::{HangingAccounts, TamperedAccounts};
use async_trait::async_trait;
use countersign::ports::{
    AlertNotices, ClaimedNotices, DeadNoticeSelection, FinishedNotice, NoticeFilter, Outbox,
    StoreResult, WaitingNotice,
};
use countersign_domain::{
    notice::alert::PendingSecurityAlert,
    value::{destination::Channel, time::Timestamp},
};

#[async_trait]
impl Outbox for HangingAccounts {
    async fn claim_notices(
        &self,
        _: Channel,
        _: Timestamp,
        _: Timestamp,
        _: usize,
    ) -> StoreResult<ClaimedNotices> {
        std::future::pending().await
    }
    async fn finish_notices(&self, _: &[FinishedNotice], _: Timestamp) -> StoreResult<()> {
        std::future::pending().await
    }
    async fn due_alerts(&self, _: Timestamp) -> StoreResult<Vec<PendingSecurityAlert>> {
        std::future::pending().await
    }
    async fn dispatch_alert(&self, _: &AlertNotices) -> StoreResult<bool> {
        std::future::pending().await
    }
    async fn postpone_alert(&self, _: i64, _: Timestamp) -> StoreResult<()> {
        std::future::pending().await
    }
    async fn waiting_notices(&self, _: NoticeFilter, _: i64) -> StoreResult<Vec<WaitingNotice>> {
        std::future::pending().await
    }
    async fn revive_notices(&self, _: DeadNoticeSelection, _: Timestamp) -> StoreResult<u64> {
        std::future::pending().await
    }
}

#[async_trait]
impl Outbox for TamperedAccounts {
    async fn claim_notices(
        &self,
        channel: Channel,
        now: Timestamp,
        until: Timestamp,
        at_most: usize,
    ) -> StoreResult<ClaimedNotices> {
        self.inner.claim_notices(channel, now, until, at_most).await
    }
    async fn finish_notices(&self, finished: &[FinishedNotice], now: Timestamp) -> StoreResult<()> {
        self.inner.finish_notices(finished, now).await
    }
    async fn due_alerts(&self, now: Timestamp) -> StoreResult<Vec<PendingSecurityAlert>> {
        self.inner.due_alerts(now).await
    }
    async fn dispatch_alert(&self, announcement: &AlertNotices) -> StoreResult<bool> {
        self.inner.dispatch_alert(announcement).await
    }
    async fn postpone_alert(&self, position: i64, until: Timestamp) -> StoreResult<()> {
        self.inner.postpone_alert(position, until).await
    }
    async fn waiting_notices(
        &self,
        which: NoticeFilter,
        after: i64,
    ) -> StoreResult<Vec<WaitingNotice>> {
        self.inner.waiting_notices(which, after).await
    }
    async fn revive_notices(&self, which: DeadNoticeSelection, now: Timestamp) -> StoreResult<u64> {
        self.inner.revive_notices(which, now).await
    }
}
