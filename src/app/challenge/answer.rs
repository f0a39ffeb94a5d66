//! The shared path of every RPC that verifies a code: charge the attempt, judge it, record the verdict.

use crate::{
    app::{
        DisplayedRecoveryCodes, Error,
        challenge::{
            answer_outcome::{AnswerOutcome, AnswerRejection},
            attempt_judge::AttemptJudge,
            send_budgets::SendBudgets,
            verdict_requests::{ChargedAttempt, PendingVerdict, VerdictRequestBuilder},
        },
        context::CallContext,
        recovery::replacement_key::ReplacementKeys,
        sealing::ValueSealing,
        use_case_runner::UseCaseRunner,
        workers::wakeup::WorkerWakeup,
    },
    ports::{AccountLookup, AccountStore, ChallengeStore},
};
use countersign_domain::{
    challenge::{
        AttemptEffect, AttemptJudgment, Challenge, Purpose,
        answered_by::AnsweredBy,
        approval::Approval,
        code::CanonicalAnswer,
        totp::ClockSkew,
        verdict::{ChallengeOutcome, VerdictRequest, VerdictResult},
    },
    device::{Device, DeviceTrustTerms},
    limits::user_throttle::{AttemptChargeResult, AttemptRequest, REQUEST_ID_RETENTION},
    recovery::RecoveryStatus,
    refusal::Refusal,
    value::id::{AttemptId, ChallengeId},
};
use std::sync::Arc;

/// A code submitted for a challenge.
pub(crate) struct CodeSubmission {
    pub(crate) challenge: ChallengeId,
    pub(crate) answer: CanonicalAnswer,
    pub(crate) rpc: VerifyingRpc,
}

/// The RPCs that verify a code. Each accepts challenges of certain purposes only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VerifyingRpc {
    VerifyChallenge,
    ConfirmEnrollment,
    ConfirmReset,
}

/// A passed challenge.
pub(crate) struct PassedChallenge {
    /// `None` if only the durable store still knows the challenge.
    pub(crate) challenge: Option<Challenge>,
    pub(crate) approval: Approval,
    pub(crate) codes_left: u32,
    pub(crate) devices: Vec<Device>,
    pub(crate) trust: Option<DeviceTrustTerms>,
    /// The user's recovery options when the challenge was issued.
    pub(crate) recovery: RecoveryStatus,
    /// The effect of the accepted code.
    pub(crate) effect: Option<AttemptEffect>,
    /// The recovery key that replaces the one used as the answer.
    pub(crate) next_key: Option<DisplayedRecoveryCodes>,
}

/// Verifies the codes of challenges.
pub(crate) struct ChallengeVerifier {
    pub(crate) accounts: Arc<dyn AccountStore>,
    pub(crate) challenges: Arc<dyn ChallengeStore>,
    pub(crate) requests: Arc<UseCaseRunner>,
    pub(crate) sealing: ValueSealing,
    pub(crate) judge: AttemptJudge,
    pub(crate) verdict_requests: Arc<VerdictRequestBuilder>,
    pub(crate) next_keys: ReplacementKeys,
    pub(crate) wakeup: Arc<WorkerWakeup>,
    pub(crate) send_budgets: Arc<SendBudgets>,
}

impl ChallengeVerifier {
    /// Charges an attempt, judges it and records the verdict: one Redis script and one transaction. For a provider
    /// code, the provider is called in between.
    pub(crate) async fn verify(
        &self,
        call: &CallContext,
        typed: CodeSubmission,
    ) -> Result<AnswerOutcome<PassedChallenge>, Error> {
        let submitted = self.judge.submitted(typed.answer).await?;
        let fallback = submitted.fallback();
        let attempt = self.attempt(call, typed.challenge, fallback);
        let charge = self.challenges.charge_attempt(call.subject_tag, &attempt);
        let charged = match charge.await? {
            AttemptChargeResult::Charged(charged) => charged,
            // Boxed: rare, and its state would enlarge the future of every verdict. So is the next key.
            AttemptChargeResult::Over => {
                return Box::pin(self.passed_before(call, typed.challenge)).await;
            }
            AttemptChargeResult::Full(until) => {
                return Err(Error::too_many_attempts(until, attempt.now));
            }
            AttemptChargeResult::RequestIdReused => return Err(Error::RequestIdReused),
        };
        let challenge =
            self.sealing
                .open_challenge(call.subject_tag, typed.challenge, &charged.sealed)?;
        check_rpc_and_code_kind(&challenge, typed.rpc, fallback)
            .inspect_err(|_| self.refund(call, &attempt))?;
        let charged_attempt = ChargedAttempt {
            call,
            challenge: &challenge,
            attempt: &attempt,
            charged: &charged,
            fallback,
        };
        let judgment = self.judge.judge(&charged_attempt, submitted).await?;
        let requests = &self.verdict_requests;
        let pending = requests.verdict_request(&charged_attempt, judgment);
        match self.record_verdict(&pending.verdict_request).await? {
            VerdictResult::Approved {
                approval,
                codes_left,
                devices,
            } => Ok(AnswerOutcome::Accepted(Box::new(PassedChallenge {
                next_key: Box::pin(self.next_key(&charged_attempt, pending, &approval)).await?,
                trust: challenge.trust,
                recovery: challenge.recovery,
                challenge: Some(challenge),
                approval: *approval,
                codes_left,
                devices,
                effect: effect_of(judgment),
            }))),
            VerdictResult::Rejected { previous_skew } => {
                Ok(AnswerOutcome::Rejected(AnswerRejection {
                    over: false,
                    attempts_left: charged.attempts_left,
                    clock_skew_suspected: fallback.is_none()
                        && suggests_clock_skew(previous_skew, judgment),
                }))
            }
            VerdictResult::Full(until) => Err(Error::too_many_attempts(until, attempt.now)),
            VerdictResult::Over => Ok(AnswerOutcome::Rejected(AnswerRejection::OVER)),
        }
    }

    /// Deletes a passed challenge and refunds its charges. This delays the response only where a message was sent: the
    /// next message may be requested as soon as the response is there.
    pub(crate) async fn conclude(&self, call: &CallContext, passed: &PassedChallenge) {
        let approval = &passed.approval;
        let challenges = Arc::clone(&self.challenges);
        let (tag, challenge, attempt) = (call.subject_tag, approval.challenge, approval.attempt_id);
        let concluded = async move {
            if let Err(unavailable) = challenges.conclude(tag, challenge, attempt).await {
                tracing::warn!(%unavailable, "passed challenge not deleted; it expires by itself");
            }
        };
        match &passed.challenge {
            Some(challenge) if challenge.expected_answer.destination().is_some() => {
                tokio::join!(concluded, self.send_budgets.release_approved(challenge));
            }
            _ => self.requests.tasks.follow_up(concluded),
        }
    }

    /// Takes an attempt out of the user's rate limit whose code nobody looked at, once its answer is on the way.
    fn refund(&self, call: &CallContext, attempt: &AttemptRequest) {
        let challenges = Arc::clone(&self.challenges);
        let (tag, challenge, attempt) = (call.subject_tag, attempt.challenge, attempt.attempt_id);
        self.requests.tasks.follow_up(async move {
            if let Err(unavailable) = challenges.refund_attempt(tag, challenge, attempt).await {
                tracing::warn!(%unavailable, "an attempt that was not judged could not be refunded");
            }
        });
    }

    /// The attempt, named after the call: a repeat is the same attempt.
    fn attempt(
        &self,
        call: &CallContext,
        challenge: ChallengeId,
        fallback: Option<AnsweredBy>,
    ) -> AttemptRequest {
        tracing::debug!("charging attempt");
        let idempotency_key = call.idempotency;
        let id = || self.verdict_requests.randomness.id();
        AttemptRequest {
            challenge,
            caller: call.caller.name.clone(),
            attempt_id: idempotency_key.map_or_else(id, |idempotency_key| {
                AttemptId::from_bytes(idempotency_key.key_digest)
            }),
            payload: idempotency_key.map(|idempotency_key| idempotency_key.request_fingerprint),
            recovery: fallback.is_some(),
            device: call.device_token_hash(),
            now: self.requests.clock.now(),
        }
    }

    /// Records the verdict. A recovery or bypass code raises a security alert, so the dispatcher is woken instead of
    /// waiting for its next poll.
    async fn record_verdict(
        &self,
        verdict_request: &VerdictRequest,
    ) -> Result<VerdictResult, Error> {
        let verdict_result = self.accounts.record_verdict(verdict_request).await?;
        if verdict_request.approval.answered_by.is_fallback() {
            self.wakeup.wake_alert_dispatcher();
        }
        Ok(verdict_result)
    }

    /// The recovery key that replaces the one used as the answer, from this attempt or an earlier one.
    async fn next_key(
        &self,
        charged_attempt: &ChargedAttempt<'_>,
        pending: PendingVerdict,
        approval: &Approval,
    ) -> Result<Option<DisplayedRecoveryCodes>, Error> {
        let ours = approval.id == pending.verdict_request.approval.id;
        let ChargedAttempt {
            call, challenge, ..
        } = charged_attempt;
        match pending.next_key.filter(|_| ours) {
            Some(response) => {
                self.next_keys
                    .recovery_codes_of(call, challenge, approval, response)
                    .await
            }
            None => self.next_keys.retained(call, approval).await,
        }
    }

    /// Handles a challenge that the challenge store does not know. If this call passed it before, the durable store has
    /// the approval.
    async fn passed_before(
        &self,
        call: &CallContext,
        challenge: ChallengeId,
    ) -> Result<AnswerOutcome<PassedChallenge>, Error> {
        let Some(idempotency_key) = call.idempotency else {
            return Ok(AnswerOutcome::Rejected(AnswerRejection::OVER));
        };
        let lookup = AccountLookup::of_challenge(challenge);
        let mut loaded = self.accounts.load(&call.subject, lookup).await?;
        let account = loaded.account.take();
        let Some(ChallengeOutcome::Approved(approval)) = loaded.ended_for(&call.caller.name) else {
            return Ok(AnswerOutcome::Rejected(AnswerRejection::OVER));
        };
        let remembered = self.requests.clock.now().since(approval.at) <= REQUEST_ID_RETENTION;
        if *approval.attempt_id.as_bytes() != idempotency_key.key_digest || !remembered {
            return Ok(AnswerOutcome::Rejected(AnswerRejection::OVER));
        }
        if approval.payload != Some(idempotency_key.request_fingerprint) {
            return Err(Error::RequestIdReused);
        }
        let Some(account) = account.filter(|account| account.epoch == approval.epoch) else {
            return Ok(AnswerOutcome::Rejected(AnswerRejection::OVER));
        };
        let policies = &self.requests.policies;
        let policy = policies.policy(&account.subject.tenant, &account.tenant_layer);
        Ok(AnswerOutcome::Accepted(Box::new(PassedChallenge {
            challenge: None,
            trust: DeviceTrustTerms::of(&policy.rules),
            recovery: account.recovery_status(&policy),
            codes_left: account.recovery_codes_left(),
            next_key: self.next_keys.retained(call, &approval).await?,
            approval: *approval,
            devices: account.devices,
            effect: None,
        })))
    }
}

/// Checks that the RPC fits the purpose of the challenge, and that the challenge accepts the kind of code.
fn check_rpc_and_code_kind(
    challenge: &Challenge,
    rpc: VerifyingRpc,
    fallback: Option<AnsweredBy>,
) -> Result<(), Error> {
    let expected_rpc = match challenge.purpose {
        Purpose::Enrollment(_) => VerifyingRpc::ConfirmEnrollment,
        Purpose::Reset(_) => VerifyingRpc::ConfirmReset,
        Purpose::SignIn | Purpose::StepUp { .. } | Purpose::VerifyEmail { .. } => {
            VerifyingRpc::VerifyChallenge
        }
    };
    if expected_rpc != rpc {
        return Err(Refusal::WrongPurpose.into());
    }
    if fallback.is_some_and(|fallback| !challenge.takes(fallback)) {
        return Err(Refusal::RecoveryCodeNotAccepted.into());
    }
    Ok(())
}

const fn effect_of(judgment: AttemptJudgment) -> Option<AttemptEffect> {
    match judgment {
        AttemptJudgment::Right(effect) => Some(effect),
        AttemptJudgment::Wrong { .. } => None,
    }
}

/// Whether this code and the previous one would both have been correct under the same clock error.
fn suggests_clock_skew(previous: Option<ClockSkew>, judgment: AttemptJudgment) -> bool {
    match (previous, judgment) {
        (Some(before), AttemptJudgment::Wrong { skew: Some(now) }) => before.is_of_same_clock(now),
        _ => false,
    }
}
