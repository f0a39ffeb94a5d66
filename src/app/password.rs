//! The account password as a proof: each try is charged to the user before anyone is asked, in the windows of codes, and
//! settled like a code. A right one becomes the approval of the one change that it came with.

use crate::{
    app::{App, Call, Error},
    ports::PasswordVerdict,
};
use countersign_domain::{
    account::Account,
    action::Action,
    approval::{AnsweredBy, Approval, ApprovedPurpose},
    book::{LoneCharge, LoneGuess, REQUEST_LIFE},
    budget::GuessClass,
    challenge::{Effect, Judgement},
    device::DeviceToken,
    event::Facts,
    id::{ApprovalId, ChallengeId, GuessId},
    password::Password,
    refusal::Refusal,
    settlement::{Ended, Guess, Settled, Settlement},
    time::Timestamp,
};

/// A wrong password is wrong for good: what stands for its challenge bears one.
const ATTEMPTS: u8 = 1;

impl App {
    /// Has the password looked at, and makes what comes of it a fact. Gives the approval that the change uses up.
    pub(super) async fn approve_by_password(
        &self,
        call: &Call,
        account: &Account,
        (action, password): (&Action, &Password),
        now: Timestamp,
    ) -> Result<ApprovalId, Error> {
        let lone = self.lone_guess(call, account, now);
        if let Some(ruling) = self.ruled_before(call, account, &lone, now).await? {
            return ruling;
        }
        let charged = self.parts.challenges.charge_guess(self.tag(call), &lone);
        let (at, is_new) = match charged.await? {
            LoneCharge::New => (now, true),
            // What was charged long ago would be judged beside what the windows have room for by now.
            LoneCharge::Known(at) if now.since(at) > REQUEST_LIFE => {
                return Err(Error::RequestIdReused);
            }
            LoneCharge::Known(at) => (at, false),
            LoneCharge::Full(until) => return Err(Error::too_many_attempts(until, now)),
            LoneCharge::RequestIdReused => return Err(Error::RequestIdReused),
        };
        let judgement = self.judge_password(call, password, (&lone, is_new)).await?;
        let settlement = self.settlement_of(call, account, action, (&lone, at), judgement)?;
        match self.accounts().settle(&settlement).await? {
            Settled::Approved { approval, .. } => {
                self.give_back_guess(call, &lone).await;
                Ok(approval.id)
            }
            Settled::Rejected { .. } => Err(Refusal::PasswordRejected.into()),
            Settled::Full(until) => Err(Error::too_many_attempts(until, now)),
            Settled::Over => {
                // No verdict was told, and a repeat is to be charged anew.
                if is_new {
                    self.give_back_guess(call, &lone).await;
                }
                Err(Error::ChangedConcurrently)
            }
        }
    }

    /// The try, named after the call: its request id is the guess, and its payload stands for the challenge. So a repeat
    /// is the same guess, and the same id with another password never is.
    fn lone_guess(&self, call: &Call, account: &Account, now: Timestamp) -> LoneGuess {
        let mark = self.mark(call);
        let token = call.context.device_token.as_ref().map(DeviceToken::hash);
        let known = token.is_some_and(|token| account.device_holding(token).is_some());
        let class = if known {
            GuessClass::Known
        } else {
            GuessClass::Unknown
        };
        LoneGuess {
            challenge: mark.map_or_else(
                || self.new_id(),
                |mark| ChallengeId::from_bytes(mark.payload),
            ),
            guess: mark.map_or_else(|| self.new_id(), |mark| GuessId::from_bytes(mark.tag)),
            payload: mark.map(|mark| mark.payload),
            class,
            windows: self.policy(account).wrong_codes.of(class),
            failures: account.failures(),
            now,
        }
    }

    /// What the record says of this very try, if it was ruled on: nobody is asked a second time for one charge.
    async fn ruled_before(
        &self,
        call: &Call,
        account: &Account,
        lone: &LoneGuess,
        now: Timestamp,
    ) -> Result<Option<Result<ApprovalId, Error>>, Error> {
        if lone.payload.is_none() {
            return Ok(None);
        }
        let name = &call.caller.name;
        let life = self.policy(account).authorization_life;
        let ended = self.ended(call, lone.challenge).await?;
        Ok(ended.map(|ended| match ended {
            Ended::Approved(approval) if approval.is_live(name, account.epoch, life, now) => {
                Ok(approval.id)
            }
            Ended::Approved(_) => Err(Refusal::AuthorizationNotAccepted.into()),
            Ended::Without(_) => Err(Refusal::PasswordRejected.into()),
        }))
    }

    async fn judge_password(
        &self,
        call: &Call,
        password: &Password,
        (lone, is_new): (&LoneGuess, bool),
    ) -> Result<Judgement, Error> {
        let passwords = self.parts.passwords.as_ref();
        let passwords = passwords.ok_or(Refusal::NoPasswordService)?;
        // It names the password too: under an id that we have forgotten, another one is another try.
        let key = format!("{}-{}", lone.challenge, lone.guess);
        match passwords.verify(&call.who, password, &key).await {
            PasswordVerdict::Matches => Ok(Judgement::Right(Effect::Plain)),
            PasswordVerdict::DoesNotMatch => Ok(Judgement::Wrong { skew: None }),
            PasswordVerdict::NotLookedAt => {
                // What another call paid may have been looked at.
                if is_new {
                    self.give_back_guess(call, lone).await;
                }
                Err(Error::PasswordServiceUnavailable)
            }
            // It stays charged, so that who makes the service silent gets no more tries than others.
            PasswordVerdict::Unanswered => Err(Error::PasswordServiceUnavailable),
        }
    }

    async fn give_back_guess(&self, call: &Call, lone: &LoneGuess) {
        let (challenge, guess) = (lone.challenge, lone.guess);
        let challenges = &self.parts.challenges;
        let given_back = challenges.refund_guess(self.tag(call), challenge, guess);
        if let Err(unavailable) = given_back.await {
            tracing::warn!(%unavailable, "the charge of a password could not be given back; it ends by itself");
        }
    }

    fn settlement_of(
        &self,
        call: &Call,
        account: &Account,
        action: &Action,
        (lone, at): (&LoneGuess, Timestamp),
        judgement: Judgement,
    ) -> Result<Settlement, Error> {
        let approval = self.approval_by_password(call, account, action, (lone, at));
        let facts = Facts::none()
            .with("challenge_id", lone.challenge)
            .with("purpose", approval.purpose.as_str())
            .with("action", action);
        let user_key = self.user_key(account)?;
        let [approved_event, rejected_event] = self.both_events(call, &user_key, facts, &approval);
        Ok(Settlement {
            subject: call.who.clone(),
            challenge: lone.challenge,
            issued_at: at,
            epoch: account.epoch,
            attempts: ATTEMPTS,
            guess: Guess {
                id: lone.guess,
                class: lone.class,
                windows: lone.windows,
                at,
            },
            asked: None,
            failures_until_disabled: self.parts.policy.failures_until_disabled,
            judgement,
            approval,
            device: None,
            next_key: None,
            approved_event,
            rejected_event,
        })
    }

    /// The approval that it becomes, if it does.
    fn approval_by_password(
        &self,
        call: &Call,
        account: &Account,
        action: &Action,
        (lone, at): (&LoneGuess, Timestamp),
    ) -> Approval {
        Approval {
            id: self.new_id(),
            challenge: lone.challenge,
            subject: call.who.clone(),
            caller: call.caller.name.clone(),
            guess: lone.guess,
            payload: lone.payload,
            purpose: ApprovedPurpose::Change {
                action: action.to_string(),
            },
            answered_by: AnsweredBy::Password,
            method: None,
            audience: None,
            epoch: account.epoch,
            at,
            key: self.parts.keys.active(),
            device: None,
        }
    }
}
