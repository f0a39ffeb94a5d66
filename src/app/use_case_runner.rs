//! Turns a call into the context of its use case: readiness, permit, digests, load, replay, and retries after a
//! conflict. No other module does these steps.

use crate::{
    app::{
        CallerRequest, Error, RequestIdentity,
        context::{CallContext, OpenedAccount, ReplayedCall, RequestContext, RetainedResults},
        detached::DetachedTasks,
        idempotency::{IdempotencyRecorder, record_of_repeat},
        policy::policy_resolver::PolicyResolver,
        sealing::ValueSealing,
        workers::readiness::Readiness,
    },
    ports::{AccountLookup, AccountStore, KeyService},
};
use countersign_domain::{
    account::{Account, change::IdempotencyRecord},
    authorization::caller::Caller,
    challenge::verdict::ChallengeOutcome,
    policy::PolicyOverride,
    value::{
        id::{ChallengeId, Subject, SubjectTag},
        idempotency_key::IdempotencyKey,
        time::Timestamp,
    },
};
use countersign_transport::system::Clock;
use std::{future::Future, sync::Arc};

/// How often a use case is decided if its write conflicts with other changes.
const MAX_DECISIONS: usize = 3;

/// Runs use cases: readiness, permit, load, replay, retry after a conflict.
pub(super) struct UseCaseRunner {
    pub(super) accounts: Arc<dyn AccountStore>,
    pub(super) keys: Arc<dyn KeyService>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) sealing: ValueSealing,
    pub(super) idempotency: IdempotencyRecorder,
    pub(super) policies: Arc<PolicyResolver>,
    pub(super) tasks: Arc<DetachedTasks>,
    pub(super) readiness: Arc<Readiness>,
}

/// The result of a load. The user may not exist.
pub(super) struct LoadedUser {
    pub(super) user: Option<OpenedAccount>,
    /// The policy override of the tenant's administrator.
    pub(super) tenant_layer: PolicyOverride,
    /// The idempotency record of the first call, if this call is a repeat.
    pub(super) record: Option<IdempotencyRecord>,
    pub(super) now: Timestamp,
}

pub(super) enum LoadedCall {
    First(RequestContext),
    Repeat(ReplayedCall),
}

impl LoadedUser {
    /// Builds the context of a use case that requires its user.
    ///
    /// # Errors
    /// [`Error::UserNotFound`] if the user does not exist.
    pub(super) fn context(self, call: &Arc<CallContext>) -> Result<RequestContext, Error> {
        Ok(RequestContext {
            call: Arc::clone(call),
            user: self.user.ok_or(Error::UserNotFound)?,
            now: self.now,
        })
    }
}

impl UseCaseRunner {
    /// Runs a use case as a detached task. The use case loads its user itself, if at all.
    pub(super) async fn run<Deps, T, Work>(
        &self,
        deps: &Arc<Deps>,
        call: CallerRequest,
        use_case: impl FnOnce(Arc<Deps>, Arc<CallContext>) -> Work,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        Work: Future<Output = Result<T, Error>> + Send + 'static,
    {
        self.readiness.pass()?;
        let call = self.call_context(call);
        let (caller, permit) = (Arc::clone(&call.caller), Arc::clone(&call.permit));
        // Boxed at once: otherwise a future of some kilobytes is copied at each step into the task.
        let work = Box::pin(use_case(Arc::clone(deps), call));
        self.tasks.run(&caller.name, permit, work).await
    }

    /// Loads the call's user, and runs the use case as a detached task. Does not look for an idempotency record: the
    /// challenge store recognizes repeats of such calls.
    pub(super) async fn run_loaded<Deps, T, Work>(
        self: &Arc<Self>,
        deps: &Arc<Deps>,
        call: CallerRequest,
        use_case: impl FnOnce(Arc<Deps>, RequestContext) -> Work + Send + 'static,
    ) -> Result<T, Error>
    where
        Deps: Send + Sync + 'static,
        T: Send + 'static,
        Work: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let requests = Arc::clone(self);
        self.run(deps, call, |deps, call| async move {
            let context = requests.load(&call).await?;
            use_case(deps, context).await
        })
        .await
    }

    /// Answers a repeat of the call, or decides it, as a detached task: see [`Self::once`].
    pub(super) async fn run_once<Deps, T, ReplayWork, Work>(
        self: &Arc<Self>,
        deps: &Arc<Deps>,
        call: CallerRequest,
        replay: impl Fn(Arc<Deps>, ReplayedCall) -> ReplayWork + Send + Sync + 'static,
        decide: impl Fn(Arc<Deps>, RequestContext) -> Work + Send + Sync + 'static,
    ) -> Result<T, Error>
    where
        Deps: Send + Sync + 'static,
        T: Send + 'static,
        ReplayWork: Future<Output = Result<T, Error>> + Send + 'static,
        Work: Future<Output = Result<Option<T>, Error>> + Send + 'static,
    {
        let requests = Arc::clone(self);
        self.run(deps, call, |deps, call| async move {
            requests
                .once(
                    &call,
                    |repeat| replay(Arc::clone(&deps), repeat),
                    |context| decide(Arc::clone(&deps), context),
                )
                .await
        })
        .await
    }

    /// Starts a call that only reads. It writes nothing, so it does not run as a detached task.
    pub(super) fn begin_read(&self, call: CallerRequest) -> Result<Arc<CallContext>, Error> {
        self.readiness.pass()?;
        Ok(self.call_context(call))
    }

    /// Loads the context of a call that only reads.
    pub(super) async fn read(&self, call: CallerRequest) -> Result<RequestContext, Error> {
        let call = self.begin_read(call)?;
        self.load(&call).await
    }

    /// Loads a call's user. Does not look for an idempotency record: the challenge store recognizes repeats of such
    /// calls.
    pub(super) async fn load(&self, call: &Arc<CallContext>) -> Result<RequestContext, Error> {
        self.load_user(call, None).await?.context(call)
    }

    /// Loads a call's user, and the call's idempotency record if it ran before.
    pub(super) async fn load_or_replay(
        &self,
        call: &Arc<CallContext>,
    ) -> Result<LoadedCall, Error> {
        let mut loaded = self.load_user(call, call.idempotency).await?;
        let record = loaded.record.take();
        let context = loaded.context(call)?;
        Ok(match record {
            None => LoadedCall::First(context),
            Some(record) => LoadedCall::Repeat(ReplayedCall {
                response: self.idempotency.open_answer(call, &record)?,
                context,
                record,
            }),
        })
    }

    /// Answers a repeat, or loads and decides. `decide` returns `None` on a write conflict, and is then called again
    /// with a reloaded context.
    pub(super) async fn once<T, ReplayWork, Work>(
        &self,
        call: &Arc<CallContext>,
        replay: impl Fn(ReplayedCall) -> ReplayWork,
        decide: impl Fn(RequestContext) -> Work,
    ) -> Result<T, Error>
    where
        ReplayWork: Future<Output = Result<T, Error>>,
        Work: Future<Output = Result<Option<T>, Error>>,
    {
        let (replay, decide) = (&replay, &decide);
        retry_conflicts(|| async move {
            match self.load_or_replay(call).await? {
                LoadedCall::Repeat(repeat) => replay(repeat).await.map(Some),
                LoadedCall::First(context) => decide(context).await,
            }
        })
        .await
    }

    /// Loads a call's user, who may not exist.
    pub(super) async fn load_user(
        &self,
        call: &CallContext,
        idempotency_key: Option<IdempotencyKey>,
    ) -> Result<LoadedUser, Error> {
        let now = self.clock.now();
        let lookup = AccountLookup::of_request(idempotency_key);
        let loaded = self.accounts.load(&call.subject, lookup).await?;
        let record = record_of_repeat(loaded.idempotency_record, idempotency_key)?;
        let user = loaded.account;
        let user = user.map(|account| self.open(account, call.subject_tag));
        Ok(LoadedUser {
            user: user.transpose()?,
            tenant_layer: loaded.tenant_layer,
            record,
            now,
        })
    }

    /// How a challenge of this caller ended, if the durable store knows.
    pub(super) async fn ended(
        &self,
        call: &CallContext,
        challenge: ChallengeId,
    ) -> Result<Option<ChallengeOutcome>, Error> {
        let lookup = AccountLookup::of_challenge(challenge);
        let loaded = self.accounts.load(&call.subject, lookup).await?;
        Ok(loaded.ended_for(&call.caller.name))
    }

    fn open(&self, account: Account, subject_tag: SubjectTag) -> Result<OpenedAccount, Error> {
        Ok(OpenedAccount {
            subject_tag,
            profile_record: self.sealing.profile_record(&account)?,
            user_key: self.sealing.user_key(&account)?,
            policy: self
                .policies
                .policy(&account.subject.tenant, &account.tenant_layer),
            account,
        })
    }

    /// Opens an account that a scan or a worker loaded.
    pub(super) fn open_scanned(&self, account: Account) -> Result<OpenedAccount, Error> {
        let tag = self.keys.subject_tag(&account.subject);
        self.open(account, tag)
    }

    /// Adds the digests to a call.
    pub(super) fn call_context(&self, call: CallerRequest) -> Arc<CallContext> {
        let CallerRequest {
            caller,
            subject,
            request_identity,
            context: client,
            actor,
        } = call;
        let idempotency = request_identity
            .map(|request_identity| self.idempotency_key(&caller, &subject, &request_identity));
        Arc::new(CallContext {
            subject_tag: self.keys.subject_tag(&subject),
            now: self.clock.now(),
            caller,
            subject,
            client,
            actor,
            idempotency,
            retained: RetainedResults::default(),
            permit: Arc::default(),
        })
    }

    /// The digests of a call with a request id. Neither the id nor the payload can be guessed from them.
    fn idempotency_key(
        &self,
        caller: &Caller,
        subject: &Subject,
        request_identity: &RequestIdentity,
    ) -> IdempotencyKey {
        let RequestIdentity { rpc, id, payload } = request_identity;
        let caller = caller.name.as_str().as_bytes();
        let tenant = subject.tenant.as_str().as_bytes();
        let user = subject.user.as_str().as_bytes();
        let (rpc, id) = (rpc.as_bytes(), id.as_str().as_bytes());
        let keys = &self.keys;
        IdempotencyKey {
            key_digest: keys.request_tag(&[b"request", caller, rpc, tenant, user, id]),
            request_fingerprint: keys
                .request_tag(&[b"payload", caller, rpc, tenant, user, id, payload]),
        }
    }
}

/// Runs `attempt` until it returns a value. `None` means a conflict with another change.
///
/// # Errors
/// [`Error::ChangedConcurrently`] if every attempt conflicted.
pub(super) async fn retry_conflicts<T, Work>(attempt: impl Fn() -> Work) -> Result<T, Error>
where
    Work: Future<Output = Result<Option<T>, Error>>,
{
    for _ in 0..MAX_DECISIONS {
        if let Some(done) = attempt().await? {
            return Ok(done);
        }
    }
    Err(Error::ChangedConcurrently)
}

#[cfg(test)]
mod tests;
