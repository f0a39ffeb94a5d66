//! Stores with a flaw: for negative controls, which a harness has to catch, and for faults.

mod directory;
mod outbox;
mod policies;
mod rival;

pub(crate) use rival::Rival;

use async_trait::async_trait;
use countersign::ports::{
    AccountLookup, AccountStore, AuditChain, AuditLag, ChallengeLookup, ChallengeStore,
    ChallengesToEnd, CommitResult, LoadedAccount, MessageRef, StoreResult, StoreUnavailable,
};
use countersign_domain::{
    account::change::AccountChange,
    audit_event::AuditEvent,
    challenge::verdict::{VerdictRequest, VerdictResult},
    limits::user_throttle::{
        AttemptChargeResult, AttemptRequest, ChallengeOpening, ChallengeSnapshot, DestinationTag,
        OpeningResult, ResendRequest, ResendResult, SendCharge, StandaloneAttempt,
        StandaloneChargeResult,
    },
    notice::message::DeliveryStatus,
    recovery::reset::LoginIdentifier,
    value::{
        id::{ApprovalId, AttemptId, ChallengeId, Subject, SubjectTag, TenantId, UserId},
        time::Timestamp,
    },
};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

/// What happens at one call of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It answers that it can't, and does nothing.
    FailsBefore,
    /// It does it, and its answer is lost.
    FailsAfter,
    /// The process panics before it.
    PanicsBefore,
    /// The process panics after it.
    PanicsAfter,
}

/// A durable store that never answers.
pub(crate) struct HangingAccounts;

#[async_trait]
impl AccountStore for HangingAccounts {
    async fn load(&self, _: &Subject, _: AccountLookup) -> StoreResult<LoadedAccount> {
        std::future::pending().await
    }
    async fn commit(&self, _: &AccountChange) -> StoreResult<CommitResult> {
        std::future::pending().await
    }
    async fn record_verdict(&self, _: &VerdictRequest) -> StoreResult<VerdictResult> {
        std::future::pending().await
    }
    async fn end_challenges(&self, _: &ChallengesToEnd) -> StoreResult<()> {
        std::future::pending().await
    }
    async fn record(&self, _: &AuditEvent) -> StoreResult<()> {
        std::future::pending().await
    }
    async fn logins(&self, _: &TenantId, _: &LoginIdentifier) -> StoreResult<Vec<UserId>> {
        std::future::pending().await
    }
    async fn purge(&self, _: Timestamp) -> StoreResult<()> {
        std::future::pending().await
    }
    async fn probe_write(&self, _: Timestamp) -> StoreResult<()> {
        std::future::pending().await
    }
    async fn clock(&self) -> StoreResult<Option<Timestamp>> {
        std::future::pending().await
    }
    async fn may_forget(&self) -> StoreResult<Option<String>> {
        std::future::pending().await
    }
    fn location(&self) -> String {
        "a store that hangs".to_owned()
    }
}

type Rewrite = dyn Fn(VerdictRequest) -> VerdictRequest + Send + Sync;
type Alter = dyn Fn(AccountChange) -> AccountChange + Send + Sync;
type Retag = dyn Fn(SubjectTag, ChallengeId) -> SubjectTag + Send + Sync;

/// A durable store that counts its calls, and may be flawed.
pub(crate) struct TamperedAccounts {
    inner: Arc<dyn AccountStore>,
    rewrite: Option<Box<Rewrite>>,
    alter: Option<Box<Alter>>,
    fault: Mutex<Option<Fault>>,
    fault_of_commit: Mutex<Option<Fault>>,
    fault_of_write: Mutex<Option<(usize, Fault)>>,
    pub(crate) rival: Option<Rival>,
    unreadable: Mutex<Option<Subject>>,
    pub(crate) scans_hang: AtomicBool,
    pub(crate) loads: AtomicUsize,
    pub(crate) recorded_verdicts: AtomicUsize,
    pub(crate) others: AtomicUsize,
    approved: Mutex<Option<ApprovalId>>,
}

impl TamperedAccounts {
    pub(crate) fn new(inner: Arc<dyn AccountStore>) -> Self {
        Self {
            inner,
            rewrite: None,
            alter: None,
            fault: Mutex::new(None),
            fault_of_commit: Mutex::new(None),
            fault_of_write: Mutex::new(None),
            rival: None,
            unreadable: Mutex::new(None),
            scans_hang: AtomicBool::new(false),
            loads: AtomicUsize::new(0),
            recorded_verdicts: AtomicUsize::new(0),
            others: AtomicUsize::new(0),
            approved: Mutex::new(None),
        }
    }

    /// Every settlement is changed on its way.
    pub(crate) fn rewriting_verdicts(
        inner: Arc<dyn AccountStore>,
        rewrite: impl Fn(VerdictRequest) -> VerdictRequest + Send + Sync + 'static,
    ) -> Self {
        Self {
            rewrite: Some(Box::new(rewrite)),
            ..Self::new(inner)
        }
    }

    /// Every change is changed on its way.
    pub(crate) fn altering_changes(
        inner: Arc<dyn AccountStore>,
        alter: impl Fn(AccountChange) -> AccountChange + Send + Sync + 'static,
    ) -> Self {
        Self {
            alter: Some(Box::new(alter)),
            ..Self::new(inner)
        }
    }

    /// Every change meets another one first.
    pub(crate) fn contended(inner: Arc<dyn AccountStore>, rival: Rival) -> Self {
        Self {
            rival: Some(rival),
            ..Self::new(inner)
        }
    }

    /// A write of a call meets a fault: the `nth` from now on, the next one being 0.
    pub(crate) fn break_write(&self, nth: usize, fault: Fault) {
        *self.fault_of_write.lock().unwrap() = Some((nth, fault));
    }

    /// Whether no write was broken yet.
    pub(crate) fn is_write_fault_armed(&self) -> bool {
        self.fault_of_write.lock().unwrap().is_some()
    }

    /// Breaks no write any more. How many more it would have let pass; nothing if it broke one.
    pub(crate) fn break_no_write(&self) -> Option<usize> {
        let armed = self.fault_of_write.lock().unwrap().take();
        armed.map(|(before, _)| before)
    }

    fn next_write_fault(&self) -> Option<Fault> {
        let mut armed = self.fault_of_write.lock().unwrap();
        match armed.as_mut()? {
            (0, _) => armed.take().map(|(_, fault)| fault),
            (before, _) => {
                *before -= 1;
                None
            }
        }
    }

    /// The next settlement meets a fault.
    pub(crate) fn break_next_verdict(&self, fault: Fault) {
        *self.fault.lock().unwrap() = Some(fault);
    }

    /// The next commit meets a fault.
    pub(crate) fn break_next_commit(&self, fault: Fault) {
        *self.fault_of_commit.lock().unwrap() = Some(fault);
    }

    /// The last approval that was given.
    pub(crate) fn approved(&self) -> Option<ApprovalId> {
        *self.approved.lock().unwrap()
    }

    /// From now on nobody can read this user, whose row is damaged.
    pub(crate) fn damage(&self, subject: &Subject) {
        *self.unreadable.lock().unwrap() = Some(subject.clone());
    }

    /// How many calls there were.
    pub(crate) fn calls(&self) -> usize {
        [&self.loads, &self.recorded_verdicts, &self.others]
            .iter()
            .map(|count| count.load(Ordering::SeqCst))
            .sum()
    }

    fn count(&self) {
        self.others.fetch_add(1, Ordering::SeqCst);
    }
}

/// What a call comes to that meets a fault.
async fn broken<T>(
    fault: Option<Fault>,
    call: impl Future<Output = StoreResult<T>>,
) -> StoreResult<T> {
    match fault {
        None => call.await,
        Some(Fault::FailsBefore) => Err(down()),
        Some(Fault::PanicsBefore) => panic!("a test killed the process before a call"),
        Some(Fault::FailsAfter) => call.await.and(Err(down())),
        Some(Fault::PanicsAfter) => {
            let _done = call.await;
            panic!("a test killed the process after a call")
        }
    }
}

/// What a store that is down answers.
pub(crate) fn down() -> StoreUnavailable {
    StoreUnavailable {
        store: "a broken store",
        cause: "a test broke it".into(),
        retry_after: Duration::from_secs(1),
    }
}

#[async_trait]
impl AccountStore for TamperedAccounts {
    async fn load(&self, subject: &Subject, lookup: AccountLookup) -> StoreResult<LoadedAccount> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        if self.unreadable.lock().unwrap().as_ref() == Some(subject) {
            return Err(down());
        }
        self.inner.load(subject, lookup).await
    }
    async fn commit(&self, change: &AccountChange) -> StoreResult<CommitResult> {
        self.count();
        if let Some(rival) = &self.rival {
            rival.save(&*self.inner, change).await;
        }
        let fault = self.fault_of_commit.lock().unwrap().take();
        let fault = fault.or_else(|| self.next_write_fault());
        let altered = self.alter.as_ref().map(|alter| alter(change.clone()));
        let change = altered.as_ref().unwrap_or(change);
        broken(fault, self.inner.commit(change)).await
    }
    async fn record_verdict(&self, verdict_request: &VerdictRequest) -> StoreResult<VerdictResult> {
        self.recorded_verdicts.fetch_add(1, Ordering::SeqCst);
        let fault = self.fault.lock().unwrap().take();
        let fault = fault.or_else(|| self.next_write_fault());
        let verdict_request = verdict_request.clone();
        let verdict_request = match &self.rewrite {
            Some(rewrite) => rewrite(verdict_request),
            None => verdict_request,
        };
        let verdict_result = broken(fault, self.inner.record_verdict(&verdict_request)).await?;
        if let VerdictResult::Approved { approval, .. } = &verdict_result {
            *self.approved.lock().unwrap() = Some(approval.id);
        }
        Ok(verdict_result)
    }
    async fn end_challenges(&self, ends: &ChallengesToEnd) -> StoreResult<()> {
        self.count();
        broken(self.next_write_fault(), self.inner.end_challenges(ends)).await
    }
    async fn record(&self, event: &AuditEvent) -> StoreResult<()> {
        self.count();
        broken(self.next_write_fault(), self.inner.record(event)).await
    }
    async fn logins(&self, tenant: &TenantId, login: &LoginIdentifier) -> StoreResult<Vec<UserId>> {
        self.count();
        self.inner.logins(tenant, login).await
    }
    async fn purge(&self, now: Timestamp) -> StoreResult<()> {
        self.inner.purge(now).await
    }
    async fn probe_write(&self, now: Timestamp) -> StoreResult<()> {
        self.inner.probe_write(now).await
    }
    async fn clock(&self) -> StoreResult<Option<Timestamp>> {
        self.inner.clock().await
    }
    async fn may_forget(&self) -> StoreResult<Option<String>> {
        self.inner.may_forget().await
    }
    fn location(&self) -> String {
        self.inner.location()
    }
}

/// A short-lived store that counts what it lets be judged, and may be flawed.
pub(crate) struct TamperedChallenges {
    inner: Arc<dyn ChallengeStore>,
    retag: Option<Box<Retag>>,
    checks_then_acts: bool,
    skips_standalone_charge: bool,
    fault_of_open: Mutex<Option<Fault>>,
    pub(crate) judged: AtomicUsize,
    pub(crate) opened: Mutex<Vec<ChallengeOpening>>,
}

impl TamperedChallenges {
    pub(crate) fn new(inner: Arc<dyn ChallengeStore>) -> Self {
        Self {
            inner,
            retag: None,
            checks_then_acts: false,
            skips_standalone_charge: false,
            fault_of_open: Mutex::new(None),
            judged: AtomicUsize::new(0),
            opened: Mutex::new(Vec::new()),
        }
    }

    /// Each challenge has counters of its own, so that issuing another one resets them.
    pub(crate) fn counting_by_challenge(inner: Arc<dyn ChallengeStore>) -> Self {
        Self {
            retag: Some(Box::new(|SubjectTag(mut tag), id| {
                tag.iter_mut()
                    .zip(id.as_bytes())
                    .for_each(|(tag, id)| *tag ^= id);
                SubjectTag(tag)
            })),
            ..Self::new(inner)
        }
    }

    /// Looks whether attempts are left, and charges nothing.
    pub(crate) fn checking_then_acting(inner: Arc<dyn ChallengeStore>) -> Self {
        Self {
            checks_then_acts: true,
            ..Self::new(inner)
        }
    }

    /// Lets every guess be judged that answers no challenge.
    pub(crate) fn charging_no_standalone_attempt(inner: Arc<dyn ChallengeStore>) -> Self {
        Self {
            skips_standalone_charge: true,
            ..Self::new(inner)
        }
    }

    /// The next opening meets a fault.
    pub(crate) fn break_next_open(&self, fault: Fault) {
        *self.fault_of_open.lock().unwrap() = Some(fault);
    }

    fn tag(&self, subject_tag: SubjectTag, id: ChallengeId) -> SubjectTag {
        self.retag
            .as_ref()
            .map_or(subject_tag, |retag| retag(subject_tag, id))
    }
}

#[async_trait]
impl ChallengeStore for TamperedChallenges {
    async fn open(
        &self,
        subject_tag: SubjectTag,
        opening: &ChallengeOpening,
    ) -> StoreResult<OpeningResult> {
        self.opened.lock().unwrap().push(opening.clone());
        if self.retag.is_some() {
            let forgetful = ChallengeOpening {
                failures: Vec::new(),
                ..opening.clone()
            };
            return self
                .inner
                .open(self.tag(subject_tag, opening.id), &forgetful)
                .await;
        }
        let fault = self.fault_of_open.lock().unwrap().take();
        broken(
            fault,
            self.inner.open(self.tag(subject_tag, opening.id), opening),
        )
        .await
    }
    async fn charge_attempt(
        &self,
        subject_tag: SubjectTag,
        attempt: &AttemptRequest,
    ) -> StoreResult<AttemptChargeResult> {
        let tag = self.tag(subject_tag, attempt.challenge);
        if self.checks_then_acts {
            let find = ChallengeLookup {
                id: attempt.challenge,
                caller: attempt.caller.clone(),
                now: attempt.now,
            };
            let current = self.inner.find(tag, &find).await?;
            let open = current.filter(|current| current.attempts_left > 0);
            tokio::task::yield_now().await;
            let Some(open) = open else {
                return Ok(AttemptChargeResult::Over);
            };
            self.judged.fetch_add(1, Ordering::SeqCst);
            self.inner.charge_attempt(tag, attempt).await?;
            return Ok(AttemptChargeResult::Charged(
                countersign_domain::limits::user_throttle::AttemptCharge {
                    sealed: open.sealed,
                    class: countersign_domain::limits::budget::AttemptClass::Unknown,
                    at: attempt.now,
                    attempts_left: open.attempts_left,
                    attempts_allowed: 5,
                },
            ));
        }
        let spent = self.inner.charge_attempt(tag, attempt).await?;
        if matches!(spent, AttemptChargeResult::Charged(_)) {
            self.judged.fetch_add(1, Ordering::SeqCst);
        }
        Ok(spent)
    }
    async fn resend(
        &self,
        subject_tag: SubjectTag,
        resend: &ResendRequest,
    ) -> StoreResult<ResendResult> {
        self.inner
            .resend(self.tag(subject_tag, resend.challenge), resend)
            .await
    }
    async fn next_send(
        &self,
        subject_tag: SubjectTag,
        send: &SendCharge,
        now: Timestamp,
    ) -> StoreResult<Option<Timestamp>> {
        self.inner.next_send(subject_tag, send, now).await
    }
    async fn record_delivery(
        &self,
        subject_tag: SubjectTag,
        message: MessageRef,
        delivery: DeliveryStatus,
    ) -> StoreResult<()> {
        self.inner
            .record_delivery(self.tag(subject_tag, message.challenge), message, delivery)
            .await
    }
    async fn find(
        &self,
        subject_tag: SubjectTag,
        find: &ChallengeLookup,
    ) -> StoreResult<Option<ChallengeSnapshot>> {
        self.inner.find(self.tag(subject_tag, find.id), find).await
    }
    async fn pending_enrollment(
        &self,
        subject_tag: SubjectTag,
        now: Timestamp,
    ) -> StoreResult<Option<ChallengeSnapshot>> {
        self.inner.pending_enrollment(subject_tag, now).await
    }
    async fn drop_challenge(&self, subject_tag: SubjectTag, id: ChallengeId) -> StoreResult<()> {
        self.inner
            .drop_challenge(self.tag(subject_tag, id), id)
            .await
    }
    async fn drop_all(&self, subject_tag: SubjectTag) -> StoreResult<()> {
        self.inner.drop_all(subject_tag).await
    }
    async fn conclude(
        &self,
        subject_tag: SubjectTag,
        id: ChallengeId,
        attempt_id: AttemptId,
    ) -> StoreResult<()> {
        self.inner
            .conclude(self.tag(subject_tag, id), id, attempt_id)
            .await
    }
    async fn charge_standalone_attempt(
        &self,
        subject_tag: SubjectTag,
        attempt: &StandaloneAttempt,
    ) -> StoreResult<StandaloneChargeResult> {
        if self.skips_standalone_charge {
            return Ok(StandaloneChargeResult::New);
        }
        self.inner
            .charge_standalone_attempt(subject_tag, attempt)
            .await
    }
    async fn refund_attempt(
        &self,
        subject_tag: SubjectTag,
        id: ChallengeId,
        attempt_id: AttemptId,
    ) -> StoreResult<()> {
        self.inner.refund_attempt(subject_tag, id, attempt_id).await
    }
    async fn lift_windows(
        &self,
        subject_tag: SubjectTag,
        to: &[DestinationTag],
    ) -> StoreResult<()> {
        self.inner.lift_windows(subject_tag, to).await
    }
    async fn probe_write(&self) -> StoreResult<()> {
        self.inner.probe_write().await
    }
    async fn may_forget(&self) -> StoreResult<Option<String>> {
        self.inner.may_forget().await
    }
    fn location(&self) -> String {
        self.inner.location()
    }
    async fn clock(&self) -> StoreResult<Option<Timestamp>> {
        self.inner.clock().await
    }
}

#[async_trait]
impl AuditChain for HangingAccounts {
    async fn seal_events(&self) -> StoreResult<u64> {
        std::future::pending().await
    }
    async fn audit_lag(&self) -> StoreResult<Option<AuditLag>> {
        std::future::pending().await
    }
}

#[async_trait]
impl AuditChain for TamperedAccounts {
    async fn seal_events(&self) -> StoreResult<u64> {
        self.inner.seal_events().await
    }
    async fn audit_lag(&self) -> StoreResult<Option<AuditLag>> {
        self.inner.audit_lag().await
    }
}
