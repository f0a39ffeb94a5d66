//! The outbox of stores with a flaw: it hangs with the rest, or has none.

use super::{HangingAccounts, TamperedAccounts};
use async_trait::async_trait;
use countersign::ports::{
    Announcement, ClaimedNotices, FinishedNotice, Outbox, Revived, Stored, Waiting, WaitingNotice,
};
use countersign_domain::{alarm::Raised, destination::Channel, time::Timestamp};

#[async_trait]
impl Outbox for HangingAccounts {
    async fn claim_notices(
        &self,
        _: Channel,
        _: Timestamp,
        _: Timestamp,
        _: usize,
    ) -> Stored<ClaimedNotices> {
        std::future::pending().await
    }
    async fn finish_notices(&self, _: &[FinishedNotice], _: Timestamp) -> Stored<()> {
        std::future::pending().await
    }
    async fn due_alarms(&self, _: Timestamp) -> Stored<Vec<Raised>> {
        std::future::pending().await
    }
    async fn announce(&self, _: &Announcement) -> Stored<bool> {
        std::future::pending().await
    }
    async fn postpone_alarm(&self, _: i64, _: Timestamp) -> Stored<()> {
        std::future::pending().await
    }
    async fn waiting_notices(&self, _: Waiting, _: i64) -> Stored<Vec<WaitingNotice>> {
        std::future::pending().await
    }
    async fn revive_notices(&self, _: Revived, _: Timestamp) -> Stored<u64> {
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
    ) -> Stored<ClaimedNotices> {
        self.inner.claim_notices(channel, now, until, at_most).await
    }
    async fn finish_notices(&self, finished: &[FinishedNotice], now: Timestamp) -> Stored<()> {
        self.inner.finish_notices(finished, now).await
    }
    async fn due_alarms(&self, now: Timestamp) -> Stored<Vec<Raised>> {
        self.inner.due_alarms(now).await
    }
    async fn announce(&self, announcement: &Announcement) -> Stored<bool> {
        self.inner.announce(announcement).await
    }
    async fn postpone_alarm(&self, position: i64, until: Timestamp) -> Stored<()> {
        self.inner.postpone_alarm(position, until).await
    }
    async fn waiting_notices(&self, which: Waiting, after: i64) -> Stored<Vec<WaitingNotice>> {
        self.inner.waiting_notices(which, after).await
    }
    async fn revive_notices(&self, which: Revived, now: Timestamp) -> Stored<u64> {
        self.inner.revive_notices(which, now).await
    }
}
