//! The call path of an answer, the same for every RPC that takes a code: charge, judge, settle.

use crate::{
    app::{
        CallContext, Error, Sealing, ShownCodes,
        attempt_judge::AttemptJudge,
        next_key::NextKeys,
        outbox::Bells,
        requests::Requests,
        settlement::{ChargedAttempt, PendingSettlement, Settlements},
    },
    ports::{AccountLookup, Accounts, Challenges},
};
use countersign_domain::{
    approval::{AnsweredBy, Approval},
    book::{Attempt, REQUEST_LIFE, Spent},
    challenge::{Challenge, Effect, Judgement, Purpose},
    code::Answer,
    device::{Device, TrustTerms},
    id::{ChallengeId, GuessId},
    recovery::Standing,
    refusal::Refusal,
    settlement::{Ended, Settled, Settlement},
    totp::Skew,
};
use std::sync::Arc;

/// A code that a call brings, for a challenge.
pub(super) struct Typed {
    pub(super) challenge: ChallengeId,
    pub(super) answer: Answer,
    /// What the RPC answers.
    pub(super) answers: Answers,
}

/// What an RPC that takes a code answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answers {
    /// Enrolments.
    Enrollment,
    /// Resets.
    Reset,
    /// Everything else.
    TheRest,
}

/// What became of it.
pub(super) enum Outcome {
    /// Approved, now or by this very call before.
    Approved(Box<Passed>),
    /// Not accepted.
    Rejected(Rejection),
}

/// A challenge that was passed.
pub(super) struct Passed {
    /// The challenge; nothing where only the durable record still knows of it.
    pub(super) challenge: Option<Challenge>,
    pub(super) approval: Approval,
    pub(super) codes_left: u32,
    /// The devices that are known now.
    pub(super) devices: Vec<Device>,
    /// What the policy makes of trust in them.
    pub(super) trust: Option<TrustTerms>,
    /// What was known of the user's way back.
    pub(super) recovery: Standing,
    /// What accepting the code did.
    pub(super) effect: Option<Effect>,
    /// In place of the recovery key that answered.
    pub(super) next_key: Option<ShownCodes>,
}

/// An answer that was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejection {
    /// Whether the challenge is over.
    pub over: bool,
    /// How many more codes it will look at.
    pub attempts_left: u8,
    /// Two different codes in a row came from the same wrong time.
    pub clock_skew_suspected: bool,
}

/// Verifies the codes of challenges.
pub(super) struct ChallengeVerifier {
    pub(super) accounts: Arc<dyn Accounts>,
    pub(super) challenges: Arc<dyn Challenges>,
    pub(super) requests: Arc<Requests>,
    pub(super) sealing: Sealing,
    pub(super) judge: AttemptJudge,
    pub(super) settlements: Arc<Settlements>,
    pub(super) next_keys: NextKeys,
    pub(super) wakeup: Arc<Bells>,
}

impl Rejection {
    const OVER: Self = Self {
        over: true,
        attempts_left: 0,
        clock_skew_suspected: false,
    };
}

impl ChallengeVerifier {
    /// Charges an attempt, judges it, and makes the judgement a fact. Before the answer: one script and one statement, and
    /// for a code that a provider owns one call to it in between.
    pub(super) async fn verify(&self, call: &CallContext, typed: Typed) -> Result<Outcome, Error> {
        let submitted = self.judge.submitted(typed.answer).await?;
        let stand_in = submitted.stand_in();
        let attempt = self.attempt(call, typed.challenge, stand_in);
        let spent = self.challenges.spend_attempt(call.subject_tag, &attempt);
        let charged = match spent.await? {
            Spent::Judge(charged) => charged,
            Spent::Over => return self.passed_before(call, typed.challenge).await,
            Spent::Full(until) => return Err(Error::too_many_attempts(until, attempt.now)),
            Spent::RequestIdReused => return Err(Error::RequestIdReused),
        };
        let challenge =
            self.sealing
                .open_challenge(&call.subject, typed.challenge, &charged.sealed)?;
        fits(&challenge, typed.answers, stand_in)?;
        let judgement = self
            .judge
            .judge(&challenge, submitted, attempt.guess, charged.at)
            .await?;
        let charged_attempt = ChargedAttempt {
            call,
            challenge: &challenge,
            attempt: &attempt,
            charged: &charged,
            stand_in,
        };
        let pending = self.settlements.settlement(&charged_attempt, judgement);
        match self.settle(&pending.settlement).await? {
            Settled::Approved {
                approval,
                codes_left,
                devices,
            } => Ok(Outcome::Approved(Box::new(Passed {
                next_key: self.next_key(&charged_attempt, pending, &approval).await?,
                trust: challenge.trust,
                recovery: challenge.recovery,
                challenge: Some(challenge),
                approval: *approval,
                codes_left,
                devices,
                effect: effect_of(judgement),
            }))),
            Settled::Rejected { previous_skew } => Ok(Outcome::Rejected(Rejection {
                over: false,
                attempts_left: charged.attempts_left,
                clock_skew_suspected: stand_in.is_none()
                    && same_wrong_time(previous_skew, judgement),
            })),
            Settled::Full(until) => Err(Error::too_many_attempts(until, attempt.now)),
            Settled::Over => Ok(Outcome::Rejected(Rejection::OVER)),
        }
    }

    /// Gives a passed challenge's charges back and drops it, once its answer is on the way.
    pub(super) fn conclude(&self, call: &CallContext, approval: &Approval) {
        let challenges = Arc::clone(&self.challenges);
        let (tag, challenge, attempt) = (call.subject_tag, approval.challenge, approval.guess);
        self.requests.tasks.follow_up(async move {
            if let Err(unavailable) = challenges.conclude(tag, challenge, attempt).await {
                tracing::warn!(%unavailable, "a passed challenge could not be dropped; it ends by itself");
            }
        });
    }

    /// The attempt, named after the call: a repeat is the same attempt.
    fn attempt(
        &self,
        call: &CallContext,
        challenge: ChallengeId,
        stand_in: Option<AnsweredBy>,
    ) -> Attempt {
        let mark = call.idempotency;
        let id = || self.settlements.randomness.id();
        Attempt {
            challenge,
            caller: call.caller.name.clone(),
            guess: mark.map_or_else(id, |mark| GuessId::from_bytes(mark.tag)),
            payload: mark.map(|mark| mark.payload),
            recovery: stand_in.is_some(),
            device: call.device_token_hash(),
            now: self.requests.clock.now(),
        }
    }

    /// Settles. A sign-in by recovery or bypass code is an alarm: it need not wait for the announcer's next look.
    async fn settle(&self, settlement: &Settlement) -> Result<Settled, Error> {
        let settled = self.accounts.settle(settlement).await?;
        if settlement.approval.answered_by.stands_in() {
            self.wakeup.alarm();
        }
        Ok(settled)
    }

    /// The recovery key that took the place of the one that answered: this attempt's, or an earlier one's.
    async fn next_key(
        &self,
        charged_attempt: &ChargedAttempt<'_>,
        pending: PendingSettlement,
        approval: &Approval,
    ) -> Result<Option<ShownCodes>, Error> {
        let ours = approval.id == pending.settlement.approval.id;
        let ChargedAttempt {
            call, challenge, ..
        } = charged_attempt;
        match pending.next_key.filter(|_| ours) {
            Some(made) => self.next_keys.made(call, challenge, approval, made).await,
            None => self.next_keys.kept(call, approval).await,
        }
    }

    /// Short-lived memory knows nothing of the challenge. If this very call passed it before, the durable record does.
    async fn passed_before(
        &self,
        call: &CallContext,
        challenge: ChallengeId,
    ) -> Result<Outcome, Error> {
        let Some(mark) = call.idempotency else {
            return Ok(Outcome::Rejected(Rejection::OVER));
        };
        let lookup = AccountLookup::of_challenge(challenge);
        let mut loaded = self.accounts.load(&call.subject, lookup).await?;
        let account = loaded.account.take();
        let Some(Ended::Approved(approval)) = loaded.ended_for(&call.caller.name) else {
            return Ok(Outcome::Rejected(Rejection::OVER));
        };
        let remembered = self.requests.clock.now().since(approval.at) <= REQUEST_LIFE;
        if *approval.guess.as_bytes() != mark.tag || !remembered {
            return Ok(Outcome::Rejected(Rejection::OVER));
        }
        if approval.payload != Some(mark.payload) {
            return Err(Error::RequestIdReused);
        }
        let Some(account) = account.filter(|account| account.epoch == approval.epoch) else {
            return Ok(Outcome::Rejected(Rejection::OVER));
        };
        let policies = &self.requests.policies;
        let policy = policies.policy(&account.subject.tenant, &account.tenant_layer);
        Ok(Outcome::Approved(Box::new(Passed {
            challenge: None,
            trust: TrustTerms::of(&policy.rules),
            recovery: account.recovery_standing(&policy),
            codes_left: account.recovery_codes_left(),
            next_key: self.next_keys.kept(call, &approval).await?,
            approval: *approval,
            devices: account.devices,
            effect: None,
        })))
    }
}

/// Whether the RPC and the form of the code suit the challenge.
fn fits(
    challenge: &Challenge,
    answers: Answers,
    stand_in: Option<AnsweredBy>,
) -> Result<(), Error> {
    let answered_by = match challenge.purpose {
        Purpose::Enrollment(_) => Answers::Enrollment,
        Purpose::Reset(_) => Answers::Reset,
        Purpose::SignIn | Purpose::StepUp { .. } | Purpose::VerifyEmail { .. } => Answers::TheRest,
    };
    if answered_by != answers {
        return Err(Refusal::WrongPurpose.into());
    }
    if stand_in.is_some_and(|stand_in| !challenge.takes(stand_in)) {
        return Err(Refusal::RecoveryCodeNotAccepted.into());
    }
    Ok(())
}

const fn effect_of(judgement: Judgement) -> Option<Effect> {
    match judgement {
        Judgement::Right(effect) => Some(effect),
        Judgement::Wrong { .. } => None,
    }
}

/// Two successive different codes of one challenge belong to the same wrong time.
fn same_wrong_time(previous: Option<Skew>, judgement: Judgement) -> bool {
    match (previous, judgement) {
        (Some(before), Judgement::Wrong { skew: Some(now) }) => {
            before.offset == now.offset && before.step != now.step
        }
        _ => false,
    }
}
