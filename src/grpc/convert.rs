//! Values to messages.

mod challenge;
mod device;
mod directory;
mod method;
mod policy;
mod simulation;
mod user;

pub(super) use challenge::{challenge, decision, verdict};
pub(super) use device::{device, devices};
pub(super) use directory::{export, user_page};
pub(super) use method::{
    confirmations, confirmed, method, recovery_codes, recovery_status, reset_outcome, settings,
};
pub(super) use policy::{decided, effective, explanation};
pub(super) use simulation::simulated;
pub(super) use user::{issued_bypass_code, user};

use crate::app::AnswerRejection;
use countersign_domain::{method::MethodKind, value::time::Timestamp};
use countersign_proto::v1 as pb;

fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    let nanos = at.millis().rem_euclid(1000) * 1_000_000;
    prost_types::Timestamp {
        seconds: at.millis().div_euclid(1000),
        nanos: i32::try_from(nanos).unwrap_or_default(),
    }
}

const fn kind(kind: MethodKind) -> pb::MethodKind {
    match kind {
        MethodKind::Totp => pb::MethodKind::Totp,
        MethodKind::Sms => pb::MethodKind::Sms,
        MethodKind::Email => pb::MethodKind::Email,
    }
}

fn rejected(rejection: AnswerRejection) -> pb::Rejected {
    let AnswerRejection {
        over,
        attempts_left,
        clock_skew_suspected,
    } = rejection;
    let reason = if over {
        pb::RejectionReason::ChallengeOver
    } else {
        pb::RejectionReason::CodeRejected
    };
    pb::Rejected {
        reason: reason.into(),
        attempts_left: u32::from(attempts_left),
        clock_skew_suspected,
    }
}
