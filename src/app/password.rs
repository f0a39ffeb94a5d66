//! The account password as a proof: each try is charged to the user before anyone is asked, in the windows of codes, and
//! settled like a code. A right one becomes the approval of the one change that it came with.

use crate::{
    app::{
        Error, challenge::verdict_requests::VerdictRequestBuilder, context::RequestContext,
        use_case_runner::UseCaseRunner,
    },
    ports::{AccountStore, ChallengeStore, PasswordChecker, PasswordVerdict},
};
use countersign_domain::{
    audit_event::AuditDetails,
    authorization::{action::Action, password::Password},
    challenge::{
        AttemptEffect, AttemptJudgment,
        answered_by::AnsweredBy,
        approval::{Approval, ApprovedPurpose},
        verdict::{ChallengeOutcome, JudgedAttempt, VerdictRequest, VerdictResult},
    },
    limits::{
        budget::AttemptClass,
        user_throttle::{REQUEST_ID_RETENTION, StandaloneAttempt, StandaloneChargeResult},
    },
    refusal::Refusal,
    value::{
        id::{ApprovalId, AttemptId, ChallengeId},
        time::Timestamp,
    },
};
use std::sync::Arc;

/// A wrong password is wrong for good: what stands for its challenge bears one.
const ATTEMPTS_PER_CALL: u8 = 1;

/// Has account passwords looked at.
pub(super) struct PasswordProofs {
    pub(super) accounts: Arc<dyn AccountStore>,
    pub(super) challenges: Arc<dyn ChallengeStore>,
    pub(super) passwords: Arc<dyn PasswordChecker>,
    pub(super) requests: Arc<UseCaseRunner>,
    pub(super) verdict_requests: Arc<VerdictRequestBuilder>,
}

/// A try of a password that is charged.
struct ChargedPasswordAttempt {
    attempt: StandaloneAttempt,
    at: Timestamp,
    /// Whether this very call charged it.
    is_new: bool,
}

impl PasswordProofs {
    /// Has the password looked at, and makes what comes of it a fact. Gives the approval that the change uses up. A call
    /// that is decided again has it looked at no second time.
    pub(super) async fn approve(
        &self,
        context: &RequestContext,
        action: &Action,
        password: &Password,
    ) -> Result<ApprovalId, Error> {
        let kept = &context.call.kept.password_approval;
        if let Some(id) = kept.get() {
            return approved_before(context, *id);
        }
        let approval = self.approve_first(context, action, password).await?;
        Ok(*kept.get_or_init(|| approval))
    }

    async fn approve_first(
        &self,
        context: &RequestContext,
        action: &Action,
        password: &Password,
    ) -> Result<ApprovalId, Error> {
        let attempt = self.standalone_attempt(context);
        if let Some(verdict) = self.decided_before(context, &attempt).await? {
            return verdict;
        }
        let charged = self.charge(context, attempt).await?;
        let judgment = self.judge(context, password, &charged).await?;
        let verdict_request = self.verdict_request(context, action, &charged, judgment);
        match self.accounts.record_verdict(&verdict_request).await? {
            VerdictResult::Approved { approval, .. } => {
                self.give_back(context, &charged).await;
                Ok(approval.id)
            }
            VerdictResult::Rejected { .. } => Err(Refusal::PasswordRejected.into()),
            VerdictResult::Full(until) => Err(Error::too_many_attempts(until, context.now)),
            VerdictResult::Over => {
                // No verdict was told, and a repeat is to be charged anew.
                if charged.is_new {
                    self.give_back(context, &charged).await;
                }
                Err(Error::ChangedConcurrently)
            }
        }
    }

    async fn charge(
        &self,
        context: &RequestContext,
        attempt: StandaloneAttempt,
    ) -> Result<ChargedPasswordAttempt, Error> {
        let now = context.now;
        let tag = context.call.subject_tag;
        let (at, is_new) = match self
            .challenges
            .charge_standalone_attempt(tag, &attempt)
            .await?
        {
            StandaloneChargeResult::New => (now, true),
            // What was charged long ago would be judged beside what the windows have room for by now.
            StandaloneChargeResult::Known(at) if now.since(at) > REQUEST_ID_RETENTION => {
                return Err(Error::RequestIdReused);
            }
            StandaloneChargeResult::Known(at) => (at, false),
            StandaloneChargeResult::Full(until) => {
                return Err(Error::too_many_attempts(until, now));
            }
            StandaloneChargeResult::RequestIdReused => return Err(Error::RequestIdReused),
        };
        Ok(ChargedPasswordAttempt {
            attempt: attempt,
            at,
            is_new,
        })
    }

    /// The try, named after the call: its request id is the guess, and its payload stands for the challenge. So a repeat
    /// is the same guess, and the same id with another password never is.
    fn standalone_attempt(&self, context: &RequestContext) -> StandaloneAttempt {
        let RequestContext { call, user, now } = context;
        let randomness = &self.verdict_requests.randomness;
        let idempotency_key = call.idempotency;
        let token = call.device_token_hash();
        let known = token.is_some_and(|token| user.account.device_holding(token).is_some());
        let class = if known {
            AttemptClass::Known
        } else {
            AttemptClass::Unknown
        };
        StandaloneAttempt {
            challenge: idempotency_key.map_or_else(
                || randomness.id(),
                |idempotency_key| ChallengeId::from_bytes(idempotency_key.request_fingerprint),
            ),
            attempt_id: idempotency_key.map_or_else(
                || randomness.id(),
                |idempotency_key| AttemptId::from_bytes(idempotency_key.key_digest),
            ),
            payload: idempotency_key.map(|idempotency_key| idempotency_key.request_fingerprint),
            class,
            windows: user.policy.wrong_codes.of(class),
            failures: user.account.failures(),
            now: *now,
        }
    }

    /// What the record says of this very try, if it was ruled on: nobody is asked a second time for one charge.
    async fn decided_before(
        &self,
        context: &RequestContext,
        attempt: &StandaloneAttempt,
    ) -> Result<Option<Result<ApprovalId, Error>>, Error> {
        if attempt.payload.is_none() {
            return Ok(None);
        }
        let RequestContext { call, user, now } = context;
        let (epoch, lifetime) = (user.account.epoch, user.policy.authorization_lifetime);
        let ended = self.requests.ended(call, attempt.challenge).await?;
        Ok(ended.map(|ended| match ended {
            ChallengeOutcome::Approved(approval)
                if approval.is_live(&call.caller.name, epoch, lifetime, *now) =>
            {
                Ok(approval.id)
            }
            ChallengeOutcome::Approved(_) => Err(Refusal::AuthorizationNotAccepted.into()),
            ChallengeOutcome::Without(_) => Err(Refusal::PasswordRejected.into()),
        }))
    }

    async fn judge(
        &self,
        context: &RequestContext,
        password: &Password,
        charged: &ChargedPasswordAttempt,
    ) -> Result<AttemptJudgment, Error> {
        // It names the password too: under an id that we have forgotten, another one is another try.
        let key = format!(
            "{}-{}",
            charged.attempt.challenge, charged.attempt.attempt_id
        );
        let subject = &context.call.subject;
        match self.passwords.verify(subject, password, &key).await {
            PasswordVerdict::Matches => Ok(AttemptJudgment::Right(AttemptEffect::Plain)),
            PasswordVerdict::DoesNotMatch => Ok(AttemptJudgment::Wrong { skew: None }),
            PasswordVerdict::NotLookedAt => {
                // What another call paid may have been looked at.
                if charged.is_new {
                    self.give_back(context, charged).await;
                }
                Err(Error::PasswordServiceUnavailable)
            }
            // It stays charged, so that who makes the service silent gets no more tries than others.
            PasswordVerdict::Unanswered => Err(Error::PasswordServiceUnavailable),
        }
    }

    async fn give_back(&self, context: &RequestContext, charged: &ChargedPasswordAttempt) {
        let StandaloneAttempt {
            challenge,
            attempt_id,
            ..
        } = charged.attempt;
        let tag = context.call.subject_tag;
        if let Err(unavailable) = self.challenges.refund_attempt(tag, challenge, attempt_id).await {
            tracing::warn!(%unavailable, "the charge of a password could not be given back; it ends by itself");
        }
    }

    fn verdict_request(
        &self,
        context: &RequestContext,
        action: &Action,
        charged: &ChargedPasswordAttempt,
        judgment: AttemptJudgment,
    ) -> VerdictRequest {
        let RequestContext { call, user, .. } = context;
        let (attempt_id, verdict_requests) = (&charged.attempt, &self.verdict_requests);
        let approval = self.approval(context, action, charged);
        let details = AuditDetails::none()
            .with("challenge_id", attempt_id.challenge)
            .with("purpose", approval.purpose.as_str())
            .with("action", action);
        let events = verdict_requests.both_events(call, &user.user_key, details, &approval);
        let [approved_event, rejected_event] = events;
        VerdictRequest {
            subject: call.subject.clone(),
            challenge: attempt_id.challenge,
            issued_at: charged.at,
            epoch: user.account.epoch,
            attempts: ATTEMPTS_PER_CALL,
            attempt: JudgedAttempt {
                id: attempt_id.attempt_id,
                class: attempt_id.class,
                windows: attempt_id.windows,
                at: charged.at,
            },
            asked: None,
            failures_until_disabled: verdict_requests.policies.built_in().failures_until_disabled,
            judgment,
            approval,
            device: None,
            next_key: None,
            approved_event,
            rejected_event,
        }
    }

    /// The approval that it becomes, if it does.
    fn approval(
        &self,
        context: &RequestContext,
        action: &Action,
        charged: &ChargedPasswordAttempt,
    ) -> Approval {
        let (call, verdict_requests) = (&context.call, &self.verdict_requests);
        Approval {
            id: verdict_requests.randomness.id(),
            challenge: charged.attempt.challenge,
            subject: call.subject.clone(),
            caller: call.caller.name.clone(),
            attempt_id: charged.attempt.attempt_id,
            payload: charged.attempt.payload,
            purpose: ApprovedPurpose::Change {
                action: action.to_string(),
            },
            answered_by: AnsweredBy::Password,
            method: None,
            audience: None,
            epoch: context.user.account.epoch,
            at: charged.at,
            key: verdict_requests.keys.active(),
            device: None,
        }
    }
}

/// The approval that the password became in an earlier attempt, if it still lets the account be changed.
fn approved_before(context: &RequestContext, id: ApprovalId) -> Result<ApprovalId, Error> {
    let RequestContext { call, user, now } = context;
    let (epoch, lifetime) = (user.account.epoch, user.policy.authorization_lifetime);
    let approval = user.account.approval(id);
    if !approval.is_some_and(|it| it.is_live(&call.caller.name, epoch, lifetime, *now)) {
        return Err(Refusal::AuthorizationNotAccepted.into());
    }
    Ok(id)
}
