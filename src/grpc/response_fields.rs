//! Converts response fields that several services share.

use crate::app::{AnswerRejection, QueuedNoticeSummary};
use countersign_domain::{
    method::{MethodKind, MethodStrength},
    value::time::Timestamp,
};
use countersign_proto::v1 as pb;
use std::time::Duration;

pub(in crate::grpc) fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    let nanos = at.millis().rem_euclid(1000) * 1_000_000;
    prost_types::Timestamp {
        seconds: at.millis().div_euclid(1000),
        nanos: i32::try_from(nanos).unwrap_or_default(),
    }
}

pub(in crate::grpc) fn duration(duration: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(duration.subsec_nanos()).unwrap_or_default(),
    }
}

pub(in crate::grpc) const fn kind(kind: MethodKind) -> pb::MethodKind {
    match kind {
        MethodKind::Totp => pb::MethodKind::Totp,
        MethodKind::Sms => pb::MethodKind::Sms,
        MethodKind::Email => pb::MethodKind::Email,
    }
}

pub(in crate::grpc) fn rejected(rejection: AnswerRejection) -> pb::Rejected {
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

pub(in crate::grpc) fn queued_notices(queued: Vec<QueuedNoticeSummary>) -> Vec<pb::QueuedNotice> {
    let sent = queued.into_iter().map(|notice| pb::QueuedNotice {
        channel: kind(notice.channel).into(),
        masked_destination: notice.masked_destination,
    });
    sent.collect()
}

pub(in crate::grpc) const fn strength(strength: MethodStrength) -> pb::MethodStrength {
    match strength {
        MethodStrength::Low => pb::MethodStrength::Low,
        MethodStrength::Restricted => pb::MethodStrength::Restricted,
        MethodStrength::Strong => pb::MethodStrength::Strong,
    }
}
