//! The walk of an answer, the same for every RPC that takes a code: charge, judge, settle.

use crate::{
    app::{App, Call, Error, ShownCodes, hashing::Place},
    ports::{AccountLookup, FindChallenge},
};
use countersign_domain::{
    approval::{AnsweredBy, Approval},
    book::{Attempt, REQUEST_LIFE, Spent},
    bypass::BypassCode,
    challenge::{Asks, Challenge, Effect, Judgement, Purpose},
    code::{Answer, Digits},
    device::{Device, DeviceToken, TrustTerms},
    id::{ChallengeId, GuessId},
    recovery::{RecoveryCode, RecoveryKey, Standing},
    refusal::Refusal,
    request::RequestMark,
    settlement::{Ended, Settled, Settlement},
    time::Timestamp,
    totp::Skew,
};

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

/// A code, and what it takes to look at it.
enum Judgeable {
    Digits(Digits),
    Recovery(RecoveryCode, Place),
    Bypass(BypassCode, Place),
    Key(RecoveryKey),
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

/// What stands for a guess that is not to be looked at, or that nothing matches.
pub(super) const WRONG: Judgement = Judgement::Wrong { skew: None };

impl Judgeable {
    /// What it would sign in with in place of a method.
    const fn stand_in(&self) -> Option<AnsweredBy> {
        match self {
            Self::Digits(_) => None,
            Self::Recovery(..) => Some(AnsweredBy::RecoveryCode),
            Self::Bypass(..) => Some(AnsweredBy::BypassCode),
            Self::Key(_) => Some(AnsweredBy::RecoveryKey),
        }
    }
}

impl Rejection {
    const OVER: Self = Self {
        over: true,
        attempts_left: 0,
        clock_skew_suspected: false,
    };
}

impl App {
    /// Charges a guess, judges it, and makes the judgement a fact. Before the answer: one script and one statement, and
    /// for a code that a provider owns one call to it in between.
    pub(super) async fn answer(
        &self,
        call: &Call,
        Typed {
            challenge,
            answer,
            answers,
        }: Typed,
    ) -> Result<Outcome, Error> {
        let judgeable = self.judgeable(answer).await?;
        let stand_in = judgeable.stand_in();
        let now = self.now();
        let mark = self.mark(call);
        let guess = mark.map_or_else(|| self.new_id(), |mark| GuessId::from_bytes(mark.tag));
        let attempt = Attempt {
            challenge,
            caller: call.caller.name.clone(),
            guess,
            payload: mark.map(|mark| mark.payload),
            recovery: stand_in.is_some(),
            device: call.context.device_token.as_ref().map(DeviceToken::hash),
            now,
        };
        let challenges = &self.parts.challenges;
        let charged = match challenges.spend_attempt(self.tag(call), &attempt).await? {
            Spent::Judge(charged) => charged,
            Spent::Over => return self.passed_before(call, challenge, mark).await,
            Spent::Full(until) => return Err(Error::too_many_attempts(until, now)),
            Spent::RequestIdReused => return Err(Error::RequestIdReused),
        };
        let challenge = self.open_challenge(&call.who, challenge, &charged.sealed)?;
        fits(&challenge, answers, stand_in)?;
        let judgement = self
            .judge(&challenge, judgeable, (guess, charged.at))
            .await?;
        let judged = (judgement, stand_in);
        let (settlement, next_key) =
            self.settlement(call, &challenge, (&attempt, &charged), judged);
        match self.settle(&settlement).await? {
            Settled::Approved {
                approval,
                codes_left,
                devices,
            } => {
                let made = next_key.filter(|_| approval.id == settlement.approval.id);
                let made = made.zip(Some(&challenge));
                Ok(Outcome::Approved(Box::new(Passed {
                    next_key: self.next_key_of(call, &approval, made).await?,
                    trust: challenge.trust,
                    recovery: challenge.recovery,
                    challenge: Some(challenge),
                    approval: *approval,
                    codes_left,
                    devices,
                    effect: effect_of(judgement),
                })))
            }
            Settled::Rejected { previous_skew } => Ok(Outcome::Rejected(Rejection {
                over: false,
                attempts_left: charged.attempts_left,
                clock_skew_suspected: !attempt.recovery
                    && same_wrong_time(previous_skew, judgement),
            })),
            Settled::Full(until) => Err(Error::too_many_attempts(until, now)),
            Settled::Over => Ok(Outcome::Rejected(Rejection::OVER)),
        }
    }

    async fn judgeable(&self, answer: Answer) -> Result<Judgeable, Error> {
        let hashing = &self.parts.hashing;
        Ok(match answer {
            Answer::Digits(digits) => Judgeable::Digits(digits),
            Answer::Recovery(code) => Judgeable::Recovery(code, hashing.place().await?),
            Answer::Key(key) => Judgeable::Key(key),
            Answer::Bypass(code) => Judgeable::Bypass(code, hashing.place().await?),
        })
    }

    async fn judge(
        &self,
        challenge: &Challenge,
        judgeable: Judgeable,
        (guess, at): (GuessId, Timestamp),
    ) -> Result<Judgement, Error> {
        match judgeable {
            Judgeable::Digits(digits) => self.judge_digits(challenge, (&digits, guess), at).await,
            Judgeable::Recovery(code, place) => {
                self.judge_recovery_code(challenge, (code, guess), place)
                    .await
            }
            Judgeable::Key(key) => self.judge_recovery_key(challenge, (key, guess)).await,
            Judgeable::Bypass(code, place) => {
                self.judge_bypass_code(challenge, (code, guess), place)
                    .await
            }
        }
    }

    /// Settles. A sign-in by recovery or bypass code is an alarm: it need not wait for the announcer's next look.
    async fn settle(&self, settlement: &Settlement) -> Result<Settled, Error> {
        let settled = self.accounts().settle(settlement).await?;
        if settlement.approval.answered_by.stands_in() {
            self.bells.alarm();
        }
        Ok(settled)
    }

    /// Gives a passed challenge's charges back and drops it, once its answer is on the way.
    pub(super) async fn conclude(&self, call: &Call, approval: &Approval) {
        let challenges = &self.parts.challenges;
        let concluded = challenges.conclude(self.tag(call), approval.challenge, approval.guess);
        if let Err(unavailable) = concluded.await {
            tracing::warn!(%unavailable, "a passed challenge could not be dropped; it ends by itself");
        }
    }

    /// A challenge of this caller's, open.
    pub(super) async fn find_open(
        &self,
        call: &Call,
        id: ChallengeId,
        now: Timestamp,
    ) -> Result<Challenge, Error> {
        let find = FindChallenge {
            id,
            caller: call.caller.name.clone(),
            now,
        };
        let standing = self.parts.challenges.find(self.tag(call), &find).await?;
        let standing = standing.ok_or(Error::ChallengeNotFound)?;
        self.open_challenge(&call.who, id, &standing.sealed)
    }

    async fn judge_digits(
        &self,
        challenge: &Challenge,
        (digits, guess): (&Digits, GuessId),
        at: Timestamp,
    ) -> Result<Judgement, Error> {
        if let Asks::OfProvider {
            verification,
            destination,
        } = &challenge.asks
        {
            let at_provider = (verification, destination);
            return self
                .judge_at_provider(challenge, at_provider, (digits, guess))
                .await;
        }
        let key = challenge
            .code_key()
            .and_then(|id| self.parts.keys.code_key(id, at));
        Ok(challenge.judge(digits, key.as_ref(), at))
    }

    /// Short-lived memory knows nothing of the challenge. If this very call passed it before, the durable record does.
    async fn passed_before(
        &self,
        call: &Call,
        challenge: ChallengeId,
        mark: Option<RequestMark>,
    ) -> Result<Outcome, Error> {
        let Some(mark) = mark else {
            return Ok(Outcome::Rejected(Rejection::OVER));
        };
        let lookup = AccountLookup::of_challenge(challenge);
        let mut loaded = self.accounts().load(&call.who, lookup).await?;
        let account = loaded.account.take();
        let Some(Ended::Approved(approval)) = loaded.ended_for(&call.caller.name) else {
            return Ok(Outcome::Rejected(Rejection::OVER));
        };
        let remembered = self.now().since(approval.at) <= REQUEST_LIFE;
        if *approval.guess.as_bytes() != mark.tag || !remembered {
            return Ok(Outcome::Rejected(Rejection::OVER));
        }
        if approval.payload != Some(mark.payload) {
            return Err(Error::RequestIdReused);
        }
        let Some(account) = account.filter(|account| account.epoch == approval.epoch) else {
            return Ok(Outcome::Rejected(Rejection::OVER));
        };
        let policy = self.policy(&account);
        Ok(Outcome::Approved(Box::new(Passed {
            challenge: None,
            trust: TrustTerms::of(&policy.rules),
            recovery: account.recovery_standing(&policy),
            codes_left: account.recovery_codes_left(),
            next_key: self.next_key_of(call, &approval, None).await?,
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
