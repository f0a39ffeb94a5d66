//! Verdicts: a judgment becomes a fact. One rule, always applied to the record as it stands under the user's lock.

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

/// A judged guess, with all that ruling on it needs.
#[derive(Debug, Clone)]
pub struct VerdictRequest {
    /// The user.
    pub subject: Subject,
    /// Which challenge it answers.
    pub challenge: ChallengeId,
    /// When that was issued.
    pub issued_at: Timestamp,
    /// The user's epoch when it was issued.
    pub epoch: Epoch,
    /// How many attempts the challenge allows.
    pub attempts: u8,
    /// The guess.
    pub attempt: JudgedAttempt,
    /// The enrolled method that was asked, and its version.
    pub asked: Option<(MethodId, u32)>,
    /// Consecutive failures after which a method is disabled.
    pub failures_until_disabled: u32,
    /// Our judgment.
    pub judgment: AttemptJudgment,
    /// Replacement recovery key and its idempotency record, stored only on approval.
    pub next_key: Option<(ReplacementRecoveryKey, Option<IdempotencyRecord>)>,
    /// The approval to write if the verdict is one; the rule sets its epoch.
    pub approval: Approval,
    /// The device that receives a token on approval.
    pub device: Option<DeviceUpdate>,
    /// The audit record of an approval.
    pub approved_event: AuditEvent,
    /// The audit record of a failure. One of the two is written: they share id and personal fields.
    pub rejected_event: AuditEvent,
}

/// A guess at a code.
#[derive(Debug, Clone, Copy)]
pub struct JudgedAttempt {
    /// Its id.
    pub id: AttemptId,
    /// Which budget it is charged to.
    pub class: AttemptClass,
    /// The bounds of that budget.
    pub windows: RateLimitWindows,
    /// As of when it was judged.
    pub at: Timestamp,
}

/// A device that answered rightly.
#[derive(Debug, Clone)]
pub struct DeviceUpdate {
    /// The device: the one that the client proved to be, or a new one.
    pub id: DeviceId,
    /// What a new one is called.
    pub name: DeviceName,
    /// What the person uses on it, where the caller said so.
    pub app: Option<ClientApp>,
    /// Of the token it is given now.
    pub series: SeriesHash,
    /// Of the token it is given now.
    pub token: DeviceTokenHash,
    /// Of the token it came with.
    pub presented: Option<DeviceTokenHash>,
    /// What it answered with.
    pub proved_by: MethodKind,
    /// When trust in it ends, where the policy trusts it without asking: unless its user took trust back.
    pub trusted_until: Option<Timestamp>,
    /// How many devices are remembered.
    pub at_most: u32,
}

/// What the durable record says, read under the user's lock.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an answer of the record to a question of its own"
)]
pub struct VerdictInputs {
    /// The user's epoch; nothing if there is no such user.
    pub epoch: Option<Epoch>,
    /// How the challenge ended, if it has.
    pub ended: Option<ChallengeOutcome>,
    /// Whether this very guess is recorded as a failure.
    pub recorded: bool,
    /// When guesses of this class failed, as far back as the longer window.
    pub failed_at: Vec<Timestamp>,
    /// How many guesses at this challenge failed.
    pub failures_of_challenge: u32,
    /// Whether people were told of wrong codes of this class already, as far as the record knows.
    pub window_announced: bool,
    /// The method that was asked, if it is still there.
    pub method: Option<MethodStatus>,
    /// Whether the recovery or bypass code is unused, where one was given.
    pub code_unused: bool,
    /// Whether a reset is pending.
    pub reset_pending: bool,
    /// Whether another call with this one's request id left a receipt, where this one would leave one.
    pub request_used: bool,
    /// The version of the address on file.
    pub email_version: u32,
    /// Whether the user took trust in the device back.
    pub trust_withdrawn: bool,
    /// When the store's present history began. What was accepted before it may have been lost in a failover; so no
    /// step is accepted that could have been accepted then.
    pub timeline_started_at: Timestamp,
}

/// How a challenge ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChallengeOutcome {
    /// With an approval.
    Approved(Box<Approval>),
    /// Without.
    Without(UnapprovedEnding),
}

/// What the record says of a method.
#[derive(Debug, Clone, Copy)]
pub struct MethodStatus {
    /// Its kind.
    pub kind: MethodKind,
    /// Its version.
    pub version: u32,
    /// Whether it is disabled.
    pub disabled: bool,
    /// How many codes in a row were wrong.
    pub consecutive_failures: u32,
    /// The last step accepted.
    pub last_step: Option<TimeStep>,
}

/// The decision on one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Write the approval.
    Approve,
    /// This very call was approved before: give the same again.
    ApprovedBefore(Box<Approval>),
    /// Write a failure.
    Reject,
    /// This very guess was refused before: write nothing.
    RejectedBefore,
    /// The budget is used up: write nothing.
    Full(Timestamp),
    /// The challenge is over: write nothing.
    Over,
}

/// What a store answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VerdictResult {
    /// Approved, now or by this very call before.
    Approved {
        /// The approval.
        approval: Box<Approval>,
        /// How many recovery codes are unused.
        codes_left: u32,
        /// The devices that are known now.
        devices: Vec<Device>,
    },
    /// Refused. The skew is that of the guess before this one at the same challenge.
    Rejected {
        /// Where the code before belonged.
        previous_skew: Option<ClockSkew>,
    },
    /// The durable budget is used up until then.
    Full(Timestamp),
    /// The challenge is over.
    Over,
}

impl VerdictRequest {
    /// Rules on the judgment in the light of the facts. The order of the questions is the same for right and wrong
    /// codes, so that no answer but an approval tells which it was (A13).
    #[must_use]
    pub fn rule(&self, inputs: &VerdictInputs) -> Verdict {
        if let Some(ended) = &inputs.ended {
            return self.decide_ended(ended, inputs);
        }
        if inputs.epoch != Some(self.epoch) || self.issued_at < inputs.timeline_started_at {
            return Verdict::Over;
        }
        if inputs.recorded {
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
                // Approved, it would show a key that a repeat of the call could not show again.
                if inputs.request_used {
                    return Verdict::Over;
                }
                Verdict::Approve
            }
            AttemptJudgment::Right(_) | AttemptJudgment::Wrong { .. } => Verdict::Reject,
        }
    }

    /// What a repeat of the call will be shown, if it comes to an approval.
    #[must_use]
    pub fn idempotency_record(&self) -> Option<&IdempotencyRecord> {
        let (_, idempotency_record) = self.next_key.as_ref()?;
        idempotency_record.as_ref()
    }

    /// Whether a failure now would be the challenge's last: by the record, because guesses are settled in any order.
    #[must_use]
    pub fn exhausts(&self, inputs: &VerdictInputs) -> bool {
        inputs.failures_of_challenge.saturating_add(1) >= u32::from(self.attempts)
    }

    /// Whether an approval cancels the reset that is pending: a second factor was passed, or stood in for.
    #[must_use]
    pub fn cancels_reset(&self, inputs: &VerdictInputs) -> bool {
        let passed = self.asked.is_some() || self.epoch_after() != self.epoch;
        passed && inputs.reset_pending
    }

    /// The epoch after an approval: a sign-in by recovery or bypass code ends all that was issued before.
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
            ChallengeOutcome::Without(_) if inputs.recorded => Verdict::RejectedBefore,
            ChallengeOutcome::Approved(_) | ChallengeOutcome::Without(_) => Verdict::Over,
        }
    }

    /// Whether this is the call that was approved: same guess, same payload, same caller.
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
                    last.is_none_or(|last| step > last) && acceptable_from >= inputs.timeline_started_at
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
