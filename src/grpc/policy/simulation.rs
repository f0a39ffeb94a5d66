//! Builds responses of `SimulatePolicy`.

use crate::{
    app::{SimulatedUser, SimulationStep},
    grpc::response_fields::timestamp,
};
use countersign_domain::decisions::simulation::{SimulationCounts, SimulationOutcome};
use countersign_proto::v1 as pb;

pub(in crate::grpc) fn simulated(step: SimulationStep) -> pb::SimulatePolicyResponse {
    let SimulationStep {
        users,
        totals,
        total,
        next,
    } = step;
    pb::SimulatePolicyResponse {
        users: users.into_iter().map(user).collect(),
        progress: Some(progress(&totals, total)),
        is_last: next.is_none(),
        next_page_token: next.unwrap_or_default(),
    }
}

fn user(user: SimulatedUser) -> pb::SimulatedUser {
    let SimulatedUser {
        user,
        effects,
        enroll_by,
    } = user;
    pb::SimulatedUser {
        user_id: user.as_str().to_owned(),
        effects: effects.into_iter().map(|of| effect(of).into()).collect(),
        enroll_by_time: enroll_by.map(timestamp),
    }
}

fn progress(totals: &SimulationCounts, total: Option<u32>) -> pb::SimulationProgress {
    let counts = totals.by_effect().map(|(of, users)| pb::PolicyEffectCount {
        effect: effect(of).into(),
        users,
    });
    pb::SimulationProgress {
        users_seen: totals.seen,
        users_total: total.map(u64::from),
        users_affected: totals.affected,
        counts: counts.collect(),
    }
}

const fn effect(effect: SimulationOutcome) -> pb::PolicyEffect {
    match effect {
        SimulationOutcome::Blocked => pb::PolicyEffect::Blocked,
        SimulationOutcome::MustEnroll => pb::PolicyEffect::MustEnroll,
        SimulationOutcome::MustEnrollLater => pb::PolicyEffect::MustEnrollLater,
        SimulationOutcome::LosesOnlyMethod => pb::PolicyEffect::LosesOnlyMethod,
        SimulationOutcome::NotChallenged => pb::PolicyEffect::NotChallenged,
    }
}
