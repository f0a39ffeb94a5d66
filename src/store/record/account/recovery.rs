//! What stands in for methods: recovery codes and keys, bypass codes, resets.

use crate::store::record::{
    InvalidRow, UNKNOWN_ENUM,
    code_hash::{code_hash, codes_of_same_cost, same_cost, stored_code_hash},
    each, id, instant, optional_id,
};
use countersign_domain::{
    recovery::{
        CodeSlot, RecoverySet, RecoverySetKind, SecretHash,
        bypass_code::{LiveBypassCode, NewBypassCode},
        reset::Reset,
    },
    value::{epoch::Epoch, time::Timestamp},
};
use countersign_proto::stored as pb;

pub(super) fn stored_recovery_set(set: &RecoverySet) -> pb::RecoverySet {
    let kind = match set.kind {
        RecoverySetKind::Codes => pb::RecoveryKind::Codes,
        RecoverySetKind::Key => pb::RecoveryKind::Key,
    };
    let same_cost = same_cost(&set.unused);
    let one_by_one = set.unused.iter().filter(|_| same_cost.is_none());
    pb::RecoverySet {
        id: set.id.as_bytes().to_vec(),
        kind: kind.into(),
        total: set.total,
        unused: one_by_one
            .map(|(slot, hash)| pb::UnusedCode {
                slot: slot.number().into(),
                hash: Some(stored_code_hash(hash)),
            })
            .collect(),
        created_at_millis: set.created_at.millis(),
        confirmed_at_millis: set.confirmed_at.map(Timestamp::millis),
        same_cost,
    }
}

pub(super) fn recovery(stored: &pb::RecoverySet) -> Result<RecoverySet, InvalidRow> {
    let kind = match pb::RecoveryKind::try_from(stored.kind) {
        Ok(pb::RecoveryKind::Codes) => RecoverySetKind::Codes,
        Ok(pb::RecoveryKind::Key) => RecoverySetKind::Key,
        Ok(pb::RecoveryKind::Unspecified) | Err(_) => return Err(UNKNOWN_ENUM),
    };
    let unused = match &stored.same_cost {
        Some(codes) => codes_of_same_cost(codes)?,
        None => each(&stored.unused, unused_code)?,
    };
    Ok(RecoverySet {
        id: id(&stored.id)?,
        kind,
        total: stored.total,
        unused,
        created_at: instant(stored.created_at_millis),
        confirmed_at: stored.confirmed_at_millis.map(instant),
    })
}

fn unused_code(stored: &pb::UnusedCode) -> Result<(CodeSlot, SecretHash), InvalidRow> {
    let slot = u8::try_from(stored.slot).ok().and_then(CodeSlot::new);
    let slot = slot.ok_or(InvalidRow::Shape("a slot that no code has"))?;
    Ok((slot, code_hash(stored.hash.as_ref())?))
}

pub(super) fn stored_bypass_code(
    LiveBypassCode { issued, epoch }: &LiveBypassCode,
) -> pb::BypassCode {
    pb::BypassCode {
        id: issued.id.as_bytes().to_vec(),
        hash: Some(stored_code_hash(&issued.hash)),
        expires_at_millis: issued.expires_at.millis(),
        epoch: epoch.number(),
    }
}

pub(super) fn bypass(stored: &pb::BypassCode) -> Result<LiveBypassCode, InvalidRow> {
    Ok(LiveBypassCode {
        issued: NewBypassCode {
            id: id(&stored.id)?,
            hash: code_hash(stored.hash.as_ref())?,
            expires_at: instant(stored.expires_at_millis),
        },
        epoch: Epoch::from_number(stored.epoch),
    })
}

pub(super) fn stored_reset(reset: &Reset) -> pb::Reset {
    let challenge = reset.challenge.map(|id| id.as_bytes().to_vec());
    pb::Reset {
        id: reset.id.as_bytes().to_vec(),
        epoch: reset.epoch.number(),
        requested_at_millis: reset.started_at.millis(),
        due_at_millis: reset.due_at.millis(),
        ends_at_millis: reset.ends_at.millis(),
        canceled_at_millis: reset.canceled_at.map(Timestamp::millis),
        challenge_id: challenge.unwrap_or_default(),
    }
}

pub(super) fn reset(stored: &pb::Reset) -> Result<Reset, InvalidRow> {
    Ok(Reset {
        id: id(&stored.id)?,
        epoch: Epoch::from_number(stored.epoch),
        due_at: instant(stored.due_at_millis),
        ends_at: instant(stored.ends_at_millis),
        canceled_at: stored.canceled_at_millis.map(instant),
        challenge: optional_id(&stored.challenge_id)?,
        started_at: instant(stored.requested_at_millis),
    })
}
