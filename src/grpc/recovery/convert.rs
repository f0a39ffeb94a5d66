//! Builds responses of `RecoveryService`.

use crate::{
    app::{DisplayedRecoveryCodes, ResetOutcome},
    grpc::response_fields::{queued_notices, timestamp},
};
use countersign_domain::recovery::{RecoverySet, RecoverySetKind};
use countersign_proto::v1 as pb;

pub(in crate::grpc) fn reset_outcome(outcome: ResetOutcome) -> pb::ConfirmResetResponse {
    use pb::confirm_reset_response::Outcome as Sent;
    let sent = match outcome {
        ResetOutcome::Done(queued) => Sent::Done(pb::ResetDone {
            queued_notices: queued_notices(queued),
        }),
        ResetOutcome::Refused => Sent::Refused(pb::ResetRefused {}),
    };
    pb::ConfirmResetResponse {
        outcome: Some(sent),
    }
}

pub(in crate::grpc) fn recovery_codes(displayed: DisplayedRecoveryCodes) -> pb::RecoveryCodes {
    let DisplayedRecoveryCodes {
        codes,
        kind: of,
        at,
        text,
    } = displayed;
    pb::RecoveryCodes {
        codes,
        create_time: Some(timestamp(at)),
        kind: recovery_kind(of).into(),
        download_text: text,
    }
}

const fn recovery_kind(kind: RecoverySetKind) -> pb::RecoveryKind {
    match kind {
        RecoverySetKind::Codes => pb::RecoveryKind::Codes,
        RecoverySetKind::Key => pb::RecoveryKind::Key,
    }
}

pub(in crate::grpc) fn recovery_status(recovery: Option<&RecoverySet>) -> pb::RecoveryStatus {
    let codes_left = recovery.map_or(0, RecoverySet::left);
    let Some(RecoverySet {
        id: _,
        kind: of,
        total,
        unused: _,
        created_at,
        confirmed_at,
    }) = recovery
    else {
        return pb::RecoveryStatus::default();
    };
    pb::RecoveryStatus {
        codes_total: *total,
        codes_left,
        create_time: Some(timestamp(*created_at)),
        kind: recovery_kind(*of).into(),
        confirm_time: confirmed_at.map(timestamp),
    }
}
