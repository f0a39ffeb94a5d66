//! A ruling as a list of statements, for the store that rules with the domain's own rule.

use crate::{
    ports::Committed,
    store::sql::{
        Statement, Value, devices, outbox,
        statements::{event, receipt as receipt_row, with},
    },
};
use countersign_domain::{
    alarm::Alarm,
    approval::{Approval, ApprovedPurpose},
    challenge::{Effect, Judgement},
    change::Ending,
    recovery::RecoveryKey,
    settlement::{Facts, Settlement},
    totp::Skew,
};

/// A settlement that writes less than it ruled is rolled back.
const MISSED: Committed = Committed::ChangedConcurrently;

/// The challenge has an ending already. That is written first, so that nothing else was.
pub(in crate::store) const ENDED_BEFORE: Committed = Committed::RanBefore;

/// An approval: the approval itself, the effect, the method's good turn, the device, the alarm, the event.
pub(in crate::store) fn of_approval(
    settlement: &Settlement,
    approval: &Approval,
    (facts, codes_left): (&Facts, u32),
) -> Vec<Statement> {
    let mut statements = vec![approval_row(approval)];
    if let Judgement::Right(effect) = settlement.judgement {
        statements.extend(effect_statements(settlement, approval, effect));
    }
    if let Some((method, _)) = settlement.asked {
        statements.push(Statement::new(
            "UPDATE methods SET consecutive_failures = 0, last_used_at = $4
             WHERE tenant_id = $1 AND user_id = $2 AND method_id = $3",
            with(
                &settlement.subject,
                [method.into(), settlement.guess.at.into()],
            ),
        ));
    }
    if let Some(device) = &settlement.device {
        statements.extend(devices::of_device_seen(settlement, device));
    }
    if settlement.cancels_reset(facts) {
        statements.extend(cancelled_reset(settlement));
        statements.extend(raise(settlement, Alarm::ResetCancelled));
    }
    let alarm = settlement.alarm_of_approval(facts, codes_left);
    statements.extend(alarm.into_iter().flat_map(|alarm| raise(settlement, alarm)));
    statements.push(event(&settlement.approved_event));
    statements
}

/// A failure: the challenge's end if it was the last, the durable window, the method's bad turn, the alarms, the event.
pub(in crate::store) fn of_rejection(settlement: &Settlement, facts: &Facts) -> Vec<Statement> {
    let exhausts = settlement.exhausts(facts);
    let skew = match settlement.judgement {
        Judgement::Wrong { skew } => skew,
        Judgement::Right(_) => None,
    };
    let mut statements: Vec<Statement> = exhausts
        .then(|| exhaustion(settlement))
        .into_iter()
        .collect();
    statements.push(failure(settlement, skew));
    if let Some((method, _)) = settlement.asked {
        statements.push(Statement::new(
            "UPDATE methods SET consecutive_failures = consecutive_failures + 1,
                 disabled = CASE WHEN consecutive_failures + 1 >= $4 THEN 1 ELSE disabled END
             WHERE tenant_id = $1 AND user_id = $2 AND method_id = $3",
            with(
                &settlement.subject,
                [method.into(), settlement.failures_until_disabled.into()],
            ),
        ));
    }
    if settlement.window_was_empty(facts) {
        statements.push(of_window(
            settlement,
            "DELETE FROM announced_windows WHERE tenant_id = $1 AND user_id = $2 AND class = $3",
        ));
    }
    for alarm in settlement.alarms_of_rejection(facts) {
        if alarm == Alarm::ManyWrongCodes {
            statements.push(of_window(
                settlement,
                "INSERT INTO announced_windows (tenant_id, user_id, class) VALUES ($1, $2, $3)",
            ));
        }
        statements.extend(raise(settlement, alarm));
    }
    statements.push(event(&settlement.rejected_event));
    statements
}

fn of_window(settlement: &Settlement, sql: &'static str) -> Statement {
    let class = settlement.guess.class.number().into();
    Statement::new(sql, with(&settlement.subject, [class]))
}

fn raise(settlement: &Settlement, alarm: Alarm) -> [Statement; 2] {
    let subject = settlement.approved_event.subject;
    outbox::of_alarm(&settlement.subject, subject, alarm, settlement.guess.at)
}

fn exhaustion(settlement: &Settlement) -> Statement {
    Statement::new(
        "INSERT INTO ended_challenges (tenant_id, user_id, challenge_id, caller, ending, at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (challenge_id) DO NOTHING",
        with(
            &settlement.subject,
            [
                settlement.challenge.into(),
                settlement.approval.caller.as_str().into(),
                Ending::Exhausted.as_str().into(),
                settlement.guess.at.into(),
            ],
        ),
    )
    .or(ENDED_BEFORE)
}

fn failure(settlement: &Settlement, skew: Option<Skew>) -> Statement {
    Statement::new(
        "INSERT INTO failures (tenant_id, user_id, challenge_id, guess_id, class, at, skew_offset, skew_step)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        with(
            &settlement.subject,
            [
                settlement.challenge.into(),
                settlement.guess.id.into(),
                settlement.guess.class.number().into(),
                settlement.guess.at.into(),
                skew.map(|skew| skew.offset).into(),
                skew.map(|skew| skew.step.0.cast_signed()).into(),
            ],
        ),
    )
}

fn effect_statements(
    settlement: &Settlement,
    approval: &Approval,
    effect: Effect,
) -> Vec<Statement> {
    let subject = &settlement.subject;
    match effect {
        Effect::Plain => Vec::new(),
        Effect::Step { step, .. } => settlement
            .asked
            .map(|(method, _)| {
                Statement::new(
                    "UPDATE methods SET last_step = $4 WHERE tenant_id = $1 AND user_id = $2 AND method_id = $3",
                    with(subject, [method.into(), step.0.cast_signed().into()]),
                )
                .or(MISSED)
            })
            .into_iter()
            .collect(),
        Effect::RecoveryCode { slot, .. } => vec![
            Statement::new(
                "UPDATE recovery_codes SET used_at = $4
                 WHERE tenant_id = $1 AND user_id = $2 AND slot = $3 AND used_at IS NULL",
                with(subject, [i64::from(slot.number()).into(), settlement.guess.at.into()]),
            )
            .or(MISSED),
            epoch(approval),
        ],
        Effect::RecoveryKey { .. } => next_key(settlement, approval),
        Effect::BypassCode { .. } => vec![
            Statement::new(
                "DELETE FROM bypass_codes WHERE tenant_id = $1 AND user_id = $2",
                with(subject, []),
            )
            .or(MISSED),
            epoch(approval),
        ],
        Effect::EmailVerified { .. } => vec![
            Statement::new(
                "UPDATE users SET email_verified = 1, revision = revision + 1
                 WHERE tenant_id = $1 AND user_id = $2",
                with(subject, []),
            )
            .or(MISSED),
        ],
    }
}

/// Whoever can pass a second factor, or something that stands in for one, needs no reset.
fn cancelled_reset(settlement: &Settlement) -> [Statement; 2] {
    let subject = &settlement.subject;
    [
        Statement::new(
            "UPDATE resets SET cancelled_at = $3 WHERE tenant_id = $1 AND user_id = $2",
            with(subject, [settlement.guess.at.into()]),
        )
        .or(MISSED),
        Statement::new(
            "UPDATE users SET revision = revision + 1 WHERE tenant_id = $1 AND user_id = $2",
            with(subject, []),
        ),
    ]
}

/// The next key takes the place of the used one, and a repeat of the call will meet it.
fn next_key(settlement: &Settlement, approval: &Approval) -> Vec<Statement> {
    let Some((next, receipt)) = &settlement.next_key else {
        return Vec::new();
    };
    let subject = &settlement.subject;
    let slot = i64::from(RecoveryKey::SLOT.number());
    let mut statements = vec![
        Statement::new(
            "UPDATE recovery_codes SET hash = $4 WHERE tenant_id = $1 AND user_id = $2 AND slot = $3",
            with(subject, [slot.into(), next.hash.as_phc().into()]),
        )
        .or(MISSED),
        Statement::new(
            "UPDATE users SET recovery_set = $3, recovery_made_at = $4, recovery_confirmed_at = NULL
             WHERE tenant_id = $1 AND user_id = $2",
            with(subject, [next.set.into(), settlement.guess.at.into()]),
        )
        .or(MISSED),
        epoch(approval),
    ];
    let tag = settlement.approved_event.subject;
    statements.extend(receipt.as_ref().map(|kept| receipt_row(kept, tag)));
    statements
}

fn epoch(approval: &Approval) -> Statement {
    Statement::new(
        "UPDATE users SET epoch = $3, revision = revision + 1 WHERE tenant_id = $1 AND user_id = $2",
        with(&approval.subject, [approval.epoch.number().into()]),
    )
    .or(MISSED)
}

fn approval_row(approval: &Approval) -> Statement {
    let (action, digest) = action_and_digest(&approval.purpose);
    let more: [Value; 15] = [
        approval.challenge.into(),
        approval.caller.as_str().into(),
        approval.at.into(),
        approval.id.into(),
        approval.guess.into(),
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
        approval.epoch.number().into(),
        approval.key.as_str().into(),
        approval.device.into(),
    ];
    Statement::new(
        "INSERT INTO ended_challenges (tenant_id, user_id, challenge_id, caller, ending, at, approval_id, guess_id,
             payload, purpose, action, digest, answered_by, method_id, audience, epoch, key_id, device_id)
         VALUES ($1, $2, $3, $4, 'APPROVED', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
         ON CONFLICT (challenge_id) DO NOTHING",
        with(&approval.subject, more),
    )
    .or(ENDED_BEFORE)
}

/// The columns of what an approval is bound to.
pub(in crate::store) fn action_and_digest(
    purpose: &ApprovedPurpose,
) -> (Option<String>, Option<Vec<u8>>) {
    match purpose {
        ApprovedPurpose::StepUp { action, digest } => (
            Some(action.clone()),
            digest.map(|digest| digest.as_bytes().to_vec()),
        ),
        ApprovedPurpose::Change { action } => (Some(action.clone()), None),
        ApprovedPurpose::SignIn
        | ApprovedPurpose::VerifyEmail
        | ApprovedPurpose::Enrollment
        | ApprovedPurpose::Reset => (None, None),
    }
}
