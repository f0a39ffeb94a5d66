//! The account password as a proof. Each attempt is charged to the user's windows of wrong codes before the password
//! service is asked, and recorded like the verdict on a code. A correct password becomes an approval, which its change
//! consumes.

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

/// The stand-in for a challenge allows one attempt: a wrong password stays wrong.
const ATTEMPTS_PER_CALL: u8 = 1;

/// Verifies account passwords.
pub(super) struct PasswordProofs {
    pub(super) accounts: Arc<dyn AccountStore>,
    pub(super) challenges: Arc<dyn ChallengeStore>,
    pub(super) passwords: Arc<dyn PasswordChecker>,
    pub(super) requests: Arc<UseCaseRunner>,
    pub(super) verdict_requests: Arc<VerdictRequestBuilder>,
}

struct ChargedPasswordAttempt {
    attempt: StandaloneAttempt,
    at: Timestamp,
    /// Whether this call charged the attempt, not an earlier one.
    is_new: bool,
}

impl PasswordProofs {
    /// Verifies the password and records the verdict. Returns the approval that the change consumes. A call that is
    /// decided again does not verify the password again.
    pub(super) async fn approve(
        &self,
        context: &RequestContext,
        action: &Action,
        password: &Password,
    ) -> Result<ApprovalId, Error> {
        let retained = &context.call.retained.password_approval;
        if let Some(id) = retained.get() {
            return approved_before(context, *id);
        }
        let approval = self.approve_first(context, action, password).await?;
        Ok(*retained.get_or_init(|| approval))
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
                // No verdict was recorded, so a repeat has to be charged again.
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
            // The windows may have room again since this old charge, so judging it now would exceed their limit.
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
            attempt,
            at,
            is_new,
        })
    }

    /// The attempt, named after the call: the request id gives the attempt's id, the payload the challenge's. So a
    /// repeat is the same attempt, and the same id with another password is not.
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

    /// The recorded verdict on this attempt, if there is one. After a verdict, the service is not asked again for the
    /// same charge.
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
            ChallengeOutcome::Approved(approval) => {
                match approval.rejection(&call.caller.name, epoch, lifetime, *now) {
                    Some(why) => Err(Refusal::AuthorizationNotAccepted(why).into()),
                    None => Ok(approval.id),
                }
            }
            ChallengeOutcome::Without(_) => Err(Refusal::PasswordRejected.into()),
        }))
    }

    async fn judge(
        &self,
        context: &RequestContext,
        password: &Password,
        charged: &ChargedPasswordAttempt,
    ) -> Result<AttemptJudgment, Error> {
        // The key covers the password too: if the request id was forgotten, another password is another attempt.
        let key = format!(
            "{}-{}",
            charged.attempt.challenge, charged.attempt.attempt_id
        );
        let subject = &context.call.subject;
        let verified = self.passwords.verify(subject, password, &key);
        match context.call.permit.release_during(verified).await {
            PasswordVerdict::Matches => Ok(AttemptJudgment::Right(AttemptEffect::Plain)),
            PasswordVerdict::DoesNotMatch => Ok(AttemptJudgment::Wrong { skew: None }),
            PasswordVerdict::NotLookedAt => {
                // The service may have checked the password for the call that paid.
                if charged.is_new {
                    self.give_back(context, charged).await;
                }
                Err(Error::PasswordServiceUnavailable)
            }
            // The attempt stays charged, so that disabling the service gains an attacker no attempts.
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
        if let Err(unavailable) = self
            .challenges
            .refund_attempt(tag, challenge, attempt_id)
            .await
        {
            tracing::warn!(%unavailable, "password attempt not refunded; its charge expires by itself");
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
            max_attempts: ATTEMPTS_PER_CALL,
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

    /// The approval that a correct password becomes.
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

/// Returns the approval from an earlier decision of this call, if it still authorizes a change.
fn approved_before(context: &RequestContext, id: ApprovalId) -> Result<ApprovalId, Error> {
    let RequestContext { call, user, now } = context;
    let (epoch, lifetime) = (user.account.epoch, user.policy.authorization_lifetime);
    let caller = &call.caller.name;
    let rejection = match user.account.approval(id) {
        Some(approval) => approval.rejection(caller, epoch, lifetime, *now),
        None => Some(user.account.rejection_of(id, caller, *now)),
    };
    match rejection {
        Some(why) => Err(Refusal::AuthorizationNotAccepted(why).into()),
        None => Ok(id),
    }
}
