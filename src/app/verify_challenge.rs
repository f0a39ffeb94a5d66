//! `VerifyChallenge`: the right person answers, once.

use crate::app::{
    Call, Error, ShownCodes,
    answer::{Answers, Outcome, Passed, Rejection, Typed},
    dependencies::ChallengeDependencies,
    list_devices::{DeviceView, Seen},
};
use countersign_domain::{
    account::{Advice, advice},
    approval::{Approval, ApprovedPurpose},
    assertion::Claims,
    code::Answer,
    device::DeviceToken,
    id::ChallengeId,
    time::Timestamp,
};
use std::sync::Arc;

/// What became of an answer.
pub enum Verdict {
    /// The right person answered.
    Approved(Box<ApprovedView>),
    /// The answer was not accepted.
    Rejected(Rejection),
}

/// What a passed challenge gives.
pub struct ApprovedView {
    /// The durable fact.
    pub approval: Approval,
    /// Its signed proof; none for the verification of an address.
    pub assertion: Option<String>,
    /// For the client to keep.
    pub device_token: Option<DeviceToken>,
    /// How many recovery codes are unused.
    pub codes_left: u32,
    /// What to tell the user.
    pub advice: Vec<Advice>,
    /// In place of the recovery key that answered, shown this once.
    pub next_key: Option<ShownCodes>,
    /// After a sign-in: the devices that are known.
    pub devices: Vec<DeviceView>,
    /// Whether the approval authorises trust in them.
    pub trust_offered: bool,
}

/// Judges a code: charged before it is looked at, approved at most once, never without the durable record.
///
/// # Errors
/// See [`Error`]; a wrong code is none of them.
pub(crate) async fn verify_challenge(
    deps: &Arc<ChallengeDependencies>,
    call: Call,
    challenge: ChallengeId,
    answer: Answer,
) -> Result<Verdict, Error> {
    let typed = Typed {
        challenge,
        answer,
        answers: Answers::TheRest,
    };
    deps.requests
        .run(deps, call, |deps, call| async move {
            let passed = match deps.verifier.verify(&call, typed).await? {
                Outcome::Approved(passed) => passed,
                Outcome::Rejected(rejection) => return Ok(Verdict::Rejected(rejection)),
            };
            deps.verifier.conclude(&call, &passed.approval);
            let view = approved_view(&deps, *passed, call.now);
            Ok(Verdict::Approved(Box::new(view)))
        })
        .await
}

fn approved_view(deps: &ChallengeDependencies, passed: Passed, now: Timestamp) -> ApprovedView {
    let keys = &deps.keys;
    let approval = passed.approval;
    let device_token = approval
        .device
        .and_then(|device| keys.device_token(&approval.key, device, *approval.id.as_bytes()));
    let (advice, devices) = match approval.purpose {
        ApprovedPurpose::SignIn => {
            let seen = Seen {
                epoch: approval.epoch,
                terms: passed.trust,
                current: approval.device,
                now,
            };
            let standing = Some(passed.recovery);
            (
                advice(approval.answered_by, passed.codes_left, standing),
                seen.views(&passed.devices),
            )
        }
        ApprovedPurpose::StepUp { .. }
        | ApprovedPurpose::VerifyEmail
        | ApprovedPurpose::Enrollment
        | ApprovedPurpose::Reset
        | ApprovedPurpose::Change { .. } => (Vec::new(), Vec::new()),
    };
    ApprovedView {
        assertion: Claims::of(&approval, &deps.issuer_name).map(|claims| keys.sign(&claims)),
        device_token,
        codes_left: passed.codes_left,
        advice,
        next_key: passed.next_key,
        devices,
        trust_offered: passed.trust.is_some() && approval.device.is_some(),
        approval,
    }
}
