//! What changes write of the ways back in.

use crate::{
    ports::Committed,
    store::sql::{
        Statement,
        statements::{who, with},
    },
};
use countersign_domain::{
    bypass::NewBypassCode,
    change::{Base, Change},
    id::{ChallengeId, RecoverySetId, ResetId, Subject},
    recovery::NewRecoverySet,
    reset::Reset,
};

pub(super) fn bypass_code(change: &Change, code: &NewBypassCode) -> Statement {
    Statement::new(
        "INSERT INTO bypass_codes (tenant_id, user_id, bypass_id, hash, epoch, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (tenant_id, user_id) DO UPDATE SET bypass_id = excluded.bypass_id, hash = excluded.hash,
             epoch = excluded.epoch, expires_at = excluded.expires_at",
        with(
            &change.subject,
            [
                code.id.into(),
                code.hash.as_phc().into(),
                change.epoch.number().into(),
                code.expires_at.into(),
            ],
        ),
    )
}

pub(super) fn no_bypass_code(subject: &Subject) -> Statement {
    Statement::new(
        "DELETE FROM bypass_codes WHERE tenant_id = $1 AND user_id = $2",
        who(subject),
    )
}

/// The failures stay on record, so that a guess is counted once and a challenge that was exhausted stays so.
pub(super) fn lift_windows(subject: &Subject) -> Vec<Statement> {
    vec![
        Statement::new(
            "UPDATE failures SET class = -1 WHERE tenant_id = $1 AND user_id = $2",
            who(subject),
        ),
        Statement::new(
            "DELETE FROM announced_windows WHERE tenant_id = $1 AND user_id = $2",
            who(subject),
        ),
    ]
}

pub(super) fn recovery_codes(change: &Change, set: &NewRecoverySet) -> Vec<Statement> {
    let subject = &change.subject;
    let total = i64::try_from(set.hashes.len()).unwrap_or(i64::MAX);
    let mut statements = no_recovery_codes(subject);
    statements.push(Statement::new(
        "UPDATE users SET recovery_set = $3, recovery_total = $4, recovery_made_at = $5, recovery_kind = $6
         WHERE tenant_id = $1 AND user_id = $2",
        with(
            subject,
            [
                set.id.into(),
                total.into(),
                change.now.into(),
                set.kind.as_str().into(),
            ],
        ),
    ));
    statements.extend(set.hashes.iter().map(|(slot, hash)| {
        Statement::new(
            "INSERT INTO recovery_codes (tenant_id, user_id, slot, hash) VALUES ($1, $2, $3, $4)",
            with(
                subject,
                [i64::from(slot.number()).into(), hash.as_phc().into()],
            ),
        )
    }));
    statements
}

pub(super) fn confirmed(change: &Change, set: RecoverySetId) -> Statement {
    Statement::new(
        "UPDATE users SET recovery_confirmed_at = coalesce(recovery_confirmed_at, $3)
         WHERE tenant_id = $1 AND user_id = $2 AND recovery_set = $4",
        with(&change.subject, [change.now.into(), set.into()]),
    )
    .or(Committed::ChangedConcurrently)
}

pub(super) fn no_recovery_codes(subject: &Subject) -> Vec<Statement> {
    vec![
        Statement::new(
            "DELETE FROM recovery_codes WHERE tenant_id = $1 AND user_id = $2",
            who(subject),
        ),
        Statement::new(
            "UPDATE users SET recovery_set = NULL, recovery_total = 0, recovery_made_at = NULL,
                 recovery_confirmed_at = NULL
             WHERE tenant_id = $1 AND user_id = $2",
            who(subject),
        ),
    ]
}

pub(super) fn reset(subject: &Subject, reset: &Reset) -> Statement {
    Statement::new(
        "INSERT INTO resets (tenant_id, user_id, reset_id, epoch, due_at, ends_at, begun_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (tenant_id, user_id) DO UPDATE SET reset_id = excluded.reset_id, epoch = excluded.epoch,
             due_at = excluded.due_at, ends_at = excluded.ends_at, begun_at = excluded.begun_at, cancelled_at = NULL,
             challenge_id = NULL",
        with(
            subject,
            [
                reset.id.into(),
                reset.epoch.number().into(),
                reset.due_at.into(),
                reset.ends_at.into(),
                reset.begun_at.into(),
            ],
        ),
    )
}

pub(super) fn reset_code(subject: &Subject, id: ResetId, challenge: ChallengeId) -> Statement {
    Statement::new(
        "UPDATE resets SET challenge_id = $4
         WHERE tenant_id = $1 AND user_id = $2 AND reset_id = $3 AND cancelled_at IS NULL",
        with(subject, [id.into(), challenge.into()]),
    )
    .or(Committed::ChangedConcurrently)
}

/// Whatever lets the epoch grow cancels the reset that is pending in it, from when on there is none for a while. One that
/// this very change finished is gone already.
pub(super) fn outlived_reset(change: &Change) -> Option<Statement> {
    let Base::Present(before, _) = change.base else {
        return None;
    };
    (change.epoch != before).then(|| {
        Statement::new(
            "UPDATE resets SET cancelled_at = $3
             WHERE tenant_id = $1 AND user_id = $2 AND epoch = $4 AND cancelled_at IS NULL AND ends_at > $3",
            with(
                &change.subject,
                [change.now.into(), before.number().into()],
            ),
        )
    })
}

pub(super) fn cancelled_reset(change: &Change, id: ResetId) -> Statement {
    Statement::new(
        "UPDATE resets SET cancelled_at = $4
         WHERE tenant_id = $1 AND user_id = $2 AND reset_id = $3 AND cancelled_at IS NULL",
        with(&change.subject, [id.into(), change.now.into()]),
    )
    .or(Committed::ChangedConcurrently)
}

pub(super) fn finished_reset(subject: &Subject, id: ResetId) -> Statement {
    Statement::new(
        "DELETE FROM resets WHERE tenant_id = $1 AND user_id = $2 AND reset_id = $3 AND cancelled_at IS NULL",
        with(subject, [id.into()]),
    )
    .or(Committed::ChangedConcurrently)
}
