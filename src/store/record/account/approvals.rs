//! Approvals that ended, and how.

use crate::store::record::{InvalidRow, UNKNOWN_ENUM, id, instant};
use countersign_domain::{
    account::ended_approval::{ApprovalEnding, EndedApproval},
    authorization::caller::CallerName,
};
use countersign_proto::stored as pb;

pub(super) fn stored_ended_approval(ended: &EndedApproval) -> pb::EndedApproval {
    pb::EndedApproval {
        id: ended.id.as_bytes().to_vec(),
        caller: ended.caller.as_str().to_owned(),
        approved_at_millis: ended.approved_at.millis(),
        ending: stored_approval_ending(ended.ending).into(),
    }
}

pub(super) fn ended_approval(stored: &pb::EndedApproval) -> Result<EndedApproval, InvalidRow> {
    Ok(EndedApproval {
        id: id(&stored.id)?,
        caller: CallerName::new(&stored.caller),
        approved_at: instant(stored.approved_at_millis),
        ending: approval_ending(stored.ending)?,
    })
}

const fn stored_approval_ending(ending: ApprovalEnding) -> pb::ApprovalEnding {
    match ending {
        ApprovalEnding::Used => pb::ApprovalEnding::Used,
        ApprovalEnding::Expired => pb::ApprovalEnding::Expired,
        ApprovalEnding::AccountChanged => pb::ApprovalEnding::AccountChanged,
        ApprovalEnding::Displaced => pb::ApprovalEnding::Displaced,
    }
}

fn approval_ending(stored: i32) -> Result<ApprovalEnding, InvalidRow> {
    match pb::ApprovalEnding::try_from(stored) {
        Ok(pb::ApprovalEnding::Used) => Ok(ApprovalEnding::Used),
        Ok(pb::ApprovalEnding::Expired) => Ok(ApprovalEnding::Expired),
        Ok(pb::ApprovalEnding::AccountChanged) => Ok(ApprovalEnding::AccountChanged),
        Ok(pb::ApprovalEnding::Displaced) => Ok(ApprovalEnding::Displaced),
        Ok(pb::ApprovalEnding::Unspecified) | Err(_) => Err(UNKNOWN_ENUM),
    }
}
