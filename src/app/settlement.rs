//! A judgement on its way to the durable record: what it rests on, and what it becomes if it is upheld.

use crate::app::{App, Call, Context, call::Shown};
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

impl App {
    pub(super) fn settlement(
        &self,
        call: &Call,
        challenge: &Challenge,
        (attempt, charged): (&Attempt, &Charged),
        (judgement, stand_in): (Judgement, Option<AnsweredBy>),
    ) -> (Settlement, Option<Shown>) {
        let (next_key, shown) = self.next_key(call, judgement, charged.at).unzip();
        let approval = self.approval(call, challenge, (attempt, stand_in), charged.at);
        let device = self.device_seen(call, challenge, attempt, &approval);
        let [approved_event, rejected_event] = self.events_of(call, challenge, &approval);
        let settlement = Settlement {
            subject: call.who.clone(),
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
            failures_until_disabled: self.parts.policy.failures_until_disabled,
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
        (settlement, shown)
    }

    /// What takes the place of a recovery key that is right, and what of it is shown.
    fn next_key(
        &self,
        call: &Call,
        judgement: Judgement,
        at: Timestamp,
    ) -> Option<((NextKey, Option<Receipt>), Shown)> {
        let Judgement::Right(Effect::RecoveryKey { .. }) = judgement else {
            return None;
        };
        let key = RecoveryKey::new(&self.random());
        let next = NextKey {
            set: self.new_id(),
            hash: key.hash(),
        };
        let shown = Shown {
            codes: vec![key.expose()],
            ..Shown::default()
        };
        let receipt = self.receipt(call, Made::Nothing, &shown, at);
        Some(((next, receipt), shown))
    }

    /// The approval that it becomes, if it does.
    fn approval(
        &self,
        call: &Call,
        challenge: &Challenge,
        (attempt, stand_in): (&Attempt, Option<AnsweredBy>),
        at: Timestamp,
    ) -> Approval {
        let by_code = challenge.asks.kind().map(AnsweredBy::Code);
        let answered_by = stand_in.or(by_code).unwrap_or(AnsweredBy::RecoveryCode);
        Approval {
            id: self.new_id(),
            challenge: challenge.id,
            subject: call.who.clone(),
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
            at,
            key: self.parts.keys.active(),
            device: None,
        }
    }

    /// The audit records of both verdicts. One of the two is written, so that they share what is sealed.
    fn events_of(&self, call: &Call, challenge: &Challenge, approval: &Approval) -> [Event; 2] {
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
        call: &Call,
        user_key: &SecretBytes,
        facts: Facts,
        approval: &Approval,
    ) -> [Event; 2] {
        let facts = facts.with("answered_by", approval.answered_by.as_str());
        let approved_facts = facts.clone().with("approval_id", approval.id);
        let kind = EventKind::ChallengeRejected;
        let rejected = self.event(call, user_key, kind, facts, approval.at);
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
        call: &Call,
        challenge: &Challenge,
        attempt: &Attempt,
        approval: &Approval,
    ) -> Option<DeviceSeen> {
        if challenge.purpose != Purpose::SignIn || attempt.recovery {
            return None;
        }
        let known = challenge
            .device
            .filter(|(_, token)| attempt.device == Some(*token));
        let id = known.map_or_else(|| self.new_id(), |(id, _)| id);
        let what = *approval.id.as_bytes();
        let token = self.parts.keys.device_token(&approval.key, id, what)?;
        let Context {
            user_agent,
            app,
            whence,
            ..
        } = &call.context;
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
            at_most: self.parts.policy.devices_per_user,
        })
    }
}
