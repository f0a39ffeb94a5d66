//! How challenges ended, as it is stored.

use super::{InvalidRow, UNKNOWN_ENUM, id, instant, optional_array, optional_id};
use countersign_domain::{
    account::change::UnapprovedEnding,
    authorization::{
        action::TransactionDigest,
        caller::{Audience, CallerName},
    },
    challenge::{
        answered_by::AnsweredBy,
        approval::{Approval, ApprovedPurpose},
        verdict::ChallengeOutcome,
    },
    method::MethodKind,
    value::{epoch::Epoch, id::Subject, secret::KeyId, time::Timestamp},
};
use countersign_proto::stored as pb;

/// The ending of a caller's challenge.
pub(super) fn stored_ending(
    caller: &CallerName,
    at: Timestamp,
    ended: &ChallengeOutcome,
) -> pb::ChallengeEnding {
    let how = match ended {
        ChallengeOutcome::Approved(approval) => {
            pb::challenge_ending::How::Approved(stored_approval(approval))
        }
        ChallengeOutcome::Without(ending) => {
            let ending = match ending {
                UnapprovedEnding::Exhausted => pb::UnapprovedEnding::Exhausted,
                UnapprovedEnding::Canceled => pb::UnapprovedEnding::Canceled,
                UnapprovedEnding::Superseded => pb::UnapprovedEnding::Superseded,
            };
            pb::challenge_ending::How::WithoutApproval(ending.into())
        }
    };
    pb::ChallengeEnding {
        caller: caller.as_str().to_owned(),
        at_millis: at.millis(),
        how: Some(how),
    }
}

/// How a challenge ended, and whose it was.
pub(super) fn ended(
    subject: &Subject,
    stored: pb::ChallengeEnding,
) -> Result<(CallerName, ChallengeOutcome), InvalidRow> {
    let ended = match stored.how.ok_or(UNKNOWN_ENUM)? {
        pb::challenge_ending::How::Approved(stored) => {
            ChallengeOutcome::Approved(Box::new(approval(subject, &stored)?))
        }
        pb::challenge_ending::How::WithoutApproval(ending) => {
            ChallengeOutcome::Without(match pb::UnapprovedEnding::try_from(ending) {
                Ok(pb::UnapprovedEnding::Exhausted) => UnapprovedEnding::Exhausted,
                Ok(pb::UnapprovedEnding::Canceled) => UnapprovedEnding::Canceled,
                Ok(pb::UnapprovedEnding::Superseded) => UnapprovedEnding::Superseded,
                Ok(pb::UnapprovedEnding::Unspecified) | Err(_) => return Err(UNKNOWN_ENUM),
            })
        }
    };
    Ok((CallerName::new(&stored.caller), ended))
}

pub(super) fn stored_approval(approval: &Approval) -> pb::Approval {
    let (action, digest) = match &approval.purpose {
        ApprovedPurpose::StepUp { action, digest } => (
            action.clone(),
            digest.map(|digest| digest.as_bytes().to_vec()),
        ),
        ApprovedPurpose::Change { action } => (action.clone(), None),
        ApprovedPurpose::SignIn
        | ApprovedPurpose::VerifyEmail
        | ApprovedPurpose::Enrollment
        | ApprovedPurpose::Reset => (String::new(), None),
    };
    let audience = approval.audience.as_ref();
    pb::Approval {
        id: approval.id.as_bytes().to_vec(),
        challenge_id: approval.challenge.as_bytes().to_vec(),
        caller: approval.caller.as_str().to_owned(),
        attempt_id: approval.attempt_id.as_bytes().to_vec(),
        request_fingerprint: approval.payload.map(Vec::from).unwrap_or_default(),
        purpose: stored_purpose(&approval.purpose).into(),
        action,
        transaction_digest: digest.unwrap_or_default(),
        answered_by: stored_answered_by(approval.answered_by).into(),
        method_id: approval
            .method
            .map(|id| id.as_bytes().to_vec())
            .unwrap_or_default(),
        audience: audience.map(|audience| audience.as_str().to_owned()),
        epoch: approval.epoch.number(),
        at_millis: approval.at.millis(),
        key_id: approval.key.as_str().to_owned(),
        device_id: approval
            .device
            .map(|id| id.as_bytes().to_vec())
            .unwrap_or_default(),
    }
}

pub(super) fn approval(subject: &Subject, stored: &pb::Approval) -> Result<Approval, InvalidRow> {
    Ok(Approval {
        id: id(&stored.id)?,
        challenge: id(&stored.challenge_id)?,
        subject: subject.clone(),
        caller: CallerName::new(&stored.caller),
        attempt_id: id(&stored.attempt_id)?,
        payload: optional_array(&stored.request_fingerprint)?,
        purpose: purpose(stored)?,
        answered_by: answered_by(stored.answered_by)?,
        method: optional_id(&stored.method_id)?,
        audience: stored.audience.as_deref().map(Audience::new),
        epoch: Epoch::from_number(stored.epoch),
        at: instant(stored.at_millis),
        key: KeyId::new(&stored.key_id),
        device: optional_id(&stored.device_id)?,
    })
}

const fn stored_purpose(purpose: &ApprovedPurpose) -> pb::ApprovedPurpose {
    match purpose {
        ApprovedPurpose::SignIn => pb::ApprovedPurpose::SignIn,
        ApprovedPurpose::StepUp { .. } => pb::ApprovedPurpose::StepUp,
        ApprovedPurpose::VerifyEmail => pb::ApprovedPurpose::VerifyEmail,
        ApprovedPurpose::Enrollment => pb::ApprovedPurpose::Enrollment,
        ApprovedPurpose::Reset => pb::ApprovedPurpose::Reset,
        ApprovedPurpose::Change { .. } => pb::ApprovedPurpose::Change,
    }
}

fn purpose(stored: &pb::Approval) -> Result<ApprovedPurpose, InvalidRow> {
    let action = || stored.action.clone();
    Ok(match pb::ApprovedPurpose::try_from(stored.purpose) {
        Ok(pb::ApprovedPurpose::SignIn) => ApprovedPurpose::SignIn,
        Ok(pb::ApprovedPurpose::StepUp) => ApprovedPurpose::StepUp {
            action: action(),
            digest: optional_array(&stored.transaction_digest)?.map(TransactionDigest::from_bytes),
        },
        Ok(pb::ApprovedPurpose::VerifyEmail) => ApprovedPurpose::VerifyEmail,
        Ok(pb::ApprovedPurpose::Enrollment) => ApprovedPurpose::Enrollment,
        Ok(pb::ApprovedPurpose::Reset) => ApprovedPurpose::Reset,
        Ok(pb::ApprovedPurpose::Change) => ApprovedPurpose::Change { action: action() },
        Ok(pb::ApprovedPurpose::Unspecified) | Err(_) => return Err(UNKNOWN_ENUM),
    })
}

const fn stored_answered_by(answered_by: AnsweredBy) -> pb::AnsweredBy {
    match answered_by {
        AnsweredBy::Code(MethodKind::Totp) => pb::AnsweredBy::Totp,
        AnsweredBy::Code(MethodKind::Sms) => pb::AnsweredBy::Sms,
        AnsweredBy::Code(MethodKind::Email) => pb::AnsweredBy::Email,
        AnsweredBy::RecoveryCode => pb::AnsweredBy::RecoveryCode,
        AnsweredBy::Password => pb::AnsweredBy::Password,
        AnsweredBy::BypassCode => pb::AnsweredBy::BypassCode,
        AnsweredBy::RecoveryKey => pb::AnsweredBy::RecoveryKey,
    }
}

fn answered_by(stored: i32) -> Result<AnsweredBy, InvalidRow> {
    Ok(match pb::AnsweredBy::try_from(stored) {
        Ok(pb::AnsweredBy::Totp) => AnsweredBy::Code(MethodKind::Totp),
        Ok(pb::AnsweredBy::Sms) => AnsweredBy::Code(MethodKind::Sms),
        Ok(pb::AnsweredBy::Email) => AnsweredBy::Code(MethodKind::Email),
        Ok(pb::AnsweredBy::RecoveryCode) => AnsweredBy::RecoveryCode,
        Ok(pb::AnsweredBy::Password) => AnsweredBy::Password,
        Ok(pb::AnsweredBy::BypassCode) => AnsweredBy::BypassCode,
        Ok(pb::AnsweredBy::RecoveryKey) => AnsweredBy::RecoveryKey,
        Ok(pb::AnsweredBy::Unspecified) | Err(_) => return Err(UNKNOWN_ENUM),
    })
}
