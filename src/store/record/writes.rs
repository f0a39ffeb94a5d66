//! Rows that an operation adds beside the user's own.

use super::{
    RecordSealing, ending, idempotency,
    rows::{
        AccountWrite, AttestationRow, EndingRow, EventRow, IdempotencyRow, NewAlertRow,
        NewNoticeRow, OperationWrites,
    },
};
use countersign_domain::{
    account::change::{
        AccountChange, AppliedChange, ConsumedProof, IdempotencyRecord, QueuedNotice,
    },
    audit_event::AuditEvent,
    authorization::caller::CallerName,
    challenge::verdict::ChallengeOutcome,
    method::MethodKind,
    notice::alert::SecurityAlert,
    value::{
        id::{ChallengeId, Subject, SubjectTag},
        time::Timestamp,
    },
};

/// What a change writes, besides what it does to the user's row.
pub(super) fn writes_beside(
    change: &AccountChange,
    account: AccountWrite,
    applied: &AppliedChange,
) -> OperationWrites {
    let tag = change.event.subject;
    let notices = change
        .notices
        .iter()
        .zip(std::iter::repeat(applied.notice_turn));
    let attestations = change
        .consumed_proofs
        .iter()
        .filter_map(|spend| match spend {
            ConsumedProof::Approval(_) => None,
            ConsumedProof::Attestation(caller, id) => Some(AttestationRow {
                caller: caller.as_str().to_owned(),
                attestation_id: id.clone(),
                at: change.now.millis(),
            }),
        });
    OperationWrites {
        account,
        event: Some(event_row(&change.event)),
        notices: notices
            .filter_map(|(notice, turn)| {
                Some(NewNoticeRow {
                    notice_id: *notice.id.as_bytes(),
                    subject: notice.subject,
                    turn: turn?,
                    channel: notice.channel.as_str(),
                    sealed: notice.sealed.as_bytes().to_vec(),
                    at: change.now.millis(),
                })
            })
            .collect(),
        idempotency: change
            .idempotency_record
            .as_ref()
            .map(|idempotency_record| idempotency::row(idempotency_record, tag)),
        attestations: attestations.collect(),
        ..OperationWrites::default()
    }
}

/// The row of a challenge's ending.
pub(in crate::store) fn ending_row(
    subject: &Subject,
    challenge: ChallengeId,
    caller: &CallerName,
    at: Timestamp,
    ended: &ChallengeOutcome,
    sealing: &RecordSealing,
) -> EndingRow {
    let ending = ending::stored_ending(caller, at, ended);
    EndingRow {
        challenge_id: *challenge.as_bytes(),
        at: at.millis(),
        ending: sealing.seal_ending(subject, challenge, &ending),
    }
}

/// The row of an audit event.
pub(in crate::store) fn event_row(event: &AuditEvent) -> EventRow {
    EventRow {
        event_id: *event.id.as_bytes(),
        tenant_id: event.tenant.as_str().to_owned(),
        subject: event.subject,
        kind: event.kind.as_str(),
        caller: event.caller.as_str().to_owned(),
        at: event.at.millis(),
        details: event.details.as_str().to_owned(),
        personal: event.personal.as_bytes().to_vec(),
    }
}

pub(super) fn alert_row(
    subject: &Subject,
    tag: SubjectTag,
    turn: i64,
    alert: SecurityAlert,
    at: Timestamp,
) -> NewAlertRow {
    let method = alert.method();
    NewAlertRow {
        tenant_id: subject.tenant.as_str().to_owned(),
        user_id: subject.user.as_str().to_owned(),
        subject: tag,
        turn,
        kind: alert.as_str(),
        method_id: method.map(|(id, _)| *id.as_bytes()),
        method_kind: method.map(|(_, kind)| MethodKind::as_str(kind)),
        codes_left: alert.codes_left().map(i64::from),
        at: at.millis(),
    }
}

/// A policy's idempotency record.
pub(in crate::store) fn idempotency_row(
    idempotency_record: &IdempotencyRecord,
    tag: SubjectTag,
) -> IdempotencyRow {
    idempotency::row(idempotency_record, tag)
}

/// The row of a queued notice, as of its turn.
pub(in crate::store) fn notice_row(
    notice: &QueuedNotice,
    turn: i64,
    at: Timestamp,
) -> NewNoticeRow {
    NewNoticeRow {
        notice_id: *notice.id.as_bytes(),
        subject: notice.subject,
        turn,
        channel: notice.channel.as_str(),
        sealed: notice.sealed.as_bytes().to_vec(),
        at: at.millis(),
    }
}
