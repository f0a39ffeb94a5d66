//! Verdicts: the decision on a judged attempt. It is made on the account as it is under the user's lock.

mod alerts;
mod record;

pub use record::{RecordedVerdict, VerdictContext};

use crate::{
    account::change::{IdempotencyRecord, UnapprovedEnding},
    audit_event::AuditEvent,
    challenge::{
        AttemptEffect, AttemptJudgment,
        approval::Approval,
        totp::{ClockSkew, TimeStep},
    },
    device::{ClientApp, Device, DeviceName, DeviceTokenHash, SeriesHash},
    limits::budget::{AttemptClass, RateLimitWindows},
    method::MethodKind,
    recovery::ReplacementRecoveryKey,
    value::{
        epoch::Epoch,
        id::{AttemptId, ChallengeId, DeviceId, MethodId, Subject},
        time::Timestamp,
    },
};

/// A judged attempt with everything needed to decide it.
#[derive(Debug, Clone)]
pub struct VerdictRequest {
    /// The user.
    pub subject: Subject,
    /// The challenge.
    pub challenge: ChallengeId,
    /// When the challenge was issued.
    pub issued_at: Timestamp,
    /// The user's credential epoch when the challenge was issued.
    pub epoch: Epoch,
    /// Attempts allowed for the challenge.
    pub max_attempts: u8,
    /// The attempt.
    pub attempt: JudgedAttempt,
    /// The enrolled method that must answer, and its version.
    pub asked: Option<(MethodId, u32)>,
    /// Consecutive failures after which a method is disabled.
    pub failures_until_disabled: u32,
    /// The judgment of the code.
    pub judgment: AttemptJudgment,
    /// Replacement recovery key and its idempotency record, stored only on approval.
    pub next_key: Option<(ReplacementRecoveryKey, Option<IdempotencyRecord>)>,
    /// The approval to write if the verdict is one. The verdict sets its epoch.
    pub approval: Approval,
    /// The device that receives a token on approval.
    pub device: Option<DeviceUpdate>,
    /// The audit event of an approval.
    pub approved_event: AuditEvent,
    /// The audit event of a failure. Only one of the two events is written: they share id and personal fields.
    pub rejected_event: AuditEvent,
}

/// An attempt whose code was judged.
#[derive(Debug, Clone, Copy)]
pub struct JudgedAttempt {
    /// The id.
    pub id: AttemptId,
    /// The budget that the attempt is charged to.
    pub class: AttemptClass,
    /// The windows of that budget.
    pub windows: RateLimitWindows,
    /// The instant as of which the code was judged.
    pub at: Timestamp,
}

/// The device from which the right answer came.
#[derive(Debug, Clone)]
pub struct DeviceUpdate {
    /// The known device of the client, or a new one.
    pub id: DeviceId,
    /// The name of a new device.
    pub name: DeviceName,
    /// The app, if the caller named it.
    pub app: Option<ClientApp>,
    /// Where the user seems to be, as the caller described it.
    pub place: Option<String>,
    /// The series of the new token.
    pub series: SeriesHash,
    /// The new token.
    pub token: DeviceTokenHash,
    /// The token that the client presented.
    pub presented: Option<DeviceTokenHash>,
    /// The kind of method that answered.
    pub proved_by: MethodKind,
    /// When automatic trust ends, if the policy trusts the device without asking. Ignored if the user withdrew trust.
    pub trusted_until: Option<Timestamp>,
    /// The largest number of devices remembered.
    pub at_most: u32,
}

/// The state of the durable record, read under the user's lock.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an answer of the record to a question of its own"
)]
pub struct VerdictInputs {
    /// The user's credential epoch; `None` if the user does not exist.
    pub epoch: Option<Epoch>,
    /// The outcome of the challenge, if it is over.
    pub ended: Option<ChallengeOutcome>,
    /// Whether this attempt is recorded as a failure.
    pub is_recorded_failure: bool,
    /// When attempts of this class failed, at least within the long window.
    pub failed_at: Vec<Timestamp>,
    /// How many attempts at this challenge failed.
    pub failures_of_challenge: u32,
    /// Whether the user was alerted to wrong codes of this class.
    pub window_announced: bool,
    /// The method that must answer, if it still exists.
    pub method: Option<MethodStatus>,
    /// Whether the submitted recovery or bypass code is unused.
    pub code_unused: bool,
    /// Whether a reset is pending.
    pub reset_pending: bool,
    /// Whether the request id already has an idempotency record, if this verdict would write one.
    pub request_used: bool,
    /// The version of the e-mail address.
    pub email_version: u32,
    /// Whether the user withdrew trust in the device.
    pub trust_withdrawn: bool,
    /// When the store's current timeline started. A failover may have lost what was accepted before. A time step that
    /// could have been accepted before is therefore rejected.
    pub timeline_started_at: Timestamp,
}

/// How a challenge ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChallengeOutcome {
    /// With an approval.
    Approved(Box<Approval>),
    /// Without an approval.
    Without(UnapprovedEnding),
}

/// The state of a method.
#[derive(Debug, Clone, Copy)]
pub struct MethodStatus {
    /// The kind.
    pub kind: MethodKind,
    /// The version.
    pub version: u32,
    /// Whether it is disabled.
    pub disabled: bool,
    /// Consecutive wrong codes.
    pub consecutive_failures: u32,
    /// The last accepted time step.
    pub last_step: Option<TimeStep>,
}

/// The decision on one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Write the approval.
    Approve,
    /// The call is a repeat that was approved before: return the same approval.
    ApprovedBefore(Box<Approval>),
    /// Write a failure.
    Reject,
    /// This attempt was rejected before: write nothing.
    RejectedBefore,
    /// The budget is used up until this instant: write nothing.
    Full(Timestamp),
    /// The challenge is over: write nothing.
    Over,
}

/// The result that a store returns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VerdictResult {
    /// Approved now, or by the call that this one repeats.
    Approved {
        /// The approval.
        approval: Box<Approval>,
        /// The number of unused recovery codes.
        codes_left: u32,
        /// The devices after the verdict.
        devices: Vec<Device>,
    },
    /// Rejected.
    Rejected {
        /// The clock skew of the previous attempt at the challenge.
        previous_skew: Option<ClockSkew>,
    },
    /// The durable budget is used up until this instant.
    Full(Timestamp),
    /// The challenge is over.
    Over,
}

impl VerdictRequest {
    /// Decides on the attempt. Right and wrong codes take the same path of checks, so that only an approval reveals
    /// which it was (A13).
    #[must_use]
    pub fn rule(&self, inputs: &VerdictInputs) -> Verdict {
        if let Some(ended) = &inputs.ended {
            return self.decide_ended(ended, inputs);
        }
        if inputs.epoch != Some(self.epoch) || self.issued_at < inputs.timeline_started_at {
            return Verdict::Over;
        }
        if inputs.is_recorded_failure {
            return Verdict::RejectedBefore;
        }
        if let Some(until) = self
            .attempt
            .windows
            .full_until(inputs.failed_at.iter().copied(), self.attempt.at)
        {
            return Verdict::Full(until);
        }
        match self.judgment {
            AttemptJudgment::Right(effect) if self.holds(effect, inputs) => {
                // An approval would return a recovery key that a repeat of the call could not return again.
                if inputs.request_used {
                    return Verdict::Over;
                }
                Verdict::Approve
            }
            AttemptJudgment::Right(_) | AttemptJudgment::Wrong { .. } => Verdict::Reject,
        }
    }

    /// The idempotency record to write on approval.
    #[must_use]
    pub fn idempotency_record(&self) -> Option<&IdempotencyRecord> {
        let (_, idempotency_record) = self.next_key.as_ref()?;
        idempotency_record.as_ref()
    }

    /// Whether a failure now would use up the challenge. The record decides, because verdicts are made in any order.
    #[must_use]
    pub fn exhausts(&self, inputs: &VerdictInputs) -> bool {
        inputs.failures_of_challenge.saturating_add(1) >= u32::from(self.max_attempts)
    }

    /// Whether an approval cancels the pending reset: a second factor or a fallback was passed.
    #[must_use]
    pub fn cancels_reset(&self, inputs: &VerdictInputs) -> bool {
        let passed = self.asked.is_some() || self.epoch_after() != self.epoch;
        passed && inputs.reset_pending
    }

    /// The credential epoch after an approval. A sign-in by recovery or bypass code invalidates all earlier proofs.
    #[must_use]
    pub fn epoch_after(&self) -> Epoch {
        match self.judgment {
            AttemptJudgment::Right(
                AttemptEffect::RecoveryCode { .. }
                | AttemptEffect::RecoveryKey { .. }
                | AttemptEffect::BypassCode { .. },
            ) => self.epoch.grown(),
            AttemptJudgment::Right(_) | AttemptJudgment::Wrong { .. } => self.epoch,
        }
    }

    fn decide_ended(&self, ended: &ChallengeOutcome, inputs: &VerdictInputs) -> Verdict {
        match ended {
            ChallengeOutcome::Approved(approval)
                if self.repeats(approval) && inputs.epoch == Some(approval.epoch) =>
            {
                Verdict::ApprovedBefore(approval.clone())
            }
            ChallengeOutcome::Without(_) if inputs.is_recorded_failure => Verdict::RejectedBefore,
            ChallengeOutcome::Approved(_) | ChallengeOutcome::Without(_) => Verdict::Over,
        }
    }

    /// Whether this call was approved before: same attempt, same payload, same caller.
    fn repeats(&self, approval: &Approval) -> bool {
        approval.attempt_id == self.attempt.id
            && approval.caller == self.approval.caller
            && approval.payload == self.approval.payload
    }

    fn holds(&self, effect: AttemptEffect, inputs: &VerdictInputs) -> bool {
        let method_holds = match (self.asked, inputs.method) {
            (None, _) => true,
            (Some((_, version)), Some(method)) => method.version == version && !method.disabled,
            (Some(_), None) => false,
        };
        method_holds
            && match effect {
                AttemptEffect::Plain => true,
                AttemptEffect::Step {
                    step,
                    acceptable_from,
                } => {
                    let last = inputs.method.and_then(|method| method.last_step);
                    last.is_none_or(|last| step > last)
                        && acceptable_from >= inputs.timeline_started_at
                }
                AttemptEffect::RecoveryCode { .. }
                | AttemptEffect::RecoveryKey { .. }
                | AttemptEffect::BypassCode { .. } => inputs.code_unused,
                AttemptEffect::EmailVerified { version } => inputs.email_version == version,
            }
    }
}

#[cfg(test)]
mod tests;
