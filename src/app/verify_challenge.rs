//! `VerifyChallenge`: the right person answers, once.

use crate::app::{
    App, Call, Error, ShownCodes,
    answer::{Answers, Outcome, Passed, Rejection, Typed},
    list_devices::{DeviceView, Seen},
};
use countersign_domain::{
    account::{Advice, advice},
    approval::{Approval, ApprovedPurpose},
    assertion::Claims,
    code::Answer,
    device::DeviceToken,
    id::ChallengeId,
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

impl App {
    /// Judges a code: charged before it is looked at, approved at most once, never without the durable record.
    ///
    /// # Errors
    /// See [`Error`]; a wrong code is none of them.
    pub async fn verify_challenge(
        self: &Arc<Self>,
        call: Call,
        challenge: ChallengeId,
        answer: Answer,
    ) -> Result<Verdict, Error> {
        self.to_the_end(call, move |app, call| async move {
            app.verify(call, challenge, answer).await
        })
        .await
    }

    async fn verify(
        self: Arc<Self>,
        call: Call,
        challenge: ChallengeId,
        answer: Answer,
    ) -> Result<Verdict, Error> {
        let typed = Typed {
            challenge,
            answer,
            answers: Answers::TheRest,
        };
        let passed = match self.answer(&call, typed).await? {
            Outcome::Approved(passed) => passed,
            Outcome::Rejected(rejection) => return Ok(Verdict::Rejected(rejection)),
        };
        let mut passed = passed;
        let view = self.view_of(&mut passed);
        self.afterwards(move |app| async move { app.conclude(&call, &passed.approval).await });
        Ok(Verdict::Approved(Box::new(view)))
    }

    fn view_of(&self, passed: &mut Passed) -> ApprovedView {
        let next_key = passed.next_key.take();
        let standing = Some(passed.recovery);
        let approval = &passed.approval;
        let device_token = approval.device.and_then(|device| {
            let keys = &self.parts.keys;
            keys.device_token(&approval.key, device, *approval.id.as_bytes())
        });
        let advice = match approval.purpose {
            ApprovedPurpose::SignIn => advice(approval.answered_by, passed.codes_left, standing),
            ApprovedPurpose::StepUp { .. }
            | ApprovedPurpose::VerifyEmail
            | ApprovedPurpose::Enrollment
            | ApprovedPurpose::Reset
            | ApprovedPurpose::Change { .. } => Vec::new(),
        };
        let devices = match approval.purpose {
            ApprovedPurpose::SignIn => {
                let seen = Seen {
                    epoch: approval.epoch,
                    terms: passed.trust,
                    current: approval.device,
                    now: self.now(),
                };
                seen.views(&passed.devices)
            }
            ApprovedPurpose::StepUp { .. }
            | ApprovedPurpose::VerifyEmail
            | ApprovedPurpose::Enrollment
            | ApprovedPurpose::Reset
            | ApprovedPurpose::Change { .. } => Vec::new(),
        };
        ApprovedView {
            assertion: Claims::of(approval, &self.parts.issuer)
                .map(|claims| self.parts.keys.sign(&claims)),
            device_token,
            codes_left: passed.codes_left,
            advice,
            next_key,
            devices,
            trust_offered: passed.trust.is_some() && approval.device.is_some(),
            approval: approval.clone(),
        }
    }
}
