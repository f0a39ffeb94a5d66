//! What the scripts answer, as values.

use crate::{
    ports::StoreResult,
    store::redis::link::{fails, unavailable},
};
use countersign_domain::{
    authorization::caller::CallerName,
    limits::{
        budget::AttemptClass,
        user_throttle::{
            AttemptCharge, AttemptChargeResult, ChallengeSnapshot, OpeningResult, ResendResult,
            StandaloneChargeResult, SupersededChallenge,
        },
    },
    notice::message::DeliveryStatus,
    value::{id::ChallengeId, secret::SealedBytes, time::Timestamp},
};
use redis::{FromRedisValue, Value};

/// A challenge that is new comes without `sealed`, which the call brought.
pub(super) fn opened(reply: Value, sealed: &SealedBytes) -> StoreResult<OpeningResult> {
    let mut parts = ReplyParts::of(reply)?;
    Ok(match parts.take::<String>()?.as_str() {
        "fresh" => {
            let mut snapshot = parts.snapshot()?;
            if snapshot.sealed.as_bytes().is_empty() {
                snapshot.sealed = sealed.clone();
            }
            OpeningResult::Fresh(snapshot, parts.superseded()?)
        }
        "repeated" => {
            let snapshot = parts.snapshot()?;
            OpeningResult::Repeated(snapshot, parts.superseded()?)
        }
        "over" => OpeningResult::Over,
        "reused" => OpeningResult::RequestIdReused,
        "sends_full" => OpeningResult::SendsFull(parts.instant()?),
        "throttled" => OpeningResult::AttemptsFull(parts.instant()?),
        "not_open" => OpeningResult::NotOpen,
        _ => return Err(unexpected()),
    })
}

pub(super) fn charge(reply: Value) -> StoreResult<AttemptChargeResult> {
    let mut parts = ReplyParts::of(reply)?;
    Ok(match parts.take::<String>()?.as_str() {
        "judge" => AttemptChargeResult::Charged(AttemptCharge {
            sealed: SealedBytes::from_bytes(parts.take()?),
            class: AttemptClass::numbered(parts.take()?).ok_or_else(unexpected)?,
            at: parts.instant()?,
            attempts_left: parts.take()?,
            attempts_allowed: parts.take()?,
        }),
        "over" => AttemptChargeResult::Over,
        "full" => AttemptChargeResult::Full(parts.instant()?),
        "reused" => AttemptChargeResult::RequestIdReused,
        _ => return Err(unexpected()),
    })
}

pub(super) fn standalone_charge(reply: Value) -> StoreResult<StandaloneChargeResult> {
    let mut parts = ReplyParts::of(reply)?;
    Ok(match parts.take::<String>()?.as_str() {
        "new" => StandaloneChargeResult::New,
        "known" => StandaloneChargeResult::Known(parts.instant()?),
        "full" => StandaloneChargeResult::Full(parts.instant()?),
        "reused" => StandaloneChargeResult::RequestIdReused,
        _ => return Err(unexpected()),
    })
}

pub(super) fn resent(reply: Value) -> StoreResult<ResendResult> {
    let mut parts = ReplyParts::of(reply)?;
    Ok(match parts.take::<String>()?.as_str() {
        "send" => ResendResult::Send(parts.snapshot()?),
        "repeated" => ResendResult::Repeated(parts.snapshot()?),
        "over" => ResendResult::NotOpen,
        "reused" => ResendResult::RequestIdReused,
        "full" => ResendResult::Full(parts.instant()?),
        "throttled" => ResendResult::AttemptsFull(parts.instant()?),
        "nothing_to_send" => ResendResult::NothingToSend,
        _ => return Err(unexpected()),
    })
}

/// What charging the budgets of one owner came to.
pub(super) enum OwnerCharge {
    /// Whether each was charged now; the others had been before.
    Charged(Vec<bool>),
    /// Which is full, counted from 0, and until when.
    Full(usize, Timestamp),
}

pub(super) fn charged(reply: Value) -> StoreResult<OwnerCharge> {
    let mut parts = ReplyParts::of(reply)?;
    Ok(match parts.take::<String>()?.as_str() {
        "charged" => OwnerCharge::Charged(parts.take()?),
        "full" => OwnerCharge::Full(parts.take()?, parts.instant()?),
        _ => return Err(unexpected()),
    })
}

pub(super) fn next_send(reply: Value) -> StoreResult<Option<Timestamp>> {
    let until: i64 = redis::from_redis_value(reply).map_err(fails)?;
    Ok(Some(Timestamp::from_millis(until)).filter(|until| until.millis() > 0))
}

pub(super) fn found(reply: Value) -> StoreResult<Option<ChallengeSnapshot>> {
    match reply {
        Value::Nil => Ok(None),
        reply => snapshot(reply).map(Some),
    }
}

/// 0 stands for none.
pub(super) const fn delivery_number(delivery: DeliveryStatus) -> u8 {
    match delivery {
        DeliveryStatus::HandedOver => 1,
        DeliveryStatus::Failed => 2,
        DeliveryStatus::Unknown => 3,
    }
}

fn snapshot(reply: Value) -> StoreResult<ChallengeSnapshot> {
    let mut parts = ReplyParts::of(reply)?;
    Ok(ChallengeSnapshot {
        id: parts.challenge_id()?,
        sealed: SealedBytes::from_bytes(parts.take()?),
        attempts_left: parts.take()?,
        sends: parts.take()?,
        sends_left: parts.take()?,
        next_send_at: Some(parts.instant()?).filter(|at| at.millis() >= 0),
        delivery: match parts.take::<u8>()? {
            0 => None,
            1 => Some(DeliveryStatus::HandedOver),
            2 => Some(DeliveryStatus::Failed),
            3 => Some(DeliveryStatus::Unknown),
            _ => return Err(unexpected()),
        },
        sent_at: parts.instant()?,
    })
}

/// An array, taken apart from the front.
struct ReplyParts(std::vec::IntoIter<Value>);

impl ReplyParts {
    fn of(reply: Value) -> StoreResult<Self> {
        match reply {
            Value::Array(parts) => Ok(Self(parts.into_iter())),
            _ => Err(unexpected()),
        }
    }

    fn take<T: FromRedisValue>(&mut self) -> StoreResult<T> {
        let part = self.0.next().ok_or_else(unexpected)?;
        redis::from_redis_value(part).map_err(fails)
    }

    fn instant(&mut self) -> StoreResult<Timestamp> {
        self.take().map(Timestamp::from_millis)
    }

    fn challenge_id(&mut self) -> StoreResult<ChallengeId> {
        let bytes: Vec<u8> = self.take()?;
        let bytes = bytes.try_into().map_err(|_| unexpected())?;
        Ok(ChallengeId::from_bytes(bytes))
    }

    /// Each is an id, the length of the caller's name, and the name.
    fn superseded(&mut self) -> StoreResult<Vec<SupersededChallenge>> {
        let packed: Vec<u8> = self.take()?;
        let mut rest = packed.as_slice();
        let mut superseded = Vec::new();
        while !rest.is_empty() {
            let (challenge, tail) = rest.split_first_chunk::<16>().ok_or_else(unexpected)?;
            let (length, tail) = tail.split_first_chunk().ok_or_else(unexpected)?;
            let length = usize::try_from(u32::from_be_bytes(*length)).map_err(unavailable)?;
            let (caller, tail) = tail.split_at_checked(length).ok_or_else(unexpected)?;
            let caller = str::from_utf8(caller).map_err(unavailable)?;
            superseded.push((ChallengeId::from_bytes(*challenge), CallerName::new(caller)));
            rest = tail;
        }
        Ok(superseded)
    }

    fn snapshot(&mut self) -> StoreResult<ChallengeSnapshot> {
        snapshot(self.0.next().ok_or_else(unexpected)?)
    }
}

fn unexpected() -> crate::ports::StoreUnavailable {
    unavailable("a script gave an answer of another shape")
}
