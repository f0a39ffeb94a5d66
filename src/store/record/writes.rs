//! Rows that an operation adds beside the user's own.

use super::{
    Sealing, ending, idempotency,
    rows::{
        AccountWrite, AttestationRow, EndingRow, EventRow, IdempotencyRow, NewAlertRow,
        NewNoticeRow, Writes,
    },
};
use countersign_domain::{
    alarm::Alarm,
    caller::CallerName,
    change::{Applied, Change, QueuedNotice, Receipt, Spend},
    event::Event,
    id::{ChallengeId, Subject, SubjectTag},
    method::Kind,
    settlement::Ended,
    time::Timestamp,
};

/// What a change writes, besides what it does to the user's row.
pub(super) fn writes_beside(change: &Change, account: AccountWrite, applied: &Applied) -> Writes {
    let tag = change.event.subject;
    let notices = change
        .notices
        .iter()
        .zip(std::iter::repeat(applied.notice_turn));
    let attestations = change.spends.iter().filter_map(|spend| match spend {
        Spend::Approval(_) => None,
        Spend::Attestation(caller, id) => Some(AttestationRow {
            caller: caller.as_str().to_owned(),
            attestation_id: id.clone(),
            at: change.now.millis(),
        }),
    });
    Writes {
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
            .receipt
            .as_ref()
            .map(|receipt| idempotency::row(receipt, tag)),
        attestations: attestations.collect(),
        ..Writes::default()
    }
}

/// The row of a challenge's ending.
pub(in crate::store) fn ending_row(
    subject: &Subject,
    challenge: ChallengeId,
    caller: &CallerName,
    at: Timestamp,
    ended: &Ended,
    sealing: &Sealing,
) -> EndingRow {
    let ending = ending::stored_ending(caller, at, ended);
    EndingRow {
        challenge_id: *challenge.as_bytes(),
        at: at.millis(),
        ending: sealing.seal_ending(subject, challenge, &ending),
    }
}

/// The row of an audit event.
pub(in crate::store) fn event_row(event: &Event) -> EventRow {
    EventRow {
        event_id: *event.id.as_bytes(),
        tenant_id: event.tenant.as_str().to_owned(),
        subject: event.subject,
        kind: event.kind.as_str(),
        caller: event.caller.as_str().to_owned(),
        at: event.at.millis(),
        details: event.facts.as_str().to_owned(),
        personal: event.personal.as_bytes().to_vec(),
    }
}

pub(super) fn alert_row(
    subject: &Subject,
    tag: SubjectTag,
    turn: i64,
    alert: Alarm,
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
        method_kind: method.map(|(_, kind)| Kind::as_str(kind)),
        codes_left: alert.codes_left().map(i64::from),
        at: at.millis(),
    }
}

/// A policy's idempotency record.
pub(in crate::store) fn idempotency_row(receipt: &Receipt, tag: SubjectTag) -> IdempotencyRow {
    idempotency::row(receipt, tag)
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
