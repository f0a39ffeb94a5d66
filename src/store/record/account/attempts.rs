//! What happened lately: changes that can be reverted, and wrong attempts.

use crate::store::record::{InvalidRow, UNKNOWN_ENUM, array, id, instant};
use countersign_domain::{
    account::WrongAttempt,
    challenge::totp::{ClockSkew, TimeStep},
    device::DeviceTokenHash,
    limits::budget::AttemptClass,
    revert::{RevertRecord, RevertibleChange},
};
use countersign_proto::stored as pb;

pub(super) fn stored_revert_record(change: &RevertRecord) -> pb::RevertRecord {
    let kind = match change.change_kind {
        RevertibleChange::Method(_) => pb::ChangeKind::MethodAdded,
        RevertibleChange::FirstMethod(_) => pb::ChangeKind::FirstMethodAdded,
        RevertibleChange::RecoveredMethod(_) => pb::ChangeKind::MethodAddedByRecovery,
        RevertibleChange::Removal => pb::ChangeKind::MethodRemoved,
        RevertibleChange::Default => pb::ChangeKind::DefaultChanged,
        RevertibleChange::RecoveryCodes => pb::ChangeKind::RecoveryCodesGenerated,
        RevertibleChange::TurnOff => pb::ChangeKind::TwoFactorDisabled,
        RevertibleChange::Trust => pb::ChangeKind::DeviceTrusted,
    };
    let method = change.change_kind.method().map(|id| id.as_bytes().to_vec());
    pb::RevertRecord {
        token: change.token.as_bytes().to_vec(),
        kind: kind.into(),
        method_id: method.unwrap_or_default(),
        at_millis: change.at.millis(),
        revision: change.revision,
    }
}

pub(super) fn revert_record(stored: &pb::RevertRecord) -> Result<RevertRecord, InvalidRow> {
    let method = || id(&stored.method_id);
    let change_kind = match pb::ChangeKind::try_from(stored.kind) {
        Ok(pb::ChangeKind::MethodAdded) => RevertibleChange::Method(method()?),
        Ok(pb::ChangeKind::FirstMethodAdded) => RevertibleChange::FirstMethod(method()?),
        Ok(pb::ChangeKind::MethodAddedByRecovery) => RevertibleChange::RecoveredMethod(method()?),
        Ok(pb::ChangeKind::MethodRemoved) => RevertibleChange::Removal,
        Ok(pb::ChangeKind::DefaultChanged) => RevertibleChange::Default,
        Ok(pb::ChangeKind::RecoveryCodesGenerated) => RevertibleChange::RecoveryCodes,
        Ok(pb::ChangeKind::TwoFactorDisabled) => RevertibleChange::TurnOff,
        Ok(pb::ChangeKind::DeviceTrusted) => RevertibleChange::Trust,
        Ok(pb::ChangeKind::Unspecified) | Err(_) => return Err(UNKNOWN_ENUM),
    };
    Ok(RevertRecord {
        token: DeviceTokenHash::from_bytes(array(&stored.token)?),
        change_kind,
        at: instant(stored.at_millis),
        revision: stored.revision,
    })
}

/// The challenges of wrong attempts, and the attempts: several are at one challenge, and one is soon after the other.
pub(super) fn stored_attempts(attempts: &[WrongAttempt]) -> (Vec<Vec<u8>>, Vec<pb::WrongAttempt>) {
    let mut challenges = Vec::new();
    let mut before = 0;
    let mut stored = Vec::new();
    for attempt in attempts {
        let known = challenges.iter().position(|id| *id == attempt.challenge);
        let place = known.unwrap_or(challenges.len());
        if known.is_none() {
            challenges.push(attempt.challenge);
        }
        let at = attempt.at.millis();
        stored.push(pb::WrongAttempt {
            challenge: u32::try_from(place).unwrap_or(u32::MAX),
            attempt_id: attempt.attempt.as_bytes().to_vec(),
            class: stored_class(attempt.class).into(),
            after_millis: at.wrapping_sub(before),
            skew: attempt.skew.map(|skew| pb::ClockSkew {
                offset: skew.offset,
                step: skew.step.0,
            }),
        });
        before = at;
    }
    let challenges = challenges.iter().map(|id| id.as_bytes().to_vec());
    (challenges.collect(), stored)
}

/// The wrong attempts at these challenges.
pub(super) fn wrong_attempts(
    stored: &[pb::WrongAttempt],
    challenges: &[Vec<u8>],
) -> Result<Vec<WrongAttempt>, InvalidRow> {
    const NO_CHALLENGE: InvalidRow =
        InvalidRow::Shape("an attempt at a challenge that is not listed");
    let mut at = 0_i64;
    let attempts = stored.iter().map(|attempt| {
        let place = usize::try_from(attempt.challenge).map_err(|_| NO_CHALLENGE)?;
        at = at.wrapping_add(attempt.after_millis);
        Ok(WrongAttempt {
            challenge: id(challenges.get(place).ok_or(NO_CHALLENGE)?)?,
            attempt: id(&attempt.attempt_id)?,
            class: attempt_class(attempt.class)?,
            at: instant(at),
            skew: attempt.skew.map(|skew| ClockSkew {
                offset: skew.offset,
                step: TimeStep(skew.step),
            }),
        })
    });
    attempts.collect()
}

pub(super) const fn stored_class(class: Option<AttemptClass>) -> pb::AttemptClass {
    match class {
        None => pb::AttemptClass::Unspecified,
        Some(AttemptClass::Unknown) => pb::AttemptClass::UnknownClient,
        Some(AttemptClass::Known) => pb::AttemptClass::KnownDevice,
        Some(AttemptClass::Recovery) => pb::AttemptClass::Recovery,
    }
}

pub(super) fn attempt_class(stored: i32) -> Result<Option<AttemptClass>, InvalidRow> {
    match pb::AttemptClass::try_from(stored) {
        Ok(pb::AttemptClass::Unspecified) => Ok(None),
        Ok(pb::AttemptClass::UnknownClient) => Ok(Some(AttemptClass::Unknown)),
        Ok(pb::AttemptClass::KnownDevice) => Ok(Some(AttemptClass::Known)),
        Ok(pb::AttemptClass::Recovery) => Ok(Some(AttemptClass::Recovery)),
        Err(_) => Err(UNKNOWN_ENUM),
    }
}
