//! Builds a verdict request from a judged attempt, with everything that an approval would write.

use crate::{
    app::{
        ClientContext, audit_events::AuditEvents, context::CallContext,
        idempotency::IdempotencyRecorder, policy::policy_resolver::PolicyResolver,
        randomness::Randomness, replayed_response::ReplayedResponse,
    },
    ports::KeyService,
};
use countersign_domain::{
    account::change::{CreatedResource, IdempotencyRecord},
    audit_event::{AuditDetails, AuditEvent, AuditEventKind},
    challenge::{
        AttemptEffect, AttemptJudgment, Challenge, ExpectedAnswer, Purpose,
        answered_by::AnsweredBy,
        approval::{Approval, ApprovedPurpose},
        verdict::{DeviceUpdate, JudgedAttempt, VerdictRequest},
    },
    device::{ClientApp, DeviceName},
    limits::user_throttle::{AttemptCharge, AttemptRequest},
    recovery::{RecoveryKey, ReplacementRecoveryKey},
    value::{secret::SecretBytes, time::Timestamp},
};
use std::sync::Arc;

/// Builds verdict requests.
pub(crate) struct VerdictRequestBuilder {
    pub(crate) keys: Arc<dyn KeyService>,
    pub(crate) policies: Arc<PolicyResolver>,
    pub(crate) events: AuditEvents,
    pub(crate) idempotency: IdempotencyRecorder,
    pub(crate) randomness: Randomness,
}

/// A charged attempt, with its challenge.
pub(crate) struct ChargedAttempt<'a> {
    pub(crate) call: &'a CallContext,
    pub(crate) challenge: &'a Challenge,
    pub(crate) attempt: &'a AttemptRequest,
    pub(crate) charged: &'a AttemptCharge,
    /// The kind of recovery or bypass code; `None` for a code of a method.
    pub(crate) fallback: Option<AnsweredBy>,
}

/// A verdict request, and the new recovery key to return on approval.
pub(crate) struct PendingVerdict {
    pub(crate) verdict_request: VerdictRequest,
    pub(crate) next_key: Option<ReplayedResponse>,
}

/// A recovery key that replaces the one used as the answer.
struct PreparedRecoveryKey {
    key: ReplacementRecoveryKey,
    idempotency_record: Option<IdempotencyRecord>,
    response: ReplayedResponse,
}

impl VerdictRequestBuilder {
    /// Builds the request that records a judgment.
    pub(crate) fn verdict_request(
        &self,
        charged_attempt: &ChargedAttempt<'_>,
        judgment: AttemptJudgment,
    ) -> PendingVerdict {
        let ChargedAttempt {
            call,
            challenge,
            attempt,
            charged,
            fallback: _,
        } = charged_attempt;
        let next = self.next_key(call, judgment, charged.at);
        let (next_key, response) = next
            .map(|next| ((next.key, next.idempotency_record), next.response))
            .unzip();
        let approval = self.approval(charged_attempt);
        let device = self.device_update(charged_attempt, &approval);
        let [approved_event, rejected_event] = self.events_of(call, challenge, &approval);
        let verdict_request = VerdictRequest {
            subject: call.subject.clone(),
            challenge: challenge.id,
            issued_at: challenge.issued_at,
            epoch: challenge.epoch,
            max_attempts: charged.attempts_allowed,
            attempt: JudgedAttempt {
                id: attempt.attempt_id,
                class: charged.class,
                windows: challenge.windows(charged.class),
                at: charged.at,
            },
            asked: challenge.asked_method().filter(|_| !attempt.recovery),
            failures_until_disabled: self.policies.built_in().failures_until_disabled,
            judgment,
            next_key,
            approval: Approval {
                device: device.as_ref().map(|device| device.id),
                ..approval
            },
            device,
            approved_event,
            rejected_event,
        };
        PendingVerdict {
            verdict_request,
            next_key: response,
        }
    }

    /// Prepares the recovery key that replaces a correct one; `None` for any other code.
    fn next_key(
        &self,
        call: &CallContext,
        judgment: AttemptJudgment,
        at: Timestamp,
    ) -> Option<PreparedRecoveryKey> {
        let AttemptJudgment::Right(AttemptEffect::RecoveryKey { .. }) = judgment else {
            return None;
        };
        let key = RecoveryKey::new(&self.randomness.bytes());
        let next = ReplacementRecoveryKey {
            set: self.randomness.id(),
            hash: key.hash(),
        };
        let response = ReplayedResponse {
            codes: vec![key.expose()],
            ..ReplayedResponse::default()
        };
        Some(PreparedRecoveryKey {
            key: next,
            idempotency_record: self.idempotency.record_at(
                call,
                CreatedResource::Nothing,
                &response,
                at,
            ),
            response,
        })
    }

    /// The approval to write if the verdict is positive.
    fn approval(&self, charged_attempt: &ChargedAttempt<'_>) -> Approval {
        let ChargedAttempt {
            call,
            challenge,
            attempt,
            charged,
            fallback,
        } = charged_attempt;
        let by_code = challenge.expected_answer.kind().map(AnsweredBy::Code);
        let answered_by = fallback.or(by_code).unwrap_or(AnsweredBy::RecoveryCode);
        Approval {
            id: self.randomness.id(),
            challenge: challenge.id,
            subject: call.subject.clone(),
            caller: call.caller.name.clone(),
            attempt_id: attempt.attempt_id,
            payload: attempt.payload,
            purpose: ApprovedPurpose::of(challenge),
            answered_by,
            method: challenge
                .asked_method()
                .map(|(id, _)| id)
                .filter(|_| !attempt.recovery),
            audience: challenge.audience.clone(),
            epoch: challenge.epoch,
            at: charged.at,
            key: self.keys.active(),
            device: None,
        }
    }

    /// The audit events of both verdicts. Only one is written, so they share id and sealed details.
    fn events_of(
        &self,
        call: &CallContext,
        challenge: &Challenge,
        approval: &Approval,
    ) -> [AuditEvent; 2] {
        let details = AuditDetails::none()
            .with("challenge_id", challenge.id)
            .with("purpose", challenge.purpose.as_str());
        let details = match &challenge.expected_answer {
            ExpectedAnswer::OfProvider { verification, .. }
                if !approval.answered_by.is_fallback() =>
            {
                details.with("checked_by", &verification.provider)
            }
            _ => details,
        };
        self.both_events(call, &challenge.user_key, details, approval)
    }

    /// The audit events of both verdicts, for a challenge or a password attempt.
    pub(crate) fn both_events(
        &self,
        call: &CallContext,
        user_key: &SecretBytes,
        details: AuditDetails,
        approval: &Approval,
    ) -> [AuditEvent; 2] {
        let details = details.with("answered_by", approval.answered_by.as_str());
        let approved_details = details.clone().with("approval_id", approval.id);
        let kind = AuditEventKind::ChallengeRejected;
        let rejected = self
            .events
            .event_at(call, user_key, kind, details, approval.at);
        let approved = AuditEvent {
            kind: AuditEventKind::ChallengeApproved,
            details: approved_details,
            ..rejected.clone()
        };
        [approved, rejected]
    }

    /// The device that receives a token: it passed the second factor of a sign-in with a code of a method.
    fn device_update(
        &self,
        charged_attempt: &ChargedAttempt<'_>,
        approval: &Approval,
    ) -> Option<DeviceUpdate> {
        let ChargedAttempt {
            call,
            challenge,
            attempt,
            ..
        } = charged_attempt;
        if challenge.purpose != Purpose::SignIn || attempt.recovery {
            return None;
        }
        let known = challenge
            .device
            .filter(|(_, token)| attempt.device == Some(*token));
        if known.is_none() && call.client.stores_no_device_token {
            return None;
        }
        let id = known.map_or_else(|| self.randomness.id(), |(id, _)| id);
        let what = *approval.id.as_bytes();
        let token = self.keys.device_token(&approval.key, id, what)?;
        let ClientContext {
            user_agent,
            app,
            client_description,
            ..
        } = &call.client;
        let called = client_description
            .device
            .as_ref()
            .or(challenge.client_description.device.as_ref());
        let trusted = challenge
            .trust
            .filter(|terms| terms.mobile && *app == Some(ClientApp::Mobile));
        Some(DeviceUpdate {
            id,
            name: DeviceName::made_up(called.map(String::as_str), user_agent.as_deref(), *app),
            app: *app,
            place: client_description
                .place
                .clone()
                .or_else(|| challenge.client_description.place.clone()),
            series: token.series(),
            token: token.hash(),
            presented: known.map(|(_, token)| token),
            proved_by: challenge.expected_answer.kind()?,
            trusted_until: trusted.map(|terms| approval.at.plus(terms.lifetime)),
            at_most: self.policies.built_in().devices_per_user,
        })
    }
}
