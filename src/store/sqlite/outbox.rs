//! The outbox.

use crate::{
    ports::{
        Announcement, ClaimedNotice, Committed, NoticeOutcome, Outbox, Revived, Stored, Waiting,
        WaitingNotice,
    },
    store::{
        sql::{outbox, queries, rows},
        sqlite::{NAME, SqliteAccounts, texts},
    },
};
use async_trait::async_trait;
use countersign_domain::{alarm::Raised, destination::Channel, id::NoticeId, time::Timestamp};

#[async_trait]
impl Outbox for SqliteAccounts {
    async fn claim_notice(
        &self,
        channel: Channel,
        now: Timestamp,
        until: Timestamp,
    ) -> Stored<Option<ClaimedNotice>> {
        let values = queries::claim_notice(channel, now, until);
        let mut writer = self.writer.lease().await?;
        let texts = texts(&mut *writer, include_str!("claim_notice.sql"), &values).await?;
        writer.release();
        rows::claimed(NAME, &texts)
    }

    async fn finish_notice(&self, id: NoticeId, outcome: NoticeOutcome) -> Stored<()> {
        let finish = outbox::finish_notice(id, outcome);
        self.run(&[finish]).await.map(drop)
    }

    async fn due_alarms(&self, now: Timestamp) -> Stored<Vec<Raised>> {
        let values = queries::due_alarms(now);
        let texts = texts(&self.readers, include_str!("due_alarms.sql"), &values).await?;
        rows::alarms(NAME, &texts)
    }

    async fn announce(&self, announcement: &Announcement) -> Stored<bool> {
        let statements = outbox::of_announcement(announcement);
        Ok(self.run(&statements).await? == Committed::Done)
    }

    async fn postpone_alarm(&self, position: i64, until: Timestamp) -> Stored<()> {
        let postpone = outbox::postpone_alarm(position, until);
        self.run(&[postpone]).await.map(drop)
    }

    async fn waiting_notices(&self, which: Waiting, after: i64) -> Stored<Vec<WaitingNotice>> {
        let values = queries::waiting_notices(which, after);
        let texts = texts(&self.readers, include_str!("waiting_notices.sql"), &values).await?;
        rows::waiting(NAME, &texts)
    }

    async fn revive_notices(&self, which: Revived, now: Timestamp) -> Stored<u64> {
        let revive = outbox::revive_notices(which, now);
        self.write(&revive).await
    }
}
