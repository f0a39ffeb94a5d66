//! The account password as a proof: each try is charged to the user before anyone is asked, in the windows of codes, and
//! settled like a code. A right one becomes the approval of the one change that it came with.

use crate::{
    app::{Error, RequestContext, requests::Requests, settlement::Settlements},
    ports::{Accounts, Challenges, PasswordVerdict, Passwords},
};
use countersign_domain::{
    action::Action,
    approval::{AnsweredBy, Approval, ApprovedPurpose},
    book::{LoneCharge, LoneGuess, REQUEST_LIFE},
    budget::GuessClass,
    challenge::{Effect, Judgement},
    event::Facts,
    id::{ApprovalId, ChallengeId, GuessId},
    password::Password,
    refusal::Refusal,
    settlement::{Ended, Guess, Settled, Settlement},
    time::Timestamp,
};
use std::sync::Arc;

/// A wrong password is wrong for good: what stands for its challenge bears one.
const ATTEMPTS: u8 = 1;

/// Has account passwords looked at.
pub(super) struct PasswordProofs {
    pub(super) accounts: Arc<dyn Accounts>,
    pub(super) challenges: Arc<dyn Challenges>,
    pub(super) passwords: Arc<dyn Passwords>,
    pub(super) requests: Arc<Requests>,
    pub(super) settlements: Arc<Settlements>,
}

/// A try of a password that is charged.
struct ChargedPassword {
    guess: LoneGuess,
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
        let guess = self.lone_guess(context);
        if let Some(ruling) = self.ruled_before(context, &guess).await? {
            return ruling;
        }
        let charged = self.charge(context, guess).await?;
        let judgement = self.judge(context, password, &charged).await?;
        let settlement = self.settlement(context, action, &charged, judgement);
        match self.accounts.settle(&settlement).await? {
            Settled::Approved { approval, .. } => {
                self.give_back(context, &charged).await;
                Ok(approval.id)
            }
            Settled::Rejected { .. } => Err(Refusal::PasswordRejected.into()),
            Settled::Full(until) => Err(Error::too_many_attempts(until, context.now)),
            Settled::Over => {
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
        guess: LoneGuess,
    ) -> Result<ChargedPassword, Error> {
        let now = context.now;
        let tag = context.call.subject_tag;
        let (at, is_new) = match self.challenges.charge_guess(tag, &guess).await? {
            LoneCharge::New => (now, true),
            // What was charged long ago would be judged beside what the windows have room for by now.
            LoneCharge::Known(at) if now.since(at) > REQUEST_LIFE => {
                return Err(Error::RequestIdReused);
            }
            LoneCharge::Known(at) => (at, false),
            LoneCharge::Full(until) => return Err(Error::too_many_attempts(until, now)),
            LoneCharge::RequestIdReused => return Err(Error::RequestIdReused),
        };
        Ok(ChargedPassword { guess, at, is_new })
    }

    /// The try, named after the call: its request id is the guess, and its payload stands for the challenge. So a repeat
    /// is the same guess, and the same id with another password never is.
    fn lone_guess(&self, context: &RequestContext) -> LoneGuess {
        let RequestContext { call, user, now } = context;
        let randomness = &self.settlements.randomness;
        let mark = call.idempotency;
        let token = call.device_token_hash();
        let known = token.is_some_and(|token| user.account.device_holding(token).is_some());
        let class = if known {
            GuessClass::Known
        } else {
            GuessClass::Unknown
        };
        LoneGuess {
            challenge: mark.map_or_else(
                || randomness.id(),
                |mark| ChallengeId::from_bytes(mark.payload),
            ),
            guess: mark.map_or_else(|| randomness.id(), |mark| GuessId::from_bytes(mark.tag)),
            payload: mark.map(|mark| mark.payload),
            class,
            windows: user.policy.wrong_codes.of(class),
            failures: user.account.failures(),
            now: *now,
        }
    }

    /// What the record says of this very try, if it was ruled on: nobody is asked a second time for one charge.
    async fn ruled_before(
        &self,
        context: &RequestContext,
        guess: &LoneGuess,
    ) -> Result<Option<Result<ApprovalId, Error>>, Error> {
        if guess.payload.is_none() {
            return Ok(None);
        }
        let RequestContext { call, user, now } = context;
        let (epoch, life) = (user.account.epoch, user.policy.authorization_life);
        let ended = self.requests.ended(call, guess.challenge).await?;
        Ok(ended.map(|ended| match ended {
            Ended::Approved(approval) if approval.is_live(&call.caller.name, epoch, life, *now) => {
                Ok(approval.id)
            }
            Ended::Approved(_) => Err(Refusal::AuthorizationNotAccepted.into()),
            Ended::Without(_) => Err(Refusal::PasswordRejected.into()),
        }))
    }

    async fn judge(
        &self,
        context: &RequestContext,
        password: &Password,
        charged: &ChargedPassword,
    ) -> Result<Judgement, Error> {
        // It names the password too: under an id that we have forgotten, another one is another try.
        let key = format!("{}-{}", charged.guess.challenge, charged.guess.guess);
        let subject = &context.call.subject;
        match self.passwords.verify(subject, password, &key).await {
            PasswordVerdict::Matches => Ok(Judgement::Right(Effect::Plain)),
            PasswordVerdict::DoesNotMatch => Ok(Judgement::Wrong { skew: None }),
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

    async fn give_back(&self, context: &RequestContext, charged: &ChargedPassword) {
        let LoneGuess {
            challenge, guess, ..
        } = charged.guess;
        let tag = context.call.subject_tag;
        if let Err(unavailable) = self.challenges.refund_guess(tag, challenge, guess).await {
            tracing::warn!(%unavailable, "the charge of a password could not be given back; it ends by itself");
        }
    }

    fn settlement(
        &self,
        context: &RequestContext,
        action: &Action,
        charged: &ChargedPassword,
        judgement: Judgement,
    ) -> Settlement {
        let RequestContext { call, user, .. } = context;
        let (guess, settlements) = (&charged.guess, &self.settlements);
        let approval = self.approval(context, action, charged);
        let facts = Facts::none()
            .with("challenge_id", guess.challenge)
            .with("purpose", approval.purpose.as_str())
            .with("action", action);
        let events = settlements.both_events(call, &user.user_key, facts, &approval);
        let [approved_event, rejected_event] = events;
        Settlement {
            subject: call.subject.clone(),
            challenge: guess.challenge,
            issued_at: charged.at,
            epoch: user.account.epoch,
            attempts: ATTEMPTS,
            guess: Guess {
                id: guess.guess,
                class: guess.class,
                windows: guess.windows,
                at: charged.at,
            },
            asked: None,
            failures_until_disabled: settlements.policies.built_in().failures_until_disabled,
            judgement,
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
        charged: &ChargedPassword,
    ) -> Approval {
        let (call, settlements) = (&context.call, &self.settlements);
        Approval {
            id: settlements.randomness.id(),
            challenge: charged.guess.challenge,
            subject: call.subject.clone(),
            caller: call.caller.name.clone(),
            guess: charged.guess.guess,
            payload: charged.guess.payload,
            purpose: ApprovedPurpose::Change {
                action: action.to_string(),
            },
            answered_by: AnsweredBy::Password,
            method: None,
            audience: None,
            epoch: context.user.account.epoch,
            at: charged.at,
            key: settlements.keys.active(),
            device: None,
        }
    }
}

/// The approval that the password became in an earlier attempt, if it still lets the account be changed.
fn approved_before(context: &RequestContext, id: ApprovalId) -> Result<ApprovalId, Error> {
    let RequestContext { call, user, now } = context;
    let (epoch, life) = (user.account.epoch, user.policy.authorization_life);
    let approval = user.account.approval(id);
    if !approval.is_some_and(|it| it.is_live(&call.caller.name, epoch, life, *now)) {
        return Err(Refusal::AuthorizationNotAccepted.into());
    }
    Ok(id)
}
