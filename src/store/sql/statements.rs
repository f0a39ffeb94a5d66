//! A change as a list of statements, to be carried out in one transaction, in order.

use crate::{
    ports::{Committed, EndChallenges},
    store::sql::{Statement, Value, devices, outbox, recovery, reverts},
};
use countersign_domain::{
    change::{Base, Change, Made, Receipt, Spend, Write},
    event::{ChainHead, Event, StoredEvent},
    id::{MethodId, Subject, SubjectTag},
    method::{Label, Method},
    time::Timestamp,
    totp::Step,
};

/// Statements of a change. The receipt comes first, so that of two equal calls the later one learns what it is.
pub(in crate::store) fn of_change(change: &Change) -> Vec<Statement> {
    let mut statements = Vec::new();
    let subject = change.event.subject;
    statements.extend(change.receipt.as_ref().map(|kept| receipt(kept, subject)));
    statements.push(base(change));
    statements.extend(
        change
            .spends
            .iter()
            .map(|spend| spend_statement(change, spend)),
    );
    statements.extend(
        change
            .writes
            .iter()
            .flat_map(|write| write_statements(change, write)),
    );
    statements.extend(recovery::outlived_reset(change));
    statements.push(event(&change.event));
    statements.extend(outbox::of_notices(change));
    statements
}

/// Statements that end challenges without an approval. They lock the user first, as settlements do, so that one of the
/// two sees what the other wrote.
pub(in crate::store) fn of_ends(ends: &EndChallenges) -> Vec<Statement> {
    let lock = Statement::new(
        "UPDATE users SET revision = revision WHERE tenant_id = $1 AND user_id = $2",
        who(&ends.who),
    )
    .or(Committed::ChangedConcurrently);
    let rows = ends.challenges.iter().map(|(id, caller)| {
        Statement::new(
            "INSERT INTO ended_challenges (challenge_id, tenant_id, user_id, caller, ending, at)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (challenge_id) DO NOTHING",
            [
                (*id).into(),
                ends.who.tenant.as_str().into(),
                ends.who.user.as_str().into(),
                caller.as_str().into(),
                ends.how.as_str().into(),
                ends.at.into(),
            ],
        )
    });
    std::iter::once(lock)
        .chain(rows)
        .chain(ends.event.as_ref().map(event))
        .collect()
}

/// The statement that writes an event.
pub(in crate::store) fn event(event: &Event) -> Statement {
    Statement::new(
        "INSERT INTO events (event_id, tenant_id, subject, kind, caller, at, facts, personal)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        [
            event.id.into(),
            event.tenant.as_str().into(),
            (&event.subject.0).into(),
            event.kind.as_str().into(),
            event.caller.as_str().into(),
            event.at.into(),
            event.facts.as_str().into(),
            event.personal.as_bytes().into(),
        ],
    )
}

/// The statement that proves that the store can be written.
pub(in crate::store) fn write_probe(now: Timestamp) -> Statement {
    Statement::new(
        "INSERT INTO write_probe (id, written_at) VALUES (1, $1)
         ON CONFLICT (id) DO UPDATE SET written_at = excluded.written_at",
        [now.into()],
    )
}

/// Statements that give an event its number and hash.
pub(in crate::store) fn seal(event: &StoredEvent, head: ChainHead) -> [Statement; 2] {
    [
        Statement::new(
            "UPDATE events SET sequence = $2, hash = $3 WHERE row_number = $1",
            [event.row.into(), head.sequence.into(), (&head.hash).into()],
        ),
        Statement::new(
            "INSERT INTO event_chains (tenant_id, sequence, hash) VALUES ($1, $2, $3)
             ON CONFLICT (tenant_id) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash",
            [event.tenant.as_str().into(), head.sequence.into(), (&head.hash).into()],
        ),
    ]
}

pub(super) fn who(subject: &Subject) -> [Value; 2] {
    [subject.tenant.as_str().into(), subject.user.as_str().into()]
}

pub(super) fn with<const N: usize>(subject: &Subject, more: [Value; N]) -> Vec<Value> {
    who(subject).into_iter().chain(more).collect()
}

pub(super) fn receipt(receipt: &Receipt, subject: SubjectTag) -> Statement {
    let (made, id) = match receipt.made {
        Made::Nothing => ("NOTHING", None),
        Made::Challenge(id) => ("CHALLENGE", Some(id.as_bytes().to_vec())),
        Made::Method(id) => ("METHOD", Some(id.as_bytes().to_vec())),
        Made::TokenOf(id) => ("TOKEN_OF", Some(id.as_bytes().to_vec())),
    };
    Statement::new(
        "INSERT INTO receipts (tag, payload, made, made_id, answer, at, subject) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (tag) DO NOTHING",
        [
            (&receipt.mark.tag).into(),
            (&receipt.mark.payload).into(),
            made.into(),
            id.into(),
            receipt.answer.as_ref().map(|answer| answer.as_bytes().to_vec()).into(),
            receipt.at.into(),
            (&subject.0).into(),
        ],
    )
    .or(Committed::RanBefore)
}

/// Locks the user, and goes on only from where the change was decided.
fn base(change: &Change) -> Statement {
    let now: Value = change.now.into();
    match change.base {
        Base::Absent => new_user(
            // Of users whose ids differ only in case, whoever they are, one is enough to refuse a further one.
            "INSERT INTO users (tenant_id, user_id, folded_id, exact_id, epoch, revision, user_key, profile,
                 email_verified, email_version, created_at, updated_at)
             VALUES ($1, $2, $3,
                 coalesce((SELECT min(exact_id) FROM users WHERE tenant_id = $1 AND folded_id = $3 AND user_id <> $2), ''),
                 $4, 1, $5, $5, 0, 0, $6, $6) ON CONFLICT (tenant_id, user_id) DO NOTHING",
            change,
        ),
        Base::AbsentToTheCase => new_user(
            "INSERT INTO users (tenant_id, user_id, folded_id, exact_id, epoch, revision, user_key, profile,
                 email_verified, email_version, created_at, updated_at)
             VALUES ($1, $2, $3, $2, $4, 1, $5, $5, 0, 0, $6, $6) ON CONFLICT (tenant_id, user_id) DO NOTHING",
            change,
        ),
        Base::Present(epoch, revision) => Statement::new(
            "UPDATE users SET epoch = $3, revision = revision + 1, updated_at = $4
             WHERE tenant_id = $1 AND user_id = $2 AND epoch = $5 AND revision = $6",
            with(
                &change.subject,
                [change.epoch.number().into(), now, epoch.number().into(), revision.into()],
            ),
        ),
        Base::Epoch(epoch) => Statement::new(
            "UPDATE users SET revision = revision WHERE tenant_id = $1 AND user_id = $2 AND epoch = $3",
            with(&change.subject, [epoch.number().into()]),
        ),
    }
    .or(Committed::ChangedConcurrently)
}

fn new_user(sql: &'static str, change: &Change) -> Statement {
    let values = [
        change.subject.user.folded().as_str().into(),
        change.epoch.number().into(),
        Value::Bytes(Some(Vec::new())),
        change.now.into(),
    ];
    Statement::new(sql, with(&change.subject, values))
}

fn spend_statement(change: &Change, spend: &Spend) -> Statement {
    match spend {
        Spend::Approval(id) => Statement::new(
            "UPDATE ended_challenges SET spent_at = $3
             WHERE tenant_id = $1 AND user_id = $2 AND approval_id = $4 AND spent_at IS NULL",
            with(&change.subject, [change.now.into(), (*id).into()]),
        ),
        Spend::Attestation(caller, id) => Statement::new(
            "INSERT INTO attestations (caller, attestation_id, at) VALUES ($1, $2, $3)
             ON CONFLICT (caller, attestation_id) DO NOTHING",
            [
                caller.as_str().into(),
                id.as_str().into(),
                change.now.into(),
            ],
        ),
    }
    .or(Committed::ProofSpent)
}

fn write_statements(change: &Change, write: &Write) -> Vec<Statement> {
    let subject = &change.subject;
    match write {
        Write::Profile {
            profile,
            email_verified,
            email_version,
            email_tag,
            email_since,
        } => {
            let values = [
                profile.as_bytes().into(),
                (*email_verified).into(),
                (*email_version).into(),
                email_tag.map(Vec::from).into(),
                email_since.map(Timestamp::millis).into(),
            ];
            vec![put_on_file(subject, values)]
        }
        Write::UserKey(key) => vec![Statement::new(
            "UPDATE users SET user_key = $3 WHERE tenant_id = $1 AND user_id = $2",
            with(subject, [key.as_bytes().into()]),
        )],
        Write::AddMethod(method, step) => {
            vec![
                add_method(subject, method, *step),
                reverts::release(subject),
            ]
        }
        Write::RenameMethod(id, label) => vec![rename_method(subject, *id, label)],
        Write::SetDefault(id) => vec![Statement::new(
            "UPDATE users SET default_method = $3 WHERE tenant_id = $1 AND user_id = $2",
            with(subject, [(*id).into()]),
        )],
        Write::RemoveMethod(id) => remove_method(subject, *id),
        Write::RecoveryCodes(set) => recovery::recovery_codes(change, set),
        Write::ConfirmRecoveryCodes(set) => vec![recovery::confirmed(change, *set)],
        Write::NoRecoveryCodes => recovery::no_recovery_codes(subject),
        Write::RotateToken(rotation) => vec![devices::rotate(change, rotation)],
        Write::TrustDevices(ids, until) => devices::trust(change, ids, *until),
        Write::UntrustDevice(id) => vec![devices::untrust(subject, *id)],
        Write::UntrustDevices => vec![devices::untrust_all(subject)],
        Write::ForgetDevice(id) => vec![devices::forget(subject, *id)],
        Write::RenameDevice(id, name) => vec![devices::rename(subject, *id, name)],
        Write::Erase => erase(change),
        Write::RemoveAllMethods => remove_all_methods(subject),
        Write::BypassCode(code) => vec![recovery::bypass_code(change, code)],
        Write::BeginReset(reset) => vec![recovery::reset(subject, reset)],
        Write::MailResetCode(id, to) => vec![recovery::reset_code(subject, *id, *to)],
        Write::CancelReset(id) => vec![recovery::cancelled_reset(change, *id)],
        Write::FinishReset(id) => vec![recovery::finished_reset(subject, *id)],
        Write::NoBypassCode => vec![recovery::no_bypass_code(subject)],
        Write::LiftWindows => recovery::lift_windows(subject),
        Write::Revertible(token, did) => vec![reverts::revertible(change, *token, *did)],
        Write::Revert(reverting) => reverts::revert(subject, reverting),
        Write::NoRevertible => vec![reverts::none(subject)],
        Write::NoDevices => vec![devices::forget_all(subject)],
    }
}

fn put_on_file(subject: &Subject, values: [Value; 5]) -> Statement {
    Statement::new(
        "UPDATE users SET profile = $3, email_verified = $4, email_version = $5, email_tag = $6,
             email_since = coalesce($7, email_since)
         WHERE tenant_id = $1 AND user_id = $2",
        with(subject, values),
    )
}

/// The user goes, and with them whatever hangs on them, whatever was still to be told to them, and whatever repeats were
/// still to be shown. What says only that a call ran stays, so that its repeats are harmless.
fn erase(change: &Change) -> Vec<Statement> {
    let of_subject = |sql| Statement::new(sql, [(&change.event.subject.0).into()]);
    vec![
        of_subject("DELETE FROM outbox WHERE subject = $1"),
        of_subject("DELETE FROM receipts WHERE subject = $1 AND answer IS NOT NULL"),
        Statement::new(
            "DELETE FROM users WHERE tenant_id = $1 AND user_id = $2",
            who(&change.subject),
        ),
    ]
}

fn rename_method(subject: &Subject, id: MethodId, label: &Label) -> Statement {
    Statement::new(
        "UPDATE methods SET label = $4 WHERE tenant_id = $1 AND user_id = $2 AND method_id = $3",
        with(subject, [id.into(), label.as_str().into()]),
    )
    .or(Committed::ChangedConcurrently)
}

fn remove_method(subject: &Subject, id: MethodId) -> Vec<Statement> {
    vec![
        Statement::new(
            "DELETE FROM methods WHERE tenant_id = $1 AND user_id = $2 AND method_id = $3",
            with(subject, [id.into()]),
        )
        .or(Committed::ChangedConcurrently),
        Statement::new(
            "UPDATE users SET default_method = NULL
             WHERE tenant_id = $1 AND user_id = $2 AND default_method = $3",
            with(subject, [id.into()]),
        ),
    ]
}

fn remove_all_methods(subject: &Subject) -> Vec<Statement> {
    vec![
        Statement::new(
            "DELETE FROM methods WHERE tenant_id = $1 AND user_id = $2",
            who(subject),
        ),
        Statement::new(
            "UPDATE users SET default_method = NULL, held = 0 WHERE tenant_id = $1 AND user_id = $2",
            who(subject),
        ),
    ]
}

fn add_method(subject: &Subject, method: &Method, step: Option<Step>) -> Statement {
    let step = step.map(|Step(step)| step.cast_signed());
    Statement::new(
        "INSERT INTO methods (tenant_id, user_id, method_id, kind, label, version, sealed, last_step, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        with(
            subject,
            [
                method.id.into(),
                method.kind.as_str().into(),
                method.label.as_str().into(),
                method.version.into(),
                method.sealed.as_bytes().into(),
                step.into(),
                method.created_at.into(),
            ],
        ),
    )
}
