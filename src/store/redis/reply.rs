//! What the scripts answer, as values.

use crate::{
    ports::Stored,
    store::redis::link::{fails, unavailable},
};
use countersign_domain::{
    book::{Charged, LoneCharge, Opened, Resent, Spent, Standing, Superseded},
    budget::GuessClass,
    caller::CallerName,
    id::Id,
    message::Delivery,
    secret::Sealed,
    time::Timestamp,
};
use data_encoding::HEXLOWER;
use redis::{FromRedisValue, Value};

pub(super) fn opened(reply: Value) -> Stored<Opened> {
    let mut parts = Parts::of(reply)?;
    Ok(match parts.take::<String>()?.as_str() {
        "fresh" => {
            let standing = parts.standing()?;
            Opened::Fresh(standing, parts.superseded()?)
        }
        "repeated" => {
            let standing = parts.standing()?;
            Opened::Repeated(standing, parts.superseded()?)
        }
        "over" => Opened::Over,
        "reused" => Opened::RequestIdReused,
        "sends_full" => Opened::SendsFull(parts.instant()?),
        "not_open" => Opened::NotOpen,
        _ => return Err(unexpected()),
    })
}

pub(super) fn spent(reply: Value) -> Stored<Spent> {
    let mut parts = Parts::of(reply)?;
    Ok(match parts.take::<String>()?.as_str() {
        "judge" => Spent::Judge(Charged {
            sealed: Sealed::from_bytes(parts.take()?),
            class: GuessClass::numbered(parts.take()?).ok_or_else(unexpected)?,
            at: parts.instant()?,
            attempts_left: parts.take()?,
            bears: parts.take()?,
        }),
        "over" => Spent::Over,
        "full" => Spent::Full(parts.instant()?),
        "reused" => Spent::RequestIdReused,
        _ => return Err(unexpected()),
    })
}

pub(super) fn lone_charge(reply: Value) -> Stored<LoneCharge> {
    let mut parts = Parts::of(reply)?;
    Ok(match parts.take::<String>()?.as_str() {
        "new" => LoneCharge::New,
        "known" => LoneCharge::Known(parts.instant()?),
        "full" => LoneCharge::Full(parts.instant()?),
        "reused" => LoneCharge::RequestIdReused,
        _ => return Err(unexpected()),
    })
}

pub(super) fn resent(reply: Value) -> Stored<Resent> {
    let mut parts = Parts::of(reply)?;
    Ok(match parts.take::<String>()?.as_str() {
        "send" => Resent::Send(parts.standing()?),
        "repeated" => Resent::Repeated(parts.standing()?),
        "over" => Resent::NotOpen,
        "reused" => Resent::RequestIdReused,
        "full" => Resent::Full(parts.instant()?),
        "nothing_to_send" => Resent::NothingToSend,
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

pub(super) fn charged(reply: Value) -> Stored<OwnerCharge> {
    let mut parts = Parts::of(reply)?;
    Ok(match parts.take::<String>()?.as_str() {
        "charged" => OwnerCharge::Charged(parts.take()?),
        "full" => OwnerCharge::Full(parts.take()?, parts.instant()?),
        _ => return Err(unexpected()),
    })
}

pub(super) fn next_send(reply: Value) -> Stored<Option<Timestamp>> {
    let until: i64 = redis::from_redis_value(reply).map_err(fails)?;
    Ok(Some(Timestamp::from_millis(until)).filter(|until| until.millis() > 0))
}

pub(super) fn found(reply: Value) -> Stored<Option<Standing>> {
    match reply {
        Value::Nil => Ok(None),
        reply => standing(reply).map(Some),
    }
}

pub(super) const fn delivery_name(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::HandedOver => "HANDED_OVER",
        Delivery::Failed => "FAILED",
        Delivery::Unknown => "UNKNOWN",
    }
}

fn standing(reply: Value) -> Stored<Standing> {
    let mut parts = Parts::of(reply)?;
    Ok(Standing {
        id: id(&parts.take::<String>()?)?,
        sealed: Sealed::from_bytes(parts.take()?),
        attempts_left: parts.take()?,
        sends: parts.take()?,
        sends_left: parts.take()?,
        next_send_at: Some(parts.instant()?).filter(|at| at.millis() >= 0),
        delivery: match parts.take::<String>()?.as_str() {
            "" => None,
            "HANDED_OVER" => Some(Delivery::HandedOver),
            "FAILED" => Some(Delivery::Failed),
            "UNKNOWN" => Some(Delivery::Unknown),
            _ => return Err(unexpected()),
        },
        sent_at: parts.instant()?,
    })
}

/// An array, taken apart from the front.
struct Parts(std::vec::IntoIter<Value>);

impl Parts {
    fn of(reply: Value) -> Stored<Self> {
        match reply {
            Value::Array(parts) => Ok(Self(parts.into_iter())),
            _ => Err(unexpected()),
        }
    }

    fn take<T: FromRedisValue>(&mut self) -> Stored<T> {
        let part = self.0.next().ok_or_else(unexpected)?;
        redis::from_redis_value(part).map_err(fails)
    }

    fn instant(&mut self) -> Stored<Timestamp> {
        self.take().map(Timestamp::from_millis)
    }

    fn superseded(&mut self) -> Stored<Vec<Superseded>> {
        let superseded: Vec<String> = self.take()?;
        let pairs = superseded.iter().map(|text| {
            let (challenge, caller) = text.split_once(':').ok_or_else(unexpected)?;
            Ok((id(challenge)?, CallerName::new(caller)))
        });
        pairs.collect()
    }

    fn standing(&mut self) -> Stored<Standing> {
        standing(self.0.next().ok_or_else(unexpected)?)
    }
}

fn id<Of>(text: &str) -> Stored<Id<Of>> {
    let bytes = HEXLOWER.decode(text.as_bytes()).map_err(unavailable)?;
    let bytes = bytes.try_into().map_err(|_| unexpected())?;
    Ok(Id::from_bytes(bytes))
}

fn unexpected() -> crate::ports::Unavailable {
    unavailable("a script gave an answer of another shape")
}
