//! A judgement on its way to the durable record: what it rests on, and what it becomes if it is upheld.

use crate::{
    app::{
        CallContext, Context, audit_events::AuditEvents, call::Shown,
        idempotency::IdempotencyRecords, policy_resolver::PolicyResolver, randomness::Randomness,
    },
    ports::Keys,
};
use countersign_domain::{
    approval::{AnsweredBy, Approval, ApprovedPurpose},
    book::{Attempt, Charged},
    challenge::{Asks, Challenge, Effect, Judgement, Purpose},
    change::{Made, Receipt},
    device::{ClientApp, DeviceName},
    event::{Event, EventKind, Facts},
    recovery::{NextKey, RecoveryKey},
    secret::SecretBytes,
    settlement::{DeviceSeen, Guess, Settlement},
    time::Timestamp,
};
use std::sync::Arc;

/// Makes settlements.
pub(super) struct Settlements {
    pub(super) keys: Arc<dyn Keys>,
    pub(super) policies: Arc<PolicyResolver>,
    pub(super) events: AuditEvents,
    pub(super) idempotency: IdempotencyRecords,
    pub(super) randomness: Randomness,
}

/// An attempt that is charged, and what it answers.
pub(super) struct ChargedAttempt<'a> {
    pub(super) call: &'a CallContext,
    pub(super) challenge: &'a Challenge,
    pub(super) attempt: &'a Attempt,
    pub(super) charged: &'a Charged,
    /// What it would sign in with in place of a method.
    pub(super) stand_in: Option<AnsweredBy>,
}

/// What is to be recorded, and the recovery key that is shown if it is upheld.
pub(super) struct PendingSettlement {
    pub(super) settlement: Settlement,
    pub(super) next_key: Option<Shown>,
}

/// A recovery key in place of one that is right.
struct NextRecoveryKey {
    key: NextKey,
    receipt: Option<Receipt>,
    shown: Shown,
}

impl Settlements {
    /// What a judgement becomes.
    pub(super) fn settlement(
        &self,
        charged_attempt: &ChargedAttempt<'_>,
        judgement: Judgement,
    ) -> PendingSettlement {
        let ChargedAttempt {
            call,
            challenge,
            attempt,
            charged,
            stand_in: _,
        } = charged_attempt;
        let next = self.next_key(call, judgement, charged.at);
        let (next_key, shown) = next
            .map(|next| ((next.key, next.receipt), next.shown))
            .unzip();
        let approval = self.approval(charged_attempt);
        let device = self.device_seen(charged_attempt, &approval);
        let [approved_event, rejected_event] = self.events_of(call, challenge, &approval);
        let settlement = Settlement {
            subject: call.subject.clone(),
            challenge: challenge.id,
            issued_at: challenge.issued_at,
            epoch: challenge.epoch,
            attempts: charged.bears,
            guess: Guess {
                id: attempt.guess,
                class: charged.class,
                windows: challenge.windows(charged.class),
                at: charged.at,
            },
            asked: challenge.asked().filter(|_| !attempt.recovery),
            failures_until_disabled: self.policies.built_in().failures_until_disabled,
            judgement,
            next_key,
            approval: Approval {
                device: device.as_ref().map(|device| device.id),
                ..approval
            },
            device,
            approved_event,
            rejected_event,
        };
        PendingSettlement {
            settlement,
            next_key: shown,
        }
    }

    /// What takes the place of a recovery key that is right, and what of it is shown.
    fn next_key(
        &self,
        call: &CallContext,
        judgement: Judgement,
        at: Timestamp,
    ) -> Option<NextRecoveryKey> {
        let Judgement::Right(Effect::RecoveryKey { .. }) = judgement else {
            return None;
        };
        let key = RecoveryKey::new(&self.randomness.bytes());
        let next = NextKey {
            set: self.randomness.id(),
            hash: key.hash(),
        };
        let shown = Shown {
            codes: vec![key.expose()],
            ..Shown::default()
        };
        Some(NextRecoveryKey {
            key: next,
            receipt: self.idempotency.record_at(call, Made::Nothing, &shown, at),
            shown,
        })
    }

    /// The approval that it becomes, if it does.
    fn approval(&self, charged_attempt: &ChargedAttempt<'_>) -> Approval {
        let ChargedAttempt {
            call,
            challenge,
            attempt,
            charged,
            stand_in,
        } = charged_attempt;
        let by_code = challenge.asks.kind().map(AnsweredBy::Code);
        let answered_by = stand_in.or(by_code).unwrap_or(AnsweredBy::RecoveryCode);
        Approval {
            id: self.randomness.id(),
            challenge: challenge.id,
            subject: call.subject.clone(),
            caller: call.caller.name.clone(),
            guess: attempt.guess,
            payload: attempt.payload,
            purpose: ApprovedPurpose::of(challenge),
            answered_by,
            method: challenge
                .asked()
                .map(|(id, _)| id)
                .filter(|_| !attempt.recovery),
            audience: challenge.audience.clone(),
            epoch: challenge.epoch,
            at: charged.at,
            key: self.keys.active(),
            device: None,
        }
    }

    /// The audit records of both verdicts. One of the two is written, so that they share what is sealed.
    fn events_of(
        &self,
        call: &CallContext,
        challenge: &Challenge,
        approval: &Approval,
    ) -> [Event; 2] {
        let facts = Facts::none()
            .with("challenge_id", challenge.id)
            .with("purpose", challenge.purpose.as_str());
        let facts = match &challenge.asks {
            Asks::OfProvider { verification, .. } if !approval.answered_by.stands_in() => {
                facts.with("checked_by", &verification.provider)
            }
            _ => facts,
        };
        self.both_events(call, &challenge.user_key, facts, approval)
    }

    /// The same of any judgement.
    pub(super) fn both_events(
        &self,
        call: &CallContext,
        user_key: &SecretBytes,
        facts: Facts,
        approval: &Approval,
    ) -> [Event; 2] {
        let facts = facts.with("answered_by", approval.answered_by.as_str());
        let approved_facts = facts.clone().with("approval_id", approval.id);
        let kind = EventKind::ChallengeRejected;
        let rejected = self
            .events
            .event_at(call, user_key, kind, facts, approval.at);
        let approved = Event {
            kind: EventKind::ChallengeApproved,
            facts: approved_facts,
            ..rejected.clone()
        };
        [approved, rejected]
    }

    /// The device that gets a token: one that itself completes the second factor of a sign-in.
    fn device_seen(
        &self,
        charged_attempt: &ChargedAttempt<'_>,
        approval: &Approval,
    ) -> Option<DeviceSeen> {
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
        let id = known.map_or_else(|| self.randomness.id(), |(id, _)| id);
        let what = *approval.id.as_bytes();
        let token = self.keys.device_token(&approval.key, id, what)?;
        let Context {
            user_agent,
            app,
            whence,
            ..
        } = &call.client;
        let called = whence.device.as_ref().or(challenge.whence.device.as_ref());
        let trusted = challenge
            .trust
            .filter(|terms| terms.mobile && *app == Some(ClientApp::Mobile));
        Some(DeviceSeen {
            id,
            name: DeviceName::made_up(called.map(String::as_str), user_agent.as_deref(), *app),
            app: *app,
            series: token.series(),
            token: token.hash(),
            presented: known.map(|(_, token)| token),
            proved_by: challenge.asks.kind()?,
            trusted_until: trusted.map(|terms| approval.at.plus(terms.life)),
            at_most: self.policies.built_in().devices_per_user,
        })
    }
}
