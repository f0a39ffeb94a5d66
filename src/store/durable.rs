//! The durable store: what use cases ask of it, put to an engine as rows.

mod directory;
mod engine;
mod outbox;
mod policies;
mod upgrade;

pub(in crate::store) use engine::{
    ClaimedRows, DispatchedAlert, Engine, FinishedRow, LoadedRows, Logins, Lookup, NoticeClaim,
    NoticeEnd, Page, PageRows, PolicyWrite, RecordRows, RecordsQuery, UnchainedRows,
};

pub use upgrade::{BadCanary, Forms};
pub(in crate::store) use upgrade::{check_canary, forms};

use crate::{
    ports::{
        AccountLookup, Accounts, AuditChain, AuditLag, ChallengeEnding, Committed, EndChallenges,
        Loaded, Stored,
    },
    store::record::{
        BadRow, Operation, Outcome, Sealing, ending_row, event_row, receipt_from_row, unavailable,
    },
};
use async_trait::async_trait;
use countersign_domain::{
    account::Account,
    change::Change,
    event::Event,
    id::{Subject, TenantId, UserId},
    policy::Layer,
    reset::Login,
    settlement::{Ended, Settled, Settlement},
    time::Timestamp,
};
use std::sync::Arc;

/// How many users with one address are found: more don't share one.
const LOGINS: i64 = 20;

/// The durable store on one engine.
pub struct DurableStore<E> {
    pub(in crate::store) engine: E,
    sealing: Sealing,
}

#[expect(private_bounds, reason = "the two engines live in this module")]
impl<E: Engine> DurableStore<E> {
    pub(in crate::store) fn on(engine: E, sealing: Sealing) -> Self {
        Self { engine, sealing }
    }

    async fn rows(
        &self,
        subject: &Subject,
        lookup: Lookup,
    ) -> Stored<(Option<Account>, LoadedRows, Layer)> {
        let rows = self.engine.load(subject, lookup).await?;
        let store = self.engine.name();
        let layer = policies::layer(store, rows.layer.as_deref())?;
        let account = rows.account.as_ref();
        let account = account.map(|row| self.sealing.open_account(store, subject, row, &layer));
        Ok((account.transpose()?, rows, layer))
    }
}

#[async_trait]
impl<E: Engine> Accounts for DurableStore<E> {
    async fn load(&self, who: &Subject, lookup: AccountLookup) -> Stored<Loaded> {
        let AccountLookup { request, challenge } = lookup;
        let lookup = Lookup {
            idempotency_key: request.map(|mark| mark.tag),
            challenge: challenge.map(|id| *id.as_bytes()),
        };
        let store = self.engine.name();
        let (account, rows, tenant_layer) = self.rows(who, lookup).await?;
        let receipt = request.zip(rows.idempotency);
        let receipt = receipt.map(|(mark, row)| receipt_from_row(store, mark.tag, &row));
        // What is left of a user who is gone tells nothing.
        let ending = challenge.zip(rows.ending).filter(|_| account.is_some());
        let ending = ending.map(|(id, sealed)| {
            let opened = self.sealing.open_ending(store, who, id, &sealed);
            opened.map(|(caller, ended)| ChallengeEnding { caller, ended })
        });
        Ok(Loaded {
            account,
            tenant_layer,
            receipt: receipt.transpose()?,
            ending: ending.transpose()?,
        })
    }

    async fn commit(&self, change: &Change) -> Stored<Committed> {
        let operation = Operation::change(Arc::new(change.clone()), &self.sealing);
        match self.engine.run(operation).await? {
            Outcome::Change(committed) => Ok(committed),
            Outcome::Verdict(_) => Err(mixed_up(self.engine.name())),
        }
    }

    async fn settle(&self, settlement: &Settlement) -> Stored<Settled> {
        let operation = Operation::verdict(Arc::new(settlement.clone()), &self.sealing);
        match self.engine.run(operation).await? {
            Outcome::Verdict(settled) => Ok(settled),
            Outcome::Change(_) => Err(mixed_up(self.engine.name())),
        }
    }

    async fn end_challenges(&self, ends: &EndChallenges) -> Stored<()> {
        let ended = Ended::Without(ends.how);
        let rows = ends
            .challenges
            .iter()
            .map(|(id, caller)| ending_row(&ends.who, *id, caller, ends.at, &ended, &self.sealing));
        let event = ends.event.as_ref().map(event_row);
        self.engine
            .end_challenges(&ends.who, rows.collect(), event)
            .await
    }

    async fn record(&self, event: &Event) -> Stored<()> {
        self.engine.append_event(event_row(event)).await
    }

    async fn logins(&self, tenant: &TenantId, login: &Login) -> Stored<Vec<UserId>> {
        let (user, email_tag) = match login {
            Login::User(user) => (Some(user.as_str().to_owned()), None),
            Login::Email(tag) => (None, Some(*tag)),
        };
        let logins = Logins {
            tenant: tenant.as_str().to_owned(),
            user,
            email_tag,
            at_most: LOGINS,
        };
        let users = self.engine.logins(&logins).await?;
        let users = users.iter().map(|user| user_id(self.engine.name(), user));
        users.collect()
    }

    async fn sweep(&self, now: Timestamp) -> Stored<()> {
        self.engine.purge(now).await
    }

    async fn clock(&self) -> Stored<Option<Timestamp>> {
        self.check_writes_form().await?;
        self.engine.clock().await
    }

    async fn probe_write(&self, now: Timestamp) -> Stored<()> {
        self.engine.probe_write(now).await
    }

    async fn may_forget(&self) -> Stored<Option<String>> {
        self.engine.may_forget().await
    }
}

#[async_trait]
impl<E: Engine> AuditChain for DurableStore<E> {
    async fn seal_events(&self) -> Stored<u64> {
        self.engine.chain_events().await
    }

    async fn audit_lag(&self) -> Stored<Option<AuditLag>> {
        let at_most = i64::from(AuditLag::MAX_COUNTED);
        let unchained = self.engine.unchained_events(at_most).await?;
        Ok(unchained.map(|events| AuditLag {
            oldest_at: Timestamp::from_millis(events.oldest_at),
            waiting_events: events.count.unsigned_abs(),
        }))
    }
}

fn mixed_up(store: &'static str) -> crate::ports::Unavailable {
    unavailable(store, BadRow::Shape("the outcome of another operation"))
}

fn user_id(store: &'static str, text: &str) -> Stored<UserId> {
    let id = UserId::parse(text);
    id.map_err(|_| unavailable(store, BadRow::Shape("an id that no user has")))
}
