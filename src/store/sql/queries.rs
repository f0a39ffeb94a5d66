//! The values of queries, in the order in which their texts name them. The texts lie beside each store.

use crate::{ports::Waiting, store::sql::Value};
use countersign_domain::{
    challenge::{Effect, Judgement},
    destination::Channel,
    id::{ApprovalId, BypassCodeId, ChallengeId, GuessId, Subject, TenantId},
    recovery::{RecoveryKey, Slot},
    request::RequestMark,
    reset::Login,
    settlement::Settlement,
    time::Timestamp,
};
use std::time::Duration;

/// A user's failures older than this fill no window.
pub(in crate::store) const FAILURES_COUNT_FOR: Duration = Duration::from_hours(24);

/// The same at recovery codes, whose window is shorter.
pub(in crate::store) const RECOVERY_FAILURES_COUNT_FOR: Duration = Duration::from_hours(1);

/// How many notices an operator's list reads at a time.
const PAGE: i64 = 500;

/// How many events are sealed, and alarms announced, at a time: few enough for one round to end in time even on a slow
/// network.
const BATCH: i64 = 64;

/// How many batches of events are sealed at once: the sealer has other things to do.
pub(in crate::store) const ROUNDS_OF_SEALING: usize = 16;

/// For `load.sql`.
pub(in crate::store) fn load(
    who: &Subject,
    mark: Option<RequestMark>,
    now: Timestamp,
) -> Vec<Value> {
    vec![
        who.tenant.as_str().into(),
        who.user.as_str().into(),
        mark.map(|mark| mark.tag.to_vec()).into(),
        now.minus(FAILURES_COUNT_FOR).into(),
        now.minus(RECOVERY_FAILURES_COUNT_FOR).into(),
    ]
}

/// For `policy.sql`.
pub(in crate::store) fn policy(tenant: &TenantId, mark: Option<RequestMark>) -> Vec<Value> {
    vec![
        tenant.as_str().into(),
        mark.map(|mark| mark.tag.to_vec()).into(),
    ]
}

/// For `ended.sql`, by challenge.
pub(in crate::store) fn ended(who: &Subject, id: ChallengeId) -> Vec<Value> {
    vec![
        who.tenant.as_str().into(),
        who.user.as_str().into(),
        id.into(),
        Value::Bytes(None),
    ]
}

/// For `ended.sql`, by approval.
pub(in crate::store) fn approval(who: &Subject, id: ApprovalId) -> Vec<Value> {
    vec![
        who.tenant.as_str().into(),
        who.user.as_str().into(),
        Value::Bytes(None),
        id.into(),
    ]
}

/// For `recovery_hash.sql`.
pub(in crate::store) fn recovery_hash(
    who: &Subject,
    slot: Slot,
    (challenge, guess): (ChallengeId, GuessId),
) -> Vec<Value> {
    vec![
        who.tenant.as_str().into(),
        who.user.as_str().into(),
        i64::from(slot.number()).into(),
        challenge.into(),
        guess.into(),
    ]
}

/// How many users with one address are found: more don't share one.
const LOGINS: i64 = 20;

/// For `logins.sql`.
pub(in crate::store) fn logins(tenant: &TenantId, login: &Login) -> Vec<Value> {
    let (user, email) = match login {
        Login::User(user) => (Some(user.as_str().to_owned()), None),
        Login::Email(tag) => (None, Some(tag.to_vec())),
    };
    vec![
        tenant.as_str().into(),
        user.into(),
        email.into(),
        LOGINS.into(),
    ]
}

/// For `bypass_hash.sql`.
pub(in crate::store) fn bypass_hash(
    who: &Subject,
    (challenge, guess): (ChallengeId, GuessId),
) -> Vec<Value> {
    vec![
        who.tenant.as_str().into(),
        who.user.as_str().into(),
        challenge.into(),
        guess.into(),
    ]
}

/// The bypass code that was given, if one was.
pub(in crate::store) const fn bypass_of(settlement: &Settlement) -> Option<BypassCodeId> {
    match settlement.judgement {
        Judgement::Right(Effect::BypassCode { id }) => Some(id),
        Judgement::Right(_) | Judgement::Wrong { .. } => None,
    }
}

/// For `claim_notice.sql`.
pub(in crate::store) fn claim_notice(
    channel: Channel,
    now: Timestamp,
    until: Timestamp,
) -> Vec<Value> {
    vec![channel.as_str().into(), now.into(), until.into()]
}

/// For `due_alarms.sql`.
pub(in crate::store) fn due_alarms(now: Timestamp) -> Vec<Value> {
    vec![now.into(), BATCH.into()]
}

/// For `waiting_notices.sql`.
pub(in crate::store) fn waiting_notices(which: Waiting, after: i64) -> Vec<Value> {
    vec![after.into(), (which == Waiting::Dead).into(), PAGE.into()]
}

/// For `unsealed_events.sql`.
pub(in crate::store) fn unsealed_events() -> Vec<Value> {
    vec![BATCH.into()]
}

/// For `chain_head.sql`.
pub(in crate::store) fn chain_head(tenant: &str) -> Vec<Value> {
    vec![tenant.into()]
}

/// For `facts.sql`.
pub(in crate::store) fn facts(settlement: &Settlement) -> Vec<Value> {
    let (set, slot) = match settlement.judgement {
        Judgement::Right(Effect::RecoveryCode { set, slot }) => {
            (Some(set), Some(i64::from(slot.number())))
        }
        Judgement::Right(Effect::RecoveryKey { set }) => {
            let slot = RecoveryKey::SLOT.number();
            (Some(set), Some(i64::from(slot)))
        }
        Judgement::Right(_) | Judgement::Wrong { .. } => (None, None),
    };
    vec![
        settlement.subject.tenant.as_str().into(),
        settlement.subject.user.as_str().into(),
        settlement.challenge.into(),
        settlement.guess.id.into(),
        settlement.guess.class.number().into(),
        settlement.guess.at.minus(FAILURES_COUNT_FOR).into(),
        settlement.asked.map(|(id, _)| id).into(),
        set.into(),
        slot.into(),
        bypass_of(settlement).into(),
        settlement.guess.at.into(),
        settlement.device.as_ref().map(|device| device.id).into(),
        settlement
            .receipt()
            .map(|receipt| receipt.mark.tag.to_vec())
            .into(),
    ]
}

/// For `devices.sql`.
pub(in crate::store) fn devices(who: &Subject) -> Vec<Value> {
    vec![who.tenant.as_str().into(), who.user.as_str().into()]
}
