//! The interfaces that use cases need: stores, notifiers, the password service and the key ring.
//!
//! The store traits have two implementations each, and both pass the same contract tests.

mod audit;
mod directory;
mod keys;
mod notifier;
mod outbox;
mod passwords;
mod policies;
mod reseal;

pub use audit::{AuditChain, AuditLag};
pub use directory::{
    DirectoryScan, EndedChallenge, OutboxNotice, RecordsQuery, ScannedUser, UserDirectory,
    UserRecords,
};
pub use keys::{KeyService, UnsealError};
pub use notifier::{Notifier, ProviderUnavailable};
pub use outbox::{
    AlertNotices, ClaimedNotice, ClaimedNotices, DeadNoticeReason, DeadNoticeSelection,
    FinishedNotice, NoticeFilter, NoticeOutcome, Outbox, WaitingNotice,
};
pub use passwords::{PasswordChecker, PasswordVerdict};
pub use policies::PolicyStore;
pub use reseal::{KeyInUse, ResealResult, ResealStore, RowPlace, SealedRow, SealedTable};

use async_trait::async_trait;
use countersign_domain::{
    account::{
        Account,
        change::{AccountChange, IdempotencyRecord, UnapprovedEnding},
    },
    audit_event::AuditEvent,
    authorization::caller::CallerName,
    challenge::verdict::{ChallengeOutcome, VerdictRequest, VerdictResult},
    limits::{
        budget::{BudgetOwner, BudgetTag, RateLimitWindows},
        user_throttle::{
            AttemptChargeResult, AttemptRequest, ChallengeOpening, ChallengeSnapshot,
            DestinationTag, OpeningResult, ResendRequest, ResendResult, SendCharge,
            StandaloneAttempt, StandaloneChargeResult,
        },
    },
    notice::message::DeliveryStatus,
    policy::PolicyOverride,
    recovery::reset::LoginIdentifier,
    value::{
        id::{AttemptId, ChallengeId, Subject, SubjectTag, TenantId, UserId},
        idempotency_key::IdempotencyKey,
        time::Timestamp,
    },
};
use std::time::Duration;

/// The durable store: users, methods, recovery codes, devices, approvals, ended challenges, wrong attempts and audit
/// events. It includes the [`Outbox`], the [`PolicyStore`], the [`UserDirectory`] and the [`AuditChain`].
#[async_trait]
pub trait AccountStore: Outbox + PolicyStore + UserDirectory + AuditChain {
    /// Loads all durable state of a user, and what the lookup requests, in one statement.
    async fn load(&self, subject: &Subject, lookup: AccountLookup) -> StoreResult<LoadedAccount>;

    /// Commits a change, all of it or nothing.
    async fn commit(&self, change: &AccountChange) -> StoreResult<CommitResult>;

    /// Decides the verdict on a judged attempt and writes its consequences, in one statement.
    async fn record_verdict(&self, verdict_request: &VerdictRequest) -> StoreResult<VerdictResult>;

    /// Ends challenges without an approval. Challenges that have already ended do not change.
    async fn end_challenges(&self, ends: &ChallengesToEnd) -> StoreResult<()>;

    /// Writes an audit event that belongs to no change.
    async fn record(&self, event: &AuditEvent) -> StoreResult<()>;

    /// Finds the users of a tenant that a reset request may mean, a bounded number.
    async fn logins(&self, tenant: &TenantId, login: &LoginIdentifier) -> StoreResult<Vec<UserId>>;

    /// Deletes expired rows in small steps until none is left. Dropping the future stops it after the current step.
    async fn purge(&self, now: Timestamp) -> StoreResult<()>;

    /// The store's own clock; `None` if it uses the clock of this process.
    async fn clock(&self) -> StoreResult<Option<Timestamp>>;

    /// Proves that every table can be written now by the role that serves, and commits one row.
    async fn probe_write(&self, now: Timestamp) -> StoreResult<()>;

    /// Why the store may lose acknowledged writes, with the setting to change; `None` if it keeps them.
    async fn may_forget(&self) -> StoreResult<Option<String>>;

    /// The store and its address, for logs.
    fn location(&self) -> String;
}

/// What [`AccountStore::load`] looks up besides the account.
#[derive(Debug, Clone, Copy, Default)]
pub struct AccountLookup {
    /// The call whose idempotency record to look up.
    pub request: Option<IdempotencyKey>,
    /// The challenge whose ending to look up.
    pub challenge: Option<ChallengeId>,
}

impl AccountLookup {
    /// Looks up the idempotency record of a call.
    #[must_use]
    pub fn of_request(request: Option<IdempotencyKey>) -> Self {
        Self {
            request,
            ..Self::default()
        }
    }

    /// Looks up how a challenge ended.
    #[must_use]
    pub fn of_challenge(challenge: ChallengeId) -> Self {
        Self {
            challenge: Some(challenge),
            ..Self::default()
        }
    }
}

/// The result of [`AccountStore::load`].
#[derive(Debug)]
pub struct LoadedAccount {
    /// The account; `None` if the user was never upserted.
    pub account: Option<Account>,
    /// The policy override of the tenant's administrator. It is loaded even without an account.
    pub tenant_layer: PolicyOverride,
    /// The idempotency record of the requested call, if it ran before.
    pub idempotency_record: Option<IdempotencyRecord>,
    /// How the requested challenge ended, if the store knows.
    pub ending: Option<ChallengeEnding>,
}

/// How a challenge ended, and for which caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChallengeEnding {
    /// The caller that the challenge belongs to.
    pub caller: CallerName,
    /// How it ended.
    pub ended: ChallengeOutcome,
}

impl LoadedAccount {
    /// How the requested challenge ended; `None` if it belongs to another caller.
    #[must_use]
    pub fn ended_for(self, caller: &CallerName) -> Option<ChallengeOutcome> {
        let ending = self.ending.filter(|ending| ending.caller == *caller);
        ending.map(|ending| ending.ended)
    }
}

/// The result of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitResult {
    /// The whole change is written.
    Done,
    /// The account changed since it was loaded.
    ChangedConcurrently,
    /// A proof is already consumed.
    ProofSpent,
    /// Another user's id differs only in case.
    DiffersInCase,
    /// Another user's id looks alike.
    LooksAlike,
    /// A concurrent repeat of this call committed first.
    RanBefore,
}

/// Challenges that end without an approval.
#[derive(Debug)]
pub struct ChallengesToEnd {
    /// The user of the challenges.
    pub subject: Subject,
    /// The challenges, each with the caller it belongs to.
    pub challenges: Vec<(ChallengeId, CallerName)>,
    /// How they end.
    pub how: UnapprovedEnding,
    /// When they end.
    pub at: Timestamp,
    /// The audit event to write, if any.
    pub event: Option<AuditEvent>,
}

/// The store of one user's open challenges, attempts and messages. On Redis, each operation is one script.
#[async_trait]
pub trait ChallengeStore: Send + Sync {
    /// Opens a challenge.
    async fn open(
        &self,
        subject_tag: SubjectTag,
        opening: &ChallengeOpening,
    ) -> StoreResult<OpeningResult>;
    /// Charges an attempt before it is judged.
    async fn charge_attempt(
        &self,
        subject_tag: SubjectTag,
        attempt: &AttemptRequest,
    ) -> StoreResult<AttemptChargeResult>;
    /// Charges another message with the same code.
    async fn resend(
        &self,
        subject_tag: SubjectTag,
        resend: &ResendRequest,
    ) -> StoreResult<ResendResult>;
    /// When a message that starts a challenge may be sent; `None` means now. Charges nothing.
    async fn next_send(
        &self,
        subject_tag: SubjectTag,
        send: &SendCharge,
        now: Timestamp,
    ) -> StoreResult<Option<Timestamp>>;
    /// Records the delivery result of a message.
    async fn record_delivery(
        &self,
        subject_tag: SubjectTag,
        message: MessageRef,
        delivery: DeliveryStatus,
    ) -> StoreResult<()>;
    /// Finds a caller's challenge in its current state.
    async fn find(
        &self,
        subject_tag: SubjectTag,
        find: &ChallengeLookup,
    ) -> StoreResult<Option<ChallengeSnapshot>>;
    /// The enrollment that is waiting for its code.
    async fn pending_enrollment(
        &self,
        subject_tag: SubjectTag,
        now: Timestamp,
    ) -> StoreResult<Option<ChallengeSnapshot>>;
    /// Deletes a challenge; its charges stay.
    async fn drop_challenge(&self, subject_tag: SubjectTag, id: ChallengeId) -> StoreResult<()>;
    /// Deletes all challenges of a user; their charges stay.
    async fn drop_all(&self, subject_tag: SubjectTag) -> StoreResult<()>;
    /// Deletes a passed challenge, and refunds its charges.
    async fn conclude(
        &self,
        subject_tag: SubjectTag,
        id: ChallengeId,
        attempt_id: AttemptId,
    ) -> StoreResult<()>;
    /// Charges an attempt that answers no challenge, before it is judged.
    async fn charge_standalone_attempt(
        &self,
        subject_tag: SubjectTag,
        attempt: &StandaloneAttempt,
    ) -> StoreResult<StandaloneChargeResult>;
    /// Refunds such an attempt: it was correct, or nobody checked it.
    async fn refund_attempt(
        &self,
        subject_tag: SubjectTag,
        id: ChallengeId,
        attempt_id: AttemptId,
    ) -> StoreResult<()>;
    /// Deletes the user's attempts, and the messages to these destinations. Open challenges keep their own count.
    async fn lift_windows(&self, subject_tag: SubjectTag, to: &[DestinationTag])
    -> StoreResult<()>;
    /// Makes a small write that expires by itself, to prove that the store is writable: in a cluster, on every primary.
    async fn probe_write(&self) -> StoreResult<()>;
    /// The store's own clock; `None` if it uses the clock of this process.
    async fn clock(&self) -> StoreResult<Option<Timestamp>>;
    /// Why the store may forget what it acknowledges, with the setting that has to change; nothing while it keeps it.
    async fn may_forget(&self) -> StoreResult<Option<String>>;
    /// The store and its address, for logs.
    fn location(&self) -> String;
}

/// One message of a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageRef {
    /// The challenge that the message belongs to.
    pub challenge: ChallengeId,
    /// The message's number within the challenge; the first is 1.
    pub ordinal: u32,
}

/// The challenge to find.
#[derive(Debug, Clone)]
pub struct ChallengeLookup {
    /// The challenge's id.
    pub id: ChallengeId,
    /// The caller that it must belong to.
    pub caller: CallerName,
    /// The current time, to ignore expired challenges.
    pub now: Timestamp,
}

/// The store of budgets that span users: those of one owner are charged together, those of several concurrently.
#[async_trait]
pub trait BudgetStore: Send + Sync {
    /// Charges all budgets or none. Fails with the first budget that is full.
    ///
    /// Returns the budgets that this call charged, which it may refund. Budgets missing from the result were charged by
    /// the call that this one repeats.
    async fn charge(
        &self,
        buckets: &[BudgetBucket],
        now: Timestamp,
    ) -> StoreResult<Result<Vec<BudgetBucket>, ExhaustedBudget>>;
    /// Refunds charges whose message was not sent.
    async fn refund(&self, buckets: &[BudgetBucket]) -> StoreResult<()>;
    /// Removes charges from their shorter window. They stay in the longer one, and still identify repeats.
    async fn end_wait(&self, buckets: &[BudgetBucket], now: Timestamp) -> StoreResult<()>;
}

/// One budget that spans users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetBucket {
    /// The tenant or destination that the budget belongs to.
    pub owner: BudgetOwner,
    /// Identifies the budget.
    pub of: BudgetTag,
    /// The limits of the budget.
    pub windows: RateLimitWindows,
    /// The id of this charge. A repeat has the same id and is not charged again.
    pub charge: [u8; 16],
}

/// A budget that is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExhaustedBudget {
    /// Identifies the budget.
    pub of: BudgetTag,
    /// When it has room again.
    pub until: Timestamp,
}

/// The result of a store operation.
pub type StoreResult<T> = Result<T, StoreUnavailable>;

/// A store is unavailable. The cause is only logged; callers do not see it.
#[derive(Debug, thiserror::Error)]
#[error("{store} is unavailable: {cause}")]
pub struct StoreUnavailable {
    /// The name of the store.
    pub store: &'static str,
    /// The cause, for the log.
    pub cause: Box<dyn std::error::Error + Send + Sync>,
    /// How long to wait before the next call.
    pub retry_after: Duration,
}
