//! The outbox: notices to deliver, and security alerts that become notices.

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

/// The part of the durable store that holds undelivered notices and pending security alerts.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Claims at most `at_most` due notices of a channel until `until`. The cost depends on `at_most`, not on the
    /// number of waiting notices.
    ///
    /// A user has at most one claimed notice for each channel: the oldest. A notice that is younger than a pending
    /// alert of its user waits until the alert is dispatched.
    async fn claim_notices(
        &self,
        channel: Channel,
        now: Timestamp,
        until: Timestamp,
        at_most: usize,
    ) -> StoreResult<ClaimedNotices>;

    /// Records the outcomes of deliveries. The next notice of a user is due from `now` on.
    async fn finish_notices(&self, finished: &[FinishedNotice], now: Timestamp) -> StoreResult<()>;

    /// The due security alerts, oldest first, at most one round of them.
    async fn due_alerts(&self, now: Timestamp) -> StoreResult<Vec<PendingSecurityAlert>>;

    /// Queues the notices of an alert and deletes the alert: both or neither. Concurrent calls do so only once. Returns
    /// whether this call did it.
    async fn dispatch_alert(&self, announcement: &AlertNotices) -> StoreResult<bool>;

    /// Postpones an alert that can't be dispatched now.
    async fn postpone_alert(&self, position: i64, until: Timestamp) -> StoreResult<()>;

    /// Lists one page of notices after a position, oldest first: waiting and dead ones, or only dead ones.
    async fn waiting_notices(
        &self,
        which: NoticeFilter,
        after: i64,
    ) -> StoreResult<Vec<WaitingNotice>>;

    /// Queues dead notices again, as of now. Returns how many there were.
    async fn revive_notices(&self, which: DeadNoticeSelection, now: Timestamp) -> StoreResult<u64>;
}

/// The result of one claim.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClaimedNotices {
    /// The notices that this process delivers, each of another user.
    pub notices: Vec<ClaimedNotice>,
    /// Whether more notices may be due now.
    pub has_more: bool,
}

/// A notice that this process delivers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedNotice {
    /// The notice's id.
    pub id: NoticeId,
    /// The pseudonym of its user.
    pub subject: SubjectTag,
    /// The destination, language and content, sealed.
    pub sealed: SealedBytes,
    /// Earlier delivery attempts.
    pub attempts: u32,
    /// When it was queued, or queued again after it was dead.
    pub queued_at: Timestamp,
}

/// A delivery that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FinishedNotice {
    /// The notice's id.
    pub id: NoticeId,
    /// The outcome of its delivery.
    pub outcome: NoticeOutcome,
}

/// The outcome of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeOutcome {
    /// A notifier accepted it.
    Delivered,
    /// It is due again at this time.
    RetryAt(Timestamp),
    /// It will not be delivered, as determined at this time. It blocks no other notice, and is kept for a limited time.
    Dead(Timestamp, DeadNoticeReason),
}

/// Why a notice is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadNoticeReason {
    /// Every notifier refused it permanently.
    Refused,
    /// No key opens it.
    DoesNotOpen,
    /// It was undeliverable for so long that it no longer blocks other notices.
    TooOld,
}

/// The notices that a security alert becomes.
#[derive(Debug)]
pub struct AlertNotices {
    /// The alert.
    pub raised: PendingSecurityAlert,
    /// One notice for each recipient; empty if the user has no destination.
    pub notices: Vec<QueuedNotice>,
    /// The time of the dispatch.
    pub now: Timestamp,
}

/// The notices that an operator requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeFilter {
    /// Waiting and dead notices.
    All,
    /// Dead notices only.
    Dead,
}

/// The dead notices to queue again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadNoticeSelection {
    /// All dead notices.
    All,
    /// The dead notice with this id.
    One(NoticeId),
}

/// A notice in the outbox, as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingNotice {
    /// Its position in the outbox.
    pub position: i64,
    /// The notice's id.
    pub id: NoticeId,
    /// The pseudonym of its user.
    pub subject: SubjectTag,
    /// The channel of its destination.
    pub channel: Channel,
    /// The destination, language and content, sealed.
    pub sealed: SealedBytes,
    /// Delivery attempts so far.
    pub attempts: u32,
    /// When it was queued, or queued again after it was dead.
    pub queued_at: Timestamp,
    /// When it was found dead, and why; `None` while it waits.
    pub dead: Option<(Timestamp, DeadNoticeReason)>,
}

impl DeadNoticeReason {
    /// All reasons.
    pub const ALL: [Self; 3] = [Self::Refused, Self::DoesNotOpen, Self::TooOld];

    /// The name in stores and lists.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "REFUSED",
            Self::DoesNotOpen => "DOES_NOT_OPEN",
            Self::TooOld => "TOO_OLD",
        }
    }

    /// The reason with this name, if there is one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|death| death.as_str() == name)
    }
}
