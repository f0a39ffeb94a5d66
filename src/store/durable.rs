//! The durable store: what use cases ask of it, put to an engine as rows.

mod directory;
mod engine;
mod keys_in_use;
mod outbox;
mod policies;
mod policy_layer;
mod record_forms;
mod reseal;

pub(in crate::store) use engine::{
    AccountRowLookup, AccountRows, ClaimedNoticeRows, DirectoryRows, DirectoryRowsQuery,
    DispatchedAlert, FinishedNoticeRow, LoginQuery, NoticeClaim, NoticeRowEnding, PolicyWrite,
    StoreEngine, UnchainedRows, UserRows, UserRowsQuery,
};

pub use keys_in_use::CanaryError;
pub(in crate::store) use keys_in_use::check_canaries;
pub use record_forms::RecordForms;
pub(in crate::store) use record_forms::forms;

use crate::{
    ports::{
        AccountLookup, AccountStore, AuditChain, AuditLag, ChallengeEnding, ChallengesToEnd,
        CommitResult, LoadedAccount, StoreResult,
    },
    store::record::{
        InvalidRow, OperationOutcome, RecordSealing, StoreOperation, ending_row, event_row,
        idempotency_record_from_row, unavailable,
    },
};
use async_trait::async_trait;
use countersign_domain::{
    account::{Account, change::AccountChange},
    audit_event::AuditEvent,
    challenge::verdict::{ChallengeOutcome, VerdictRequest, VerdictResult},
    policy::PolicyOverride,
    recovery::reset::LoginIdentifier,
    value::{
        id::{Subject, TenantId, UserId},
        time::Timestamp,
    },
};
use std::sync::Arc;

/// How many users with one address are found: more don't share one.
const MAX_LOGIN_MATCHES: i64 = 20;

/// The durable store on one engine.
pub struct DurableStore<E> {
    pub(in crate::store) engine: E,
    sealing: RecordSealing,
}

#[expect(private_bounds, reason = "the two engines live in this module")]
impl<E: StoreEngine> DurableStore<E> {
    pub(in crate::store) fn on(engine: E, sealing: RecordSealing) -> Self {
        Self { engine, sealing }
    }

    async fn rows(
        &self,
        subject: &Subject,
        lookup: AccountRowLookup,
    ) -> StoreResult<(Option<Account>, AccountRows, PolicyOverride)> {
        let rows = self.engine.load(subject, lookup).await?;
        let store = self.engine.name();
        let layer = policy_layer::layer(store, rows.layer.as_deref())?;
        let account = rows.account.as_ref();
        let account = account.map(|row| self.sealing.open_account(store, subject, row, &layer));
        Ok((account.transpose()?, rows, layer))
    }
}

#[async_trait]
impl<E: StoreEngine> AccountStore for DurableStore<E> {
    async fn load(&self, subject: &Subject, lookup: AccountLookup) -> StoreResult<LoadedAccount> {
        let AccountLookup { request, challenge } = lookup;
        let lookup = AccountRowLookup {
            idempotency_key: request.map(|idempotency_key| idempotency_key.key_digest),
            challenge: challenge.map(|id| *id.as_bytes()),
        };
        let store = self.engine.name();
        let (account, rows, tenant_layer) = self.rows(subject, lookup).await?;
        let idempotency_record = request.zip(rows.idempotency);
        let idempotency_record = idempotency_record.map(|(idempotency_key, row)| {
            idempotency_record_from_row(store, idempotency_key.key_digest, &row)
        });
        // What is left of a user who is gone tells nothing.
        let ending = challenge.zip(rows.ending).filter(|_| account.is_some());
        let ending = ending.map(|(id, sealed)| {
            let opened = self.sealing.open_ending(store, subject, id, &sealed);
            opened.map(|(caller, ended)| ChallengeEnding { caller, ended })
        });
        Ok(LoadedAccount {
            account,
            tenant_layer,
            idempotency_record: idempotency_record.transpose()?,
            ending: ending.transpose()?,
        })
    }

    async fn commit(&self, change: &AccountChange) -> StoreResult<CommitResult> {
        let operation = StoreOperation::change(Arc::new(change.clone()), &self.sealing);
        match self.engine.run(operation).await? {
            OperationOutcome::Change(committed) => Ok(committed),
            OperationOutcome::Verdict(_) | OperationOutcome::Resealed(_) => {
                Err(mixed_up(self.engine.name()))
            }
        }
    }

    async fn record_verdict(&self, verdict_request: &VerdictRequest) -> StoreResult<VerdictResult> {
        tracing::debug!("recording verdict");
        let operation = StoreOperation::verdict(Arc::new(verdict_request.clone()), &self.sealing);
        match self.engine.run(operation).await? {
            OperationOutcome::Verdict(verdict_result) => Ok(verdict_result),
            OperationOutcome::Change(_) | OperationOutcome::Resealed(_) => {
                Err(mixed_up(self.engine.name()))
            }
        }
    }

    async fn end_challenges(&self, ends: &ChallengesToEnd) -> StoreResult<()> {
        let ended = ChallengeOutcome::Without(ends.how);
        let rows = ends.challenges.iter().map(|(id, caller)| {
            ending_row(&ends.subject, *id, caller, ends.at, &ended, &self.sealing)
        });
        let event = ends.event.as_ref().map(event_row);
        self.engine
            .end_challenges(&ends.subject, rows.collect(), event)
            .await
    }

    async fn record(&self, event: &AuditEvent) -> StoreResult<()> {
        self.engine.append_event(event_row(event)).await
    }

    async fn logins(&self, tenant: &TenantId, login: &LoginIdentifier) -> StoreResult<Vec<UserId>> {
        let (user, email_tag) = match login {
            LoginIdentifier::User(user) => (Some(user.as_str().to_owned()), None),
            LoginIdentifier::Email(tag) => (None, Some(*tag)),
        };
        let logins = LoginQuery {
            tenant: tenant.as_str().to_owned(),
            user,
            email_tag,
            at_most: MAX_LOGIN_MATCHES,
        };
        let users = self.engine.logins(&logins).await?;
        let users = users.iter().map(|user| user_id(self.engine.name(), user));
        users.collect()
    }

    async fn purge(&self, now: Timestamp) -> StoreResult<()> {
        self.engine.purge(now).await
    }

    async fn clock(&self) -> StoreResult<Option<Timestamp>> {
        self.check_state().await?;
        self.engine.clock().await
    }

    async fn probe_write(&self, now: Timestamp) -> StoreResult<()> {
        self.engine.probe_write(now).await?;
        self.note_active_key(now).await
    }

    async fn may_forget(&self) -> StoreResult<Option<String>> {
        self.engine.may_forget().await
    }

    fn location(&self) -> String {
        self.engine.location()
    }
}

#[async_trait]
impl<E: StoreEngine> AuditChain for DurableStore<E> {
    async fn seal_events(&self) -> StoreResult<u64> {
        self.engine.chain_events().await
    }

    async fn audit_lag(&self) -> StoreResult<Option<AuditLag>> {
        let at_most = i64::from(AuditLag::MAX_COUNTED);
        let unchained = self.engine.unchained_events(at_most).await?;
        Ok(unchained.map(|events| AuditLag {
            oldest_at: Timestamp::from_millis(events.oldest_at),
            waiting_events: events.count.unsigned_abs(),
        }))
    }
}

fn mixed_up(store: &'static str) -> crate::ports::StoreUnavailable {
    unavailable(store, InvalidRow::Shape("the outcome of another operation"))
}

fn tenant_id(store: &'static str, text: &str) -> StoreResult<TenantId> {
    let id = TenantId::parse(text);
    id.map_err(|_| unavailable(store, InvalidRow::Shape("an id that no tenant has")))
}

fn user_id(store: &'static str, text: &str) -> StoreResult<UserId> {
    let id = UserId::parse(text);
    id.map_err(|_| unavailable(store, InvalidRow::Shape("an id that no user has")))
}
