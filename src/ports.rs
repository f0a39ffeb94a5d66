//! What the use cases need of the world. Each trait has two real implementations, and one contract suite that both pass.

mod audit;
mod directory;
mod keys;
mod outbox;
mod policies;
mod reseal;

pub use audit::{AuditChain, AuditLag};
pub use directory::{
    DirectoryScan, EndedChallenge, OutboxNotice, RecordsQuery, ScannedUser, UserDirectory,
    UserRecords,
};
pub use keys::{KeyService, UnsealError};
pub use outbox::{
    AlertNotices, ClaimedNotice, ClaimedNotices, DeadNoticeReason, DeadNoticeSelection,
    FinishedNotice, NoticeFilter, NoticeOutcome, Outbox, WaitingNotice,
};
pub use policies::PolicyStore;
pub use reseal::{KeyInUse, ResealResult, ResealStore, RowPlace, SealedRow, SealedTable};

use async_trait::async_trait;
use countersign_domain::{
    account::{
        Account, AvailableChannels,
        change::{AccountChange, IdempotencyRecord, UnapprovedEnding},
    },
    audit_event::AuditEvent,
    authorization::{caller::CallerName, password::Password},
    challenge::{
        provider_code::{
            ProviderCodeCheck, ProviderCodeRequest, ProviderCodeVerdict, ProviderName,
        },
        verdict::{ChallengeOutcome, VerdictRequest, VerdictResult},
    },
    limits::{
        budget::{BudgetOwner, BudgetTag, RateLimitWindows},
        user_throttle::{
            AttemptChargeResult, AttemptRequest, ChallengeOpening, ChallengeSnapshot,
            OpeningResult, ResendRequest, ResendResult, SendCharge, StandaloneAttempt,
            StandaloneChargeResult,
        },
    },
    notice::message::{DeliveryResult, DeliveryStatus, OutboundMessage},
    policy::PolicyOverride,
    recovery::reset::LoginIdentifier,
    value::{
        destination::Destination,
        id::{AttemptId, ChallengeId, Subject, SubjectTag, TenantId, UserId},
        idempotency_key::IdempotencyKey,
        time::Timestamp,
    },
};
use std::time::Duration;

/// Durable memory: users, methods, recovery codes, devices, approvals, ended challenges, failures, events; the
/// [`Outbox`], the [`PolicyStore`], the [`UserDirectory`], and the [`AuditChain`].
#[async_trait]
pub trait AccountStore: Outbox + PolicyStore + UserDirectory + AuditChain {
    /// All that is durable about a user, and what the lookup asks for: one statement.
    async fn load(&self, subject: &Subject, lookup: AccountLookup) -> StoreResult<LoadedAccount>;

    /// Carries out a change, all of it or nothing.
    async fn commit(&self, change: &AccountChange) -> StoreResult<CommitResult>;

    /// Rules on a judgment and writes what follows: one statement, whatever it comes to.
    async fn record_verdict(&self, verdict_request: &VerdictRequest) -> StoreResult<VerdictResult>;

    /// Ends challenges without an approval. Those that ended already stay as they ended.
    async fn end_challenges(&self, ends: &ChallengesToEnd) -> StoreResult<()>;

    /// Writes an event that no change carries.
    async fn record(&self, event: &AuditEvent) -> StoreResult<()>;

    /// The users of a tenant whose reset somebody asks for, a bounded count.
    async fn logins(&self, tenant: &TenantId, login: &LoginIdentifier) -> StoreResult<Vec<UserId>>;

    /// Deletes what no rule asks for any more, in small steps, until nothing is left. Dropped, it ends after a step.
    async fn purge(&self, now: Timestamp) -> StoreResult<()>;

    /// The store's own clock; nothing if it has none but ours.
    async fn clock(&self) -> StoreResult<Option<Timestamp>>;

    /// Proves that every table can be written now by the role that serves, and commits one row.
    async fn probe_write(&self, now: Timestamp) -> StoreResult<()>;

    /// Why the store may forget what it acknowledges, with the setting that has to change; nothing while it keeps it.
    async fn may_forget(&self) -> StoreResult<Option<String>>;

    /// The store and its address, for logs.
    fn location(&self) -> String;
}

/// What a load looks up beside the account.
#[derive(Debug, Clone, Copy, Default)]
pub struct AccountLookup {
    /// The call whose receipt to look up.
    pub request: Option<IdempotencyKey>,
    /// The challenge whose ending to look up.
    pub challenge: Option<ChallengeId>,
}

impl AccountLookup {
    /// Looks up the receipt of a call.
    #[must_use]
    pub fn of_request(request: Option<IdempotencyKey>) -> Self {
        Self {
            request,
            ..Self::default()
        }
    }

    /// Looks up the ending of a challenge.
    #[must_use]
    pub fn of_challenge(challenge: ChallengeId) -> Self {
        Self {
            challenge: Some(challenge),
            ..Self::default()
        }
    }
}

/// What a load brings.
#[derive(Debug)]
pub struct LoadedAccount {
    /// The account; nothing if the user was never upserted.
    pub account: Option<Account>,
    /// What the administrator of the tenant decided, whether there is an account or not.
    pub tenant_layer: PolicyOverride,
    /// What this very call made before.
    pub idempotency_record: Option<IdempotencyRecord>,
    /// How the challenge ended that was looked up, if the record knows.
    pub ending: Option<ChallengeEnding>,
}

/// How a challenge ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChallengeEnding {
    /// The caller that the challenge belongs to.
    pub caller: CallerName,
    /// How it ended.
    pub ended: ChallengeOutcome,
}

impl LoadedAccount {
    /// How the challenge ended that was looked up, if it belongs to this caller.
    #[must_use]
    pub fn ended_for(self, caller: &CallerName) -> Option<ChallengeOutcome> {
        let ending = self.ending.filter(|ending| ending.caller == *caller);
        ending.map(|ending| ending.ended)
    }
}

/// What a commit came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitResult {
    /// All of it is written.
    Done,
    /// The account moved since it was loaded.
    ChangedConcurrently,
    /// A proof is used up already.
    ProofSpent,
    /// Another user's id differs only in case.
    DiffersInCase,
    /// The same call ran beside this one, and was first.
    RanBefore,
}

/// Challenges that end without an approval.
#[derive(Debug)]
pub struct ChallengesToEnd {
    /// Whose.
    pub subject: Subject,
    /// The challenges, each with the caller it belongs to.
    pub challenges: Vec<(ChallengeId, CallerName)>,
    /// How they end.
    pub how: UnapprovedEnding,
    /// When.
    pub at: Timestamp,
    /// What the audit record says of it, if anything.
    pub event: Option<AuditEvent>,
}

/// Short-lived memory of one user: open challenges, guesses, messages. One script each.
#[async_trait]
pub trait ChallengeStore: Send + Sync {
    /// Opens a challenge.
    async fn open(&self, subject_tag: SubjectTag, opening: &ChallengeOpening)
    -> StoreResult<OpeningResult>;
    /// Charges a guess before it is judged.
    async fn charge_attempt(
        &self,
        subject_tag: SubjectTag,
        attempt: &AttemptRequest,
    ) -> StoreResult<AttemptChargeResult>;
    /// Charges another message with the same code.
    async fn resend(&self, subject_tag: SubjectTag, resend: &ResendRequest) -> StoreResult<ResendResult>;
    /// When a message fits that begins a challenge; nothing means now. Charges nothing.
    async fn next_send(
        &self,
        subject_tag: SubjectTag,
        send: &SendCharge,
        now: Timestamp,
    ) -> StoreResult<Option<Timestamp>>;
    /// Notes what became of a message.
    async fn record_delivery(
        &self,
        subject_tag: SubjectTag,
        message: MessageRef,
        delivery: DeliveryStatus,
    ) -> StoreResult<()>;
    /// A caller's challenge as it stands.
    async fn find(
        &self,
        subject_tag: SubjectTag,
        find: &ChallengeLookup,
    ) -> StoreResult<Option<ChallengeSnapshot>>;
    /// The enrollment that waits for its code.
    async fn pending_enrollment(
        &self,
        subject_tag: SubjectTag,
        now: Timestamp,
    ) -> StoreResult<Option<ChallengeSnapshot>>;
    /// Drops a challenge; its charges stay.
    async fn drop_challenge(&self, subject_tag: SubjectTag, id: ChallengeId) -> StoreResult<()>;
    /// Drops all of a user's challenges; their charges stay.
    async fn drop_all(&self, subject_tag: SubjectTag) -> StoreResult<()>;
    /// Drops a challenge that was passed, and gives back what passing it cost.
    async fn conclude(&self, subject_tag: SubjectTag, id: ChallengeId, attempt_id: AttemptId)
    -> StoreResult<()>;
    /// Charges a guess that answers no challenge, before it is judged.
    async fn charge_standalone_attempt(
        &self,
        subject_tag: SubjectTag,
        attempt: &StandaloneAttempt,
    ) -> StoreResult<StandaloneChargeResult>;
    /// Gives such a guess back: it was right, or nobody looked at it.
    async fn refund_attempt(
        &self,
        subject_tag: SubjectTag,
        id: ChallengeId,
        attempt_id: AttemptId,
    ) -> StoreResult<()>;
    /// Forgets the guesses that were charged to the user; open challenges keep count of theirs.
    async fn lift_windows(&self, subject_tag: SubjectTag) -> StoreResult<()>;
    /// Makes a small write that expires by itself: proof that the store can be written now, in a cluster every primary.
    async fn probe_write(&self) -> StoreResult<()>;
    /// The store's own clock; nothing if it has none but ours.
    async fn clock(&self) -> StoreResult<Option<Timestamp>>;
    /// Why the store may forget what it acknowledges, with the setting that has to change; nothing while it keeps it.
    async fn may_forget(&self) -> StoreResult<Option<String>>;
    /// The store and its address, for logs.
    fn location(&self) -> String;
}

/// Which message of a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageRef {
    /// Of which challenge.
    pub challenge: ChallengeId,
    /// Its number; the first is 1.
    pub ordinal: u32,
}

/// Which challenge to find.
#[derive(Debug, Clone)]
pub struct ChallengeLookup {
    /// Its id.
    pub id: ChallengeId,
    /// Whose it is.
    pub caller: CallerName,
    /// When.
    pub now: Timestamp,
}

/// Budgets that span users. Those of one owner are asked for together, several owners at the same time.
#[async_trait]
pub trait BudgetStore: Send + Sync {
    /// Charges all of them, or none and says which is the first full one. Answers with those that
    /// this call charged: the others were charged by the call that it repeats, and are not its own to give back.
    async fn charge(
        &self,
        buckets: &[BudgetBucket],
        now: Timestamp,
    ) -> StoreResult<Result<Vec<BudgetBucket>, ExhaustedBudget>>;
    /// Gives charges back, because what they were for did not happen.
    async fn refund(&self, buckets: &[BudgetBucket]) -> StoreResult<()>;
    /// Takes charges out of their shorter window. They stay in the longer one, and are known to a repeat.
    async fn end_wait(&self, buckets: &[BudgetBucket], now: Timestamp) -> StoreResult<()>;
}

/// One budget that spans users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetBucket {
    /// What it belongs to.
    pub owner: BudgetOwner,
    /// Of what.
    pub of: BudgetTag,
    /// Its bounds.
    pub windows: RateLimitWindows,
    /// This charge; the same for a repeat, which is not charged again.
    pub charge: [u8; 16],
}

/// A budget that has no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExhaustedBudget {
    /// Of what.
    pub of: BudgetTag,
    /// When it has room again.
    pub until: Timestamp,
}

/// Hands messages over.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Which channels it serves.
    fn served(&self) -> AvailableChannels;
    /// Whether messages get to a destination.
    fn reaches(&self, destination: &Destination) -> bool {
        self.served().goes_by(destination.channel())
    }
    /// Hands one message over. Returns within its deadline, whatever happens.
    async fn deliver(&self, message: &OutboundMessage) -> DeliveryResult;
    /// Who is to make, send and check the next code to a destination; nobody where the code is ours.
    fn code_owner(&self, _: &Destination) -> Option<ProviderName> {
        None
    }
    /// Has the owner of a code send it. Returns within its deadline, whatever happens.
    async fn start(&self, _: &ProviderCodeRequest) -> DeliveryResult {
        DeliveryResult::NotTaken
    }
    /// Asks the owner of a code whether it was typed. Returns within its deadline, whatever happens.
    async fn check(
        &self,
        _: &ProviderCodeCheck<'_>,
    ) -> Result<ProviderCodeVerdict, ProviderUnavailable> {
        Err(ProviderUnavailable)
    }
}

/// Asks whoever keeps the passwords of accounts.
#[async_trait]
pub trait PasswordChecker: Send + Sync {
    /// Whether a password is the account's. The key is the same for a repeat. Returns within its deadline, whatever happens.
    async fn verify(&self, subject: &Subject, password: &Password, key: &str) -> PasswordVerdict;
}

/// What whoever keeps a password says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordVerdict {
    /// It is the account's.
    Matches,
    /// It is not, or there is no such account.
    DoesNotMatch,
    /// Nobody looked at it.
    NotLookedAt,
    /// Nobody said anything; somebody may have looked at it.
    Unanswered,
}

/// The owner of a code did not say whether it was typed. Why is in the log, where its name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the provider that checks this code does not answer: repeat the call with its request_id")]
pub struct ProviderUnavailable;

/// What a store answers, if it can.
pub type StoreResult<T> = Result<T, StoreUnavailable>;

/// A store can't prove what is needed. The cause is for the log; nobody else sees it.
#[derive(Debug, thiserror::Error)]
#[error("{store} is unavailable: {cause}")]
pub struct StoreUnavailable {
    /// Which store.
    pub store: &'static str,
    /// Why.
    pub cause: Box<dyn std::error::Error + Send + Sync>,
    /// When to try again.
    pub retry_after: Duration,
}
