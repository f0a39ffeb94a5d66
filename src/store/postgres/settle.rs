//! A settlement in PostgreSQL: one call of one function, which rules as the domain does.

use crate::{
    ports::Stored,
    store::{
        postgres::{NAME, PostgresAccounts, fails},
        sql::{
            Value,
            devices::hash,
            queries::{self, FAILURES_COUNT_FOR},
            rows::{self, skew},
            settlements::action_and_digest,
            unavailable,
        },
    },
};
use countersign_domain::{
    challenge::{Effect, Judgement},
    recovery::RecoveryKey,
    settlement::{DeviceSeen, Ended, Settled, Settlement},
    time::{Timestamp, millis},
};
use sqlx::{Row, postgres::PgRow};

const SETTLE: &str = "SELECT ruling, until_at, codes_left, previous_offset, previous_step, approved_before, devices_after
    FROM settle($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
        $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44,
        $45, $46, $47, $48, $49, $50, $51, $52, $53, $54, $55, $56, $57)";

/// Rules on a judgement. Asked again if the connection broke: the same guess is never counted twice.
pub(super) async fn settle(
    accounts: &PostgresAccounts,
    settlement: &Settlement,
) -> Stored<Settled> {
    let row = accounts.row_again(SETTLE, &values(settlement)).await?;
    settled(&row, settlement)
}

fn settled(row: &PgRow, settlement: &Settlement) -> Stored<Settled> {
    let ruling: String = row.try_get("ruling").map_err(fails)?;
    let number = |column| row.try_get::<Option<i64>, _>(column).map_err(fails);
    let codes_left = u32::try_from(number("codes_left")?.unwrap_or_default()).unwrap_or(u32::MAX);
    let previous_skew = skew(number("previous_offset")?, number("previous_step")?);
    let devices = || {
        let text: String = row.try_get("devices_after").map_err(fails)?;
        rows::devices_in(NAME, &text)
    };
    match ruling.as_str() {
        "APPROVE" => {
            let mut approval = Box::new(settlement.approval.clone());
            approval.epoch = settlement.epoch_after();
            Ok(Settled::Approved {
                approval,
                codes_left,
                devices: devices()?,
            })
        }
        "APPROVED_BEFORE" => {
            let before: String = row.try_get("approved_before").map_err(fails)?;
            match rows::ended(NAME, &settlement.subject, &[before])? {
                Some((_, Ended::Approved(approval))) => Ok(Settled::Approved {
                    approval,
                    codes_left,
                    devices: devices()?,
                }),
                _ => Err(unavailable(NAME, "an approval that is none")),
            }
        }
        "REJECT" | "REJECTED_BEFORE" => Ok(Settled::Rejected { previous_skew }),
        "FULL" => Ok(Settled::Full(Timestamp::from_millis(
            number("until_at")?.unwrap_or_default(),
        ))),
        "OVER" => Ok(Settled::Over),
        _ => Err(unavailable(NAME, "settle gave an unknown ruling")),
    }
}

/// In the order of the function's parameters.
fn values(settlement: &Settlement) -> Vec<Value> {
    [
        challenge(settlement),
        guess(settlement),
        effect(settlement),
        approval(settlement),
        device(settlement),
        event(settlement),
        next_key(settlement),
    ]
    .concat()
}

fn challenge(settlement: &Settlement) -> Vec<Value> {
    vec![
        settlement.subject.tenant.as_str().into(),
        settlement.subject.user.as_str().into(),
        settlement.challenge.into(),
        settlement.issued_at.into(),
        settlement.epoch.number().into(),
        i64::from(settlement.attempts).into(),
    ]
}

fn guess(settlement: &Settlement) -> Vec<Value> {
    let guess = &settlement.guess;
    vec![
        guess.id.into(),
        guess.class.number().into(),
        guess.at.into(),
        guess.windows.short.count.into(),
        millis(guess.windows.short.within).into(),
        guess.windows.long.count.into(),
        millis(guess.windows.long.within).into(),
        guess.at.minus(FAILURES_COUNT_FOR).into(),
        settlement.asked.map(|(id, _)| id).into(),
        settlement
            .asked
            .map(|(_, version)| i64::from(version))
            .into(),
        settlement.failures_until_disabled.into(),
    ]
}

fn effect(settlement: &Settlement) -> Vec<Value> {
    let effect = match settlement.judgement {
        Judgement::Right(effect) => Some(effect),
        Judgement::Wrong { .. } => None,
    };
    let name = effect.map(|effect| match effect {
        Effect::Plain => "PLAIN",
        Effect::Step { .. } => "STEP",
        Effect::RecoveryCode { .. } => "RECOVERY_CODE",
        Effect::BypassCode { .. } => "BYPASS_CODE",
        Effect::RecoveryKey { .. } => "RECOVERY_KEY",
        Effect::EmailVerified { .. } => "EMAIL_VERIFIED",
    });
    let (step, acceptable_from) = match effect {
        Some(Effect::Step {
            step,
            acceptable_from,
        }) => (Some(step.0.cast_signed()), Some(acceptable_from.millis())),
        _ => (None, None),
    };
    let (set, slot) = match effect {
        Some(Effect::RecoveryCode { set, slot }) => (Some(set), Some(i64::from(slot.number()))),
        Some(Effect::RecoveryKey { set }) => {
            (Some(set), Some(i64::from(RecoveryKey::SLOT.number())))
        }
        _ => (None, None),
    };
    let email_version = match effect {
        Some(Effect::EmailVerified { version }) => Some(i64::from(version)),
        _ => None,
    };
    let skew = match settlement.judgement {
        Judgement::Wrong { skew } => skew,
        Judgement::Right(_) => None,
    };
    vec![
        name.map(str::to_owned).into(),
        step.into(),
        acceptable_from.into(),
        set.into(),
        slot.into(),
        email_version.into(),
        skew.map(|skew| skew.offset).into(),
        skew.map(|skew| skew.step.0.cast_signed()).into(),
    ]
}

fn approval(settlement: &Settlement) -> Vec<Value> {
    let approval = &settlement.approval;
    let (action, digest) = action_and_digest(&approval.purpose);
    vec![
        approval.id.into(),
        approval.caller.as_str().into(),
        approval.payload.map(Vec::from).into(),
        approval.purpose.as_str().into(),
        action.into(),
        digest.into(),
        approval.answered_by.as_str().into(),
        approval.method.into(),
        approval
            .audience
            .as_ref()
            .map(|audience| audience.as_str().to_owned())
            .into(),
        settlement.epoch_after().number().into(),
        approval.key.as_str().into(),
    ]
}

fn device(settlement: &Settlement) -> Vec<Value> {
    let device = settlement.device.as_ref();
    let text = |of: fn(&DeviceSeen) -> Option<String>| device.and_then(of).into();
    vec![
        device.map(|device| device.id).into(),
        text(|device| Some(device.name.as_str().to_owned())),
        text(|device| Some(device.app?.as_str().to_owned())),
        device
            .map(|device| device.series.as_bytes().to_vec())
            .into(),
        text(|device| Some(hash(device.token))),
        text(|device| device.presented.map(hash)),
        text(|device| Some(device.proved_by.as_str().to_owned())),
        device
            .and_then(|device| device.trusted_until)
            .map(Timestamp::millis)
            .into(),
        device.map(|device| i64::from(device.at_most)).into(),
    ]
}

fn event(settlement: &Settlement) -> Vec<Value> {
    let event = &settlement.approved_event;
    vec![
        event.id.into(),
        (&event.subject.0).into(),
        event.personal.as_bytes().into(),
        event.facts.as_str().into(),
        settlement.rejected_event.facts.as_str().into(),
        queries::bypass_of(settlement).into(),
    ]
}

fn next_key(settlement: &Settlement) -> Vec<Value> {
    let next = settlement.next_key.as_ref();
    let (key, receipt) = next.map_or((None, None), |(key, receipt)| (Some(key), receipt.as_ref()));
    vec![
        key.map(|key| key.set).into(),
        key.map(|key| key.hash.as_phc().to_owned()).into(),
        receipt.map(|receipt| receipt.mark.tag.to_vec()).into(),
        receipt.map(|receipt| receipt.mark.payload.to_vec()).into(),
        receipt
            .and_then(|receipt| Some(receipt.answer.as_ref()?.as_bytes().to_vec()))
            .into(),
        receipt.map(|receipt| receipt.at.millis()).into(),
    ]
}
