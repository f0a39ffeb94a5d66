//! `VerifyChallenge`: verifies a code and issues the assertion.

use crate::app::{
    CallerRequest, DisplayedRecoveryCodes, Error,
    challenge::{
        answer::{CodeSubmission, PassedChallenge, VerifyingRpc},
        answer_outcome::AnswerOutcome,
    },
    dependencies::ChallengeDependencies,
    device::list_devices::{DeviceView, DeviceViewContext},
};
use countersign_domain::{
    account::{Advice, advice},
    challenge::{
        approval::{Approval, ApprovedPurpose},
        assertion::AssertionClaims,
        code::CanonicalAnswer,
    },
    device::DeviceToken,
    value::{id::ChallengeId, time::Timestamp},
};
use std::sync::Arc;

/// The result of a passed challenge.
pub struct ApprovedView {
    /// The durable record of the passed challenge.
    pub approval: Approval,
    /// The signed JWT; `None` for e-mail verification.
    pub assertion: Option<String>,
    /// The device token that the client keeps.
    pub device_token: Option<DeviceToken>,
    /// Unused recovery codes.
    pub codes_left: u32,
    /// Advice for the user.
    pub advice: Vec<Advice>,
    /// The recovery key that replaces the one used as the answer. It is returned only once.
    pub next_key: Option<DisplayedRecoveryCodes>,
    /// After a sign-in, the recognized devices; otherwise empty.
    pub devices: Vec<DeviceView>,
    /// Whether the approval authorizes trust in the listed devices.
    pub trust_offered: bool,
}

/// Verifies a code. The attempt is charged before the code is judged. A code is approved at most once, and never
/// without a durable record.
///
/// # Errors
/// See [`Error`]. A wrong code is not an error.
pub(crate) async fn verify_challenge(
    deps: &Arc<ChallengeDependencies>,
    call: CallerRequest,
    challenge: ChallengeId,
    answer: CanonicalAnswer,
) -> Result<AnswerOutcome<ApprovedView>, Error> {
    tracing::debug!("verifying challenge");
    let typed = CodeSubmission {
        challenge,
        answer,
        rpc: VerifyingRpc::VerifyChallenge,
    };
    deps.requests
        .run(deps, call, |deps, call| async move {
            let passed = match deps.verifier.verify(&call, typed).await? {
                AnswerOutcome::Accepted(passed) => passed,
                AnswerOutcome::Rejected(rejection) => {
                    return Ok(AnswerOutcome::Rejected(rejection));
                }
            };
            deps.verifier.conclude(&call, &passed).await;
            let view = approved_view(&deps, *passed, call.now);
            Ok(AnswerOutcome::Accepted(Box::new(view)))
        })
        .await
}

fn approved_view(
    deps: &ChallengeDependencies,
    passed: PassedChallenge,
    now: Timestamp,
) -> ApprovedView {
    let keys = &deps.keys;
    let approval = passed.approval;
    let device_token = approval
        .device
        .and_then(|device| keys.device_token(&approval.key, device, *approval.id.as_bytes()));
    let (advice, devices) = match approval.purpose {
        ApprovedPurpose::SignIn => {
            let seen = DeviceViewContext {
                epoch: approval.epoch,
                terms: passed.trust,
                current: approval.device,
                now,
            };
            let recovery_status = Some(passed.recovery);
            (
                advice(approval.answered_by, passed.codes_left, recovery_status),
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
        assertion: AssertionClaims::of(&approval, &deps.issuer_name)
            .map(|claims| keys.sign(&claims)),
        device_token,
        codes_left: passed.codes_left,
        advice,
        next_key: passed.next_key,
        devices,
        trust_offered: passed.trust.is_some() && approval.device.is_some(),
        approval,
    }
}
