//! Who there is, and what is recorded of them.

use crate::ports::StoreResult;
use async_trait::async_trait;
use countersign_domain::{
    account::{
        Account,
        directory::{DirectoryProjection, UserIdPrefix},
    },
    audit_event::StoredAuditEvent,
    authorization::caller::CallerName,
    challenge::verdict::ChallengeOutcome,
    value::{
        destination::Channel,
        id::{ChallengeId, NoticeId, Subject, SubjectTag, TenantId, UserId},
        secret::SealedBytes,
        time::Timestamp,
    },
};

/// Durable memory of a tenant's users, one after the other: part of [`super::AccountStore`].
#[async_trait]
pub trait UserDirectory: Send + Sync {
    /// The next users of a tenant, by their ids in small letters: one statement, which reads no more users than it is
    /// asked to, whatever the projections rule out. Fewer than `at_most` means the last page.
    async fn scan(&self, scan: &DirectoryScan) -> StoreResult<Vec<ScannedUser>>;

    /// How many users a tenant has; nothing if there are more than `at_most`, which are not counted.
    async fn count_users(&self, tenant: &TenantId, at_most: u32) -> StoreResult<Option<u32>>;

    /// What is recorded of a user beside the account: one statement.
    async fn records(&self, ask: &RecordsQuery) -> StoreResult<UserRecords>;
}

/// Which users to read.
#[derive(Debug, Clone)]
pub struct DirectoryScan {
    /// Of which tenant.
    pub tenant: TenantId,
    /// How their ids begin.
    pub prefix: UserIdPrefix,
    /// Behind which one.
    pub after: Option<UserId>,
    /// What of them has to be seen: one of these.
    pub projections: Vec<DirectoryProjection>,
    /// How many to look at.
    pub at_most: u32,
    /// When.
    pub now: Timestamp,
}

/// A user that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScannedUser {
    /// Who.
    pub user: UserId,
    /// The account, unless a glance ruled it out.
    pub account: Option<Account>,
}

/// Which records to read: of everything that grows with use, no more than a page.
#[derive(Debug, Clone)]
pub struct RecordsQuery {
    /// Of whom.
    pub subject: Subject,
    /// Their pseudonym.
    pub tag: SubjectTag,
    /// Behind which row of events; 0 for the first page.
    pub after_event: i64,
    /// Behind which ended challenge.
    pub after_challenge: Option<ChallengeId>,
    /// How many of each.
    pub at_most: u32,
}

/// What is recorded of a user beside the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRecords {
    /// Guesses that were judged wrong, all that are kept.
    pub failures: Vec<(ChallengeId, Timestamp)>,
    /// Challenges that ended otherwise than by time, in the order of their ids.
    pub ended: Vec<EndedChallenge>,
    /// What happened, in the order in which it was written.
    pub events: Vec<StoredAuditEvent>,
    /// Messages that wait to be delivered, or never will be.
    pub notices: Vec<OutboxNotice>,
}

/// A challenge that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedChallenge {
    /// Its id.
    pub id: ChallengeId,
    /// Whose it was.
    pub caller: CallerName,
    /// When it ended.
    pub at: Timestamp,
    /// How.
    pub how: ChallengeOutcome,
}

/// A message of the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxNotice {
    /// Its id.
    pub id: NoticeId,
    /// By which channel it goes.
    pub channel: Channel,
    /// Destination, language and content.
    pub sealed: SealedBytes,
    /// When it was queued.
    pub queued_at: Timestamp,
}
