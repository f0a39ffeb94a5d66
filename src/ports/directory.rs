//! The port that lists users and exports their records.

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

/// The part of [`super::AccountStore`] that lists a tenant's users and exports records.
#[async_trait]
pub trait UserDirectory: Send + Sync {
    /// Reads the next users of a tenant in the order of their lowercase ids, in one statement. Reads at most `at_most`
    /// users, including those that no projection matches. Fewer users mean the last page.
    async fn scan(&self, scan: &DirectoryScan) -> StoreResult<Vec<ScannedUser>>;

    /// Counts the users of a tenant; `None` if there are more than `at_most`.
    async fn count_users(&self, tenant: &TenantId, at_most: u32) -> StoreResult<Option<u32>>;

    /// Reads the records of a user other than the account, in one statement.
    async fn records(&self, ask: &RecordsQuery) -> StoreResult<UserRecords>;
}

/// The users to read.
#[derive(Debug, Clone)]
pub struct DirectoryScan {
    /// The tenant of the users.
    pub tenant: TenantId,
    /// The prefix of their ids.
    pub prefix: UserIdPrefix,
    /// The user after whom to start; `None` for the first page.
    pub after: Option<UserId>,
    /// The columns to test: the account is loaded if one of these matches.
    pub projections: Vec<DirectoryProjection>,
    /// The maximum number of users to read.
    pub at_most: u32,
    /// The current time, which projections are compared with.
    pub now: Timestamp,
}

/// A user that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScannedUser {
    /// The user's id.
    pub user: UserId,
    /// The account; `None` if no projection matched.
    pub account: Option<Account>,
}

/// The records to read. Of each kind that grows with use, at most one page.
#[derive(Debug, Clone)]
pub struct RecordsQuery {
    /// The user.
    pub subject: Subject,
    /// The user's pseudonym.
    pub tag: SubjectTag,
    /// The row of events after which to start; 0 for the first page.
    pub after_event: i64,
    /// The ended challenge after which to start; `None` for the first page.
    pub after_challenge: Option<ChallengeId>,
    /// The maximum number of rows of each kind.
    pub at_most: u32,
}

/// The records of a user other than the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRecords {
    /// All stored wrong attempts, with their challenge and time.
    pub failures: Vec<(ChallengeId, Timestamp)>,
    /// Challenges that ended by an answer or a call rather than by expiry, in the order of their ids.
    pub ended: Vec<EndedChallenge>,
    /// Audit events, in the order in which they were written.
    pub events: Vec<StoredAuditEvent>,
    /// Notices in the outbox: waiting or dead.
    pub notices: Vec<OutboxNotice>,
}

/// A challenge that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedChallenge {
    /// The challenge's id.
    pub id: ChallengeId,
    /// The caller that it belonged to.
    pub caller: CallerName,
    /// When it ended.
    pub at: Timestamp,
    /// How it ended.
    pub how: ChallengeOutcome,
}

/// A notice in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxNotice {
    /// The notice's id.
    pub id: NoticeId,
    /// The channel of its destination.
    pub channel: Channel,
    /// The destination, language and content, sealed.
    pub sealed: SealedBytes,
    /// When it was queued.
    pub queued_at: Timestamp,
}
