//! Short-lived memory in Redis, standalone or Cluster: what a book keeps, in keys of one slot, by one script a call.

mod budgets;
mod check;
mod link;
mod packed;
mod reply;
mod scripts;

pub use budgets::RedisBudgets;
pub use check::{RedisCheck, UnsafeRedis, check};
pub use link::RedisLink;

use crate::{
    ports::{ChallengeLookup, ChallengeStore, MessageRef, StoreResult},
    store::redis::{
        link::{RetryPolicy, fails},
        scripts::UserScripts,
    },
};
use async_trait::async_trait;
use countersign_domain::{
    limits::user_throttle::{
        AttemptChargeResult, AttemptRequest, ChallengeOpening, ChallengeSnapshot, DestinationTag,
        OpeningResult, ResendRequest, ResendResult, SendCharge, StandaloneAttempt,
        StandaloneChargeResult,
    },
    notice::message::DeliveryStatus,
    value::{
        id::{AttemptId, ChallengeId, Id, SubjectTag},
        time::{Timestamp, millis},
    },
};
use data_encoding::HEXLOWER;
use futures_util::future::try_join_all;
use redis::{Script, ScriptInvocation};
use std::{sync::Arc, time::Duration};

/// Numbers of the keys `cs:{probe-number}`, one key in each sixteenth of a cluster's slots: together they reach every
/// primary that serves a sixteenth or more in one piece.
const PROBE_KEYS: [u8; 16] = [13, 3, 62, 40, 12, 2, 63, 41, 11, 1, 60, 42, 10, 0, 61, 43];

/// How long the keys of a probe live.
const PROBE_LIFETIME: Duration = Duration::from_secs(30);

/// Open challenges, guesses and messages of every user, in Redis.
pub struct RedisChallenges {
    link: Arc<RedisLink>,
    scripts: UserScripts,
}

impl RedisChallenges {
    /// Over these connections.
    #[must_use]
    pub fn new(link: Arc<RedisLink>) -> Self {
        Self {
            link,
            scripts: UserScripts::new(),
        }
    }
}

#[async_trait]
impl ChallengeStore for RedisChallenges {
    async fn open(
        &self,
        subject_tag: SubjectTag,
        opening: &ChallengeOpening,
    ) -> StoreResult<OpeningResult> {
        let messages = opening.send.map(|send| send.destination);
        let request = opening
            .idempotency_key
            .map(|idempotency_key| idempotency_key.key_digest);
        let mut call = on(&self.scripts.open, subject_tag, messages, request);
        let replaced_challenge_id = opening.replaced_challenge_id.as_ref().map(Id::as_bytes);
        call.arg(opening.id.as_bytes())
            .arg(optional(replaced_challenge_id))
            .arg(optional(
                opening
                    .idempotency_key
                    .as_ref()
                    .map(|idempotency_key| &idempotency_key.request_fingerprint),
            ))
            .arg(packed::frozen(opening))
            .arg(packed::failures(&opening.failures))
            .arg(opening.max_open.saturating_sub(1));
        reply::opened(
            self.link.invoke(&call, RetryPolicy::Once).await?,
            &opening.sealed,
        )
    }

    async fn charge_attempt(
        &self,
        subject_tag: SubjectTag,
        attempt: &AttemptRequest,
    ) -> StoreResult<AttemptChargeResult> {
        let request = attempt.payload.map(|_| *attempt.attempt_id.as_bytes());
        let mut call = on(&self.scripts.charge_attempt, subject_tag, None, request);
        call.arg(packed::attempt(attempt));
        tracing::debug!("running charge_attempt");
        reply::charge(self.link.invoke(&call, RetryPolicy::Once).await?)
    }

    async fn resend(
        &self,
        subject_tag: SubjectTag,
        resend: &ResendRequest,
    ) -> StoreResult<ResendResult> {
        let request = resend
            .idempotency_key
            .map(|idempotency_key| idempotency_key.key_digest);
        let mut call = on(&self.scripts.resend, subject_tag, None, request);
        call.arg(resend.challenge.as_bytes())
            .arg(resend.caller.as_str())
            .arg(optional(
                resend
                    .idempotency_key
                    .as_ref()
                    .map(|idempotency_key| &idempotency_key.request_fingerprint),
            ))
            .arg(resend.now.millis());
        reply::resent(self.link.invoke(&call, RetryPolicy::Never).await?)
    }

    async fn record_delivery(
        &self,
        subject_tag: SubjectTag,
        message: MessageRef,
        delivery: DeliveryStatus,
    ) -> StoreResult<()> {
        let mut call = on(&self.scripts.record_delivery, subject_tag, None, None);
        call.arg(message.challenge.as_bytes())
            .arg(message.ordinal)
            .arg(reply::delivery_number(delivery));
        self.link.invoke(&call, RetryPolicy::Once).await.map(drop)
    }

    async fn next_send(
        &self,
        subject_tag: SubjectTag,
        send: &SendCharge,
        now: Timestamp,
    ) -> StoreResult<Option<Timestamp>> {
        let mut call = on(
            &self.scripts.next_send,
            subject_tag,
            Some(send.destination),
            None,
        );
        call.arg(hex(&send.destination.0))
            .arg(packed::limits_and_waits(send))
            .arg(now.millis());
        reply::next_send(self.link.invoke(&call, RetryPolicy::Once).await?)
    }

    async fn find(
        &self,
        subject_tag: SubjectTag,
        find: &ChallengeLookup,
    ) -> StoreResult<Option<ChallengeSnapshot>> {
        let mut call = on(&self.scripts.find, subject_tag, None, None);
        call.arg(find.id.as_bytes())
            .arg(find.caller.as_str())
            .arg(find.now.millis());
        reply::found(self.link.invoke(&call, RetryPolicy::Once).await?)
    }

    async fn pending_enrollment(
        &self,
        subject_tag: SubjectTag,
        now: Timestamp,
    ) -> StoreResult<Option<ChallengeSnapshot>> {
        let mut call = on(&self.scripts.pending_enrollment, subject_tag, None, None);
        call.arg(now.millis());
        reply::found(self.link.invoke(&call, RetryPolicy::Once).await?)
    }

    async fn drop_challenge(&self, subject_tag: SubjectTag, id: ChallengeId) -> StoreResult<()> {
        let mut call = on(&self.scripts.drop_challenge, subject_tag, None, None);
        call.arg(id.as_bytes());
        self.link.invoke(&call, RetryPolicy::Once).await.map(drop)
    }

    async fn drop_all(&self, subject_tag: SubjectTag) -> StoreResult<()> {
        let call = on(&self.scripts.drop_all, subject_tag, None, None);
        self.link.invoke(&call, RetryPolicy::Once).await.map(drop)
    }

    async fn conclude(
        &self,
        subject_tag: SubjectTag,
        id: ChallengeId,
        attempt_id: AttemptId,
    ) -> StoreResult<()> {
        let mut call = on(&self.scripts.conclude, subject_tag, None, None);
        call.arg(id.as_bytes()).arg(attempt_id.as_bytes());
        self.link.invoke(&call, RetryPolicy::Once).await.map(drop)
    }

    async fn charge_standalone_attempt(
        &self,
        subject_tag: SubjectTag,
        attempt: &StandaloneAttempt,
    ) -> StoreResult<StandaloneChargeResult> {
        let request = attempt.payload.map(|_| *attempt.attempt_id.as_bytes());
        let mut call = on(
            &self.scripts.charge_standalone_attempt,
            subject_tag,
            None,
            request,
        );
        call.arg(attempt.challenge.as_bytes())
            .arg(attempt.attempt_id.as_bytes())
            .arg(optional(attempt.payload.as_ref()))
            .arg(attempt.class.number())
            .arg(packed::limits(&attempt.windows))
            .arg(attempt.now.millis())
            .arg(packed::failures(&attempt.failures));
        reply::standalone_charge(self.link.invoke(&call, RetryPolicy::Once).await?)
    }

    async fn refund_attempt(
        &self,
        subject_tag: SubjectTag,
        id: ChallengeId,
        attempt_id: AttemptId,
    ) -> StoreResult<()> {
        let mut call = on(&self.scripts.refund_attempt, subject_tag, None, None);
        call.arg(id.as_bytes()).arg(attempt_id.as_bytes());
        self.link.invoke(&call, RetryPolicy::Once).await.map(drop)
    }

    async fn lift_windows(
        &self,
        subject_tag: SubjectTag,
        to: &[DestinationTag],
    ) -> StoreResult<()> {
        let mut call = on(&self.scripts.lift_windows, subject_tag, None, None);
        for DestinationTag(destination) in to {
            call.arg(hex(destination));
        }
        self.link.invoke(&call, RetryPolicy::Once).await.map(drop)
    }

    async fn probe_write(&self) -> StoreResult<()> {
        let probes = PROBE_KEYS.map(|number| {
            let mut set = redis::cmd("SET");
            set.arg(format!("cs:{{probe-{number}}}"))
                .arg(1)
                .arg("PX")
                .arg(millis(PROBE_LIFETIME));
            self.link.command(set)
        });
        try_join_all(probes).await.map(drop)
    }

    async fn may_forget(&self) -> StoreResult<Option<String>> {
        let mut info = redis::cmd("INFO");
        let reply = self.link.command(info.arg("memory").to_owned()).await?;
        Ok(check::evicting(&reply, self.link.addresses()).map(|why| why.to_string()))
    }

    fn location(&self) -> String {
        let kind = if self.link.is_cluster() {
            "Redis Cluster"
        } else {
            "Redis"
        };
        format!("{kind} at {}", self.link.addresses())
    }

    async fn clock(&self) -> StoreResult<Option<Timestamp>> {
        let reply = self.link.command(redis::cmd("TIME")).await?;
        let (seconds, micros): (i64, i64) = redis::from_redis_value(reply).map_err(fails)?;
        Ok(Some(Timestamp::from_millis(
            seconds.saturating_mul(1000).saturating_add(micros / 1000),
        )))
    }
}

/// A script over one user's keys: of the challenges, of the charged attempts, of the messages to a destination and of a
/// request id where it touches those. They all begin with `cs:{h}`, h the user's pseudonym, so that they share a slot.
fn on(
    script: &Script,
    SubjectTag(tag): SubjectTag,
    messages: Option<DestinationTag>,
    request: Option<[u8; 16]>,
) -> ScriptInvocation<'_> {
    let base = format!("cs:{{{}}}", hex(&tag));
    let mut call = script.key(format!("{base}:c"));
    call.key(format!("{base}:g"));
    if let Some(DestinationTag(to)) = messages {
        call.key(format!("{base}:s:{}", hex(&to)));
    }
    if let Some(tag) = request {
        call.key(format!("{base}:i:{}", hex(&tag)));
    }
    call
}

/// Nothing where there is none.
fn optional(bytes: Option<&[u8; 16]>) -> &[u8] {
    bytes.map_or(&[], |bytes| &bytes[..])
}

fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}
