//! Budgets that span users, in Redis. Those of one owner share a slot, so that one script charges them all, in a cluster
//! too. The scripts of several owners are sent at the same time.

use crate::{
    ports::{BudgetBucket, BudgetStore, ExhaustedBudget, StoreResult},
    store::redis::{
        hex,
        link::{RedisLink, RetryPolicy},
        reply::{self, OwnerCharge},
    },
};
use async_trait::async_trait;
use countersign_domain::{
    limits::{
        budget::{BudgetOwner, BudgetTag, RateLimitWindows},
        user_throttle::REQUEST_ID_RETENTION,
    },
    value::time::{Timestamp, millis},
};
use futures_util::future::{join_all, try_join_all};
use redis::{Script, ScriptInvocation};
use std::sync::Arc;

/// Budgets that span users, in Redis.
pub struct RedisBudgets {
    link: Arc<RedisLink>,
    charge: Script,
    refund: Script,
    end_wait: Script,
}

impl RedisBudgets {
    /// Over these connections.
    #[must_use]
    pub fn new(link: Arc<RedisLink>) -> Self {
        Self {
            link,
            charge: Script::new(include_str!("charge.lua")),
            refund: Script::new(include_str!("refund.lua")),
            end_wait: Script::new(include_str!("end_wait.lua")),
        }
    }

    /// Charges budgets of one owner, all or none.
    async fn charge_owner(
        &self,
        buckets: &[BudgetBucket],
        now: Timestamp,
    ) -> StoreResult<OwnerCharge> {
        let mut call = on(&self.charge, buckets);
        call.arg(now.millis()).arg(millis(REQUEST_ID_RETENTION));
        for bucket in buckets {
            let RateLimitWindows { short, long } = bucket.windows;
            call.arg(hex(&bucket.charge))
                .arg(short.count)
                .arg(millis(short.within))
                .arg(long.count)
                .arg(millis(long.within));
        }
        reply::charged(self.link.invoke(&call, RetryPolicy::Once).await?)
    }

    async fn change_each(&self, calls: Vec<ScriptInvocation<'_>>) -> StoreResult<()> {
        let changes = calls
            .iter()
            .map(|call| self.link.invoke(call, RetryPolicy::Once));
        try_join_all(changes).await.map(drop)
    }
}

#[async_trait]
impl BudgetStore for RedisBudgets {
    async fn charge(
        &self,
        buckets: &[BudgetBucket],
        now: Timestamp,
    ) -> StoreResult<Result<Vec<BudgetBucket>, ExhaustedBudget>> {
        let owners = by_owner(buckets);
        let scripts = owners.iter().map(|owned| self.charge_owner(owned, now));
        let mut outcome = ChargeOutcome::default();
        for (owned, charge) in owners.iter().zip(join_all(scripts).await) {
            match charge {
                Ok(OwnerCharge::Charged(is_new)) => {
                    let ours = owned.iter().zip(is_new).filter(|(_, is_new)| *is_new);
                    outcome.new.extend(ours.map(|(bucket, _)| *bucket));
                }
                Ok(OwnerCharge::Full(place, until)) => {
                    let full = owned.get(place);
                    outcome.full.extend(full.map(|bucket| ExhaustedBudget {
                        of: bucket.of,
                        until,
                    }));
                }
                Err(unavailable) => outcome.unavailable = Some(unavailable),
            }
        }
        let ChargeOutcome {
            new,
            full,
            unavailable,
        } = outcome;
        if let Some(unavailable) = unavailable {
            // Nothing is sent. What can't be given back stays charged: one too many, never one too few.
            let _given_back = self.refund(&new).await;
            return Err(unavailable);
        }
        let is_full =
            |bucket: &BudgetBucket| full.iter().find(|full| full.of == bucket.of).copied();
        match buckets.iter().find_map(is_full) {
            None => Ok(Ok(new)),
            Some(full) => {
                self.refund(&new).await?;
                Ok(Err(full))
            }
        }
    }

    async fn refund(&self, buckets: &[BudgetBucket]) -> StoreResult<()> {
        let calls = by_owner(buckets).into_iter().map(|owned| {
            let mut call = on(&self.refund, &owned);
            for bucket in &owned {
                call.arg(hex(&bucket.charge));
            }
            call
        });
        self.change_each(calls.collect()).await
    }

    async fn end_wait(&self, buckets: &[BudgetBucket], now: Timestamp) -> StoreResult<()> {
        let calls = by_owner(buckets).into_iter().map(|owned| {
            let mut call = on(&self.end_wait, &owned);
            for bucket in &owned {
                call.arg(now.minus(bucket.windows.short.within).millis())
                    .arg(hex(&bucket.charge));
            }
            call
        });
        self.change_each(calls.collect()).await
    }
}

/// What charging the budgets of all owners came to.
#[derive(Default)]
struct ChargeOutcome {
    /// Charged by this call.
    new: Vec<BudgetBucket>,
    full: Vec<ExhaustedBudget>,
    unavailable: Option<crate::ports::StoreUnavailable>,
}

/// The budgets of each owner, in the order in which the owners come.
fn by_owner(buckets: &[BudgetBucket]) -> Vec<Vec<BudgetBucket>> {
    let mut owners: Vec<Vec<BudgetBucket>> = Vec::new();
    for bucket in buckets {
        let is_same = |owned: &&mut Vec<BudgetBucket>| {
            owned.first().map(|first| first.owner) == Some(bucket.owner)
        };
        match owners.iter_mut().find(is_same) {
            Some(owned) => owned.push(*bucket),
            None => owners.push(vec![*bucket]),
        }
    }
    owners
}

/// A script over budgets of one owner. Their keys begin with `cs:{o}`, o the owner's pseudonym, so that they share a slot.
fn on<'script>(script: &'script Script, buckets: &[BudgetBucket]) -> ScriptInvocation<'script> {
    let mut call = script.prepare_invoke();
    for BudgetBucket { owner, of, .. } in buckets {
        let (BudgetOwner(owner), BudgetTag(of)) = (owner, of);
        call.key(format!("cs:{{{}}}:b:{}", hex(owner), hex(of)));
    }
    call
}
