//! Budgets that span users, in Redis: each in a slot of its own.

use crate::{
    ports::{Bucket, Budgets, Full, Stored},
    store::redis::{
        hex,
        link::{Link, Retry},
        reply::{self, Charge},
    },
};
use async_trait::async_trait;
use countersign_domain::{
    book::REQUEST_LIFE,
    budget::{BudgetTag, Windows},
    time::{Timestamp, millis},
};
use redis::Script;
use std::sync::Arc;

/// Budgets that span users, in Redis.
pub struct RedisBudgets {
    link: Arc<Link>,
    charge: Script,
}

impl RedisBudgets {
    /// Over these connections.
    #[must_use]
    pub fn new(link: Arc<Link>) -> Self {
        Self {
            link,
            charge: Script::new(include_str!("charge.lua")),
        }
    }
}

#[async_trait]
impl Budgets for RedisBudgets {
    async fn charge(
        &self,
        buckets: &[Bucket],
        now: Timestamp,
    ) -> Stored<Result<Vec<Bucket>, Full>> {
        let mut new = Vec::new();
        for bucket in buckets {
            let Windows { short, long } = bucket.windows;
            let mut call = self.charge.key(budget_key(bucket.of));
            call.arg(hex(&bucket.charge))
                .arg(now.millis())
                .arg(short.count)
                .arg(millis(short.within))
                .arg(long.count)
                .arg(millis(long.within))
                .arg(millis(REQUEST_LIFE));
            let reply = self.link.invoke(&call, Retry::Once).await?;
            match reply::charged(reply)? {
                Charge::New => new.push(*bucket),
                Charge::Known => {}
                Charge::Full(until) => {
                    self.refund(&new).await?;
                    let of = bucket.of;
                    return Ok(Err(Full { of, until }));
                }
            }
        }
        Ok(Ok(new))
    }

    async fn refund(&self, buckets: &[Bucket]) -> Stored<()> {
        for bucket in buckets {
            let mut command = redis::cmd("ZREM");
            command.arg(budget_key(bucket.of)).arg(hex(&bucket.charge));
            self.link.command(command).await?;
        }
        Ok(())
    }

    async fn end_wait(&self, buckets: &[Bucket], now: Timestamp) -> Stored<()> {
        for bucket in buckets {
            let mut command = redis::cmd("ZADD");
            command
                .arg(budget_key(bucket.of))
                .arg("XX")
                .arg(now.minus(bucket.windows.short.within).millis())
                .arg(hex(&bucket.charge));
            self.link.command(command).await?;
        }
        Ok(())
    }
}

fn budget_key(BudgetTag(tag): BudgetTag) -> String {
    format!("cs:{{{}}}:b", hex(&tag))
}
