//! The outbox: notices that wait to be delivered, and alerts that wait to become notices.

use crate::ports::StoreResult;
use async_trait::async_trait;
use countersign_domain::{
    account::change::QueuedNotice,
    notice::alert::PendingSecurityAlert,
    value::{
        destination::Channel,
        id::{NoticeId, SubjectTag},
        secret::SealedBytes,
        time::Timestamp,
    },
};

/// The part of durable memory that holds what people are still to be told.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Claims notices that are due on a channel, at most `at_most`, and holds them until `until`. A user has at most one
    /// claimed notice per channel: the oldest one there. A notice that is younger than an alert of its user waits until
    /// the alert is announced. The cost depends on `at_most`, not on how many notices wait.
    async fn claim_notices(
        &self,
        channel: Channel,
        now: Timestamp,
        until: Timestamp,
        at_most: usize,
    ) -> StoreResult<ClaimedNotices>;

    /// Records the outcomes of deliveries. The next notice of a user is due from `now` on.
    async fn finish_notices(&self, finished: &[FinishedNotice], now: Timestamp) -> StoreResult<()>;

    /// Alerts that are due to be announced, oldest first: as many as one round takes.
    async fn due_alerts(&self, now: Timestamp) -> StoreResult<Vec<PendingSecurityAlert>>;

    /// Queues the notices of an alert and takes the alert away: both or neither, and once, whoever else tries. Whether
    /// it was this call that did.
    async fn dispatch_alert(&self, announcement: &AlertNotices) -> StoreResult<bool>;

    /// An alert can't be announced now: try again then.
    async fn postpone_alert(&self, position: i64, until: Timestamp) -> StoreResult<()>;

    /// The notices behind a position, oldest first, all or the dead ones: as many as one page takes.
    async fn waiting_notices(
        &self,
        which: NoticeFilter,
        after: i64,
    ) -> StoreResult<Vec<WaitingNotice>>;

    /// Brings dead notices back to life, as if they had been queued now; how many there were.
    async fn revive_notices(&self, which: DeadNoticeSelection, now: Timestamp) -> StoreResult<u64>;
}

/// The result of one claim.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClaimedNotices {
    /// The notices that this process is to deliver, each of another user.
    pub notices: Vec<ClaimedNotice>,
    /// Whether more notices may be due now.
    pub has_more: bool,
}

/// A notice that this process is to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedNotice {
    /// Its id.
    pub id: NoticeId,
    /// Whose it is.
    pub subject: SubjectTag,
    /// Destination, language and content.
    pub sealed: SealedBytes,
    /// How often it was tried before.
    pub attempts: u32,
    /// When it was queued, or brought back to life.
    pub queued_at: Timestamp,
}

/// A delivery that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FinishedNotice {
    /// The notice.
    pub id: NoticeId,
    /// What became of it.
    pub outcome: NoticeOutcome,
}

/// What became of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeOutcome {
    /// A notifier took it.
    Delivered,
    /// Try again then.
    RetryAt(Timestamp),
    /// It will not be delivered, as was found then. It holds up nothing, and is kept for a while.
    Dead(Timestamp, DeadNoticeReason),
}

/// Why a notice is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadNoticeReason {
    /// Every notifier refused it for good.
    Refused,
    /// No key opens it.
    DoesNotOpen,
    /// It was tried for so long that it holds up others no more.
    TooOld,
}

/// What an alert becomes.
#[derive(Debug)]
pub struct AlertNotices {
    /// The alert.
    pub raised: PendingSecurityAlert,
    /// What each recipient is told; empty if there is nobody to tell.
    pub notices: Vec<QueuedNotice>,
    /// When.
    pub now: Timestamp,
}

/// Which notices an operator asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeFilter {
    /// All.
    All,
    /// The dead ones.
    Dead,
}

/// Which dead notices are brought back to life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadNoticeSelection {
    /// All.
    All,
    /// This one.
    One(NoticeId),
}

/// A notice as it lies in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingNotice {
    /// Its place in the outbox.
    pub position: i64,
    /// Its id.
    pub id: NoticeId,
    /// Whose it is.
    pub subject: SubjectTag,
    /// By which channel.
    pub channel: Channel,
    /// Destination, language and content.
    pub sealed: SealedBytes,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was queued, or brought back to life.
    pub queued_at: Timestamp,
    /// When it was found dead, and why; nothing while it waits.
    pub dead: Option<(Timestamp, DeadNoticeReason)>,
}

impl DeadNoticeReason {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Refused, Self::DoesNotOpen, Self::TooOld];

    /// Its name in stores and lists.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "REFUSED",
            Self::DoesNotOpen => "DOES_NOT_OPEN",
            Self::TooOld => "TOO_OLD",
        }
    }

    /// The one with that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|death| death.as_str() == name)
    }
}
