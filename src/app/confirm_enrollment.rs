//! `ConfirmEnrollment`: the set-up code is right, so the method is on.

use crate::{
    app::{
        App, Call, Error, MethodView, ShownCodes,
        answer::{Answers, Outcome, Passed, Rejection, Typed},
        call::{Shown, same_call},
        commit::TRIES,
        error::committed,
        notices::{Confirmation, News},
    },
    ports::{AccountLookup, Committed},
};
use countersign_domain::{
    account::Account,
    action::Action,
    challenge::{Challenge, Effect, Enrollment, Purpose, Warrant},
    change::{Base, Change, Made, Receipt, Spend, Write},
    code::Answer,
    destination::Destination,
    event::{Event, EventKind, Facts},
    id::{ChallengeId, MethodId},
    message::{Notice, NoticeKind},
    method::{Kind, Method, MethodSecret},
    policy::Policy,
    refusal::Refusal,
    revert::Did,
    time::Timestamp,
    totp::Step,
};
use std::sync::Arc;

/// What became of a set-up code.
pub enum Confirmed {
    /// The method is on.
    Enrolled(Box<Enrolled>),
    /// The answer was not accepted.
    Rejected(Rejection),
}

/// A method that was turned on.
pub struct Enrolled {
    /// The method.
    pub method: MethodView,
    /// With the first method only: the recovery codes or the key, where the policy has them.
    pub recovery_codes: Option<ShownCodes>,
    /// Whether a sign-in waits that has to begin again, now that there is a method to answer it.
    pub sign_in_waits: bool,
    /// Where the news of it went, masked.
    pub confirmations: Vec<Confirmation>,
}

/// The version of what is sealed in a new method.
pub(super) const FIRST_VERSION: u32 = 1;

impl App {
    /// Judges a set-up code like any other, and turns the method on.
    ///
    /// # Errors
    /// See [`Error`]; a wrong code is none of them.
    pub async fn confirm_enrollment(
        self: &Arc<Self>,
        call: Call,
        challenge: ChallengeId,
        answer: Answer,
    ) -> Result<Confirmed, Error> {
        self.to_the_end(call, move |app, call| async move {
            app.confirm(call, challenge, answer).await
        })
        .await
    }

    async fn confirm(
        self: Arc<Self>,
        call: Call,
        challenge: ChallengeId,
        answer: Answer,
    ) -> Result<Confirmed, Error> {
        let typed = Typed {
            challenge,
            answer,
            answers: Answers::Enrollment,
        };
        let passed = match self.answer(&call, typed).await? {
            Outcome::Approved(passed) => passed,
            Outcome::Rejected(rejection) => return self.confirmed_before(&call, rejection).await,
        };
        let enrolled = self.enroll(&call, &passed).await?;
        self.bells.ring();
        self.afterwards(move |app| async move { app.conclude(&call, &passed.approval).await });
        Ok(Confirmed::Enrolled(Box::new(enrolled)))
    }

    /// A challenge that is over may have been confirmed by this very call.
    async fn confirmed_before(
        &self,
        call: &Call,
        rejection: Rejection,
    ) -> Result<Confirmed, Error> {
        let mark = self.mark(call);
        if !rejection.over || mark.is_none() {
            return Ok(Confirmed::Rejected(rejection));
        }
        let loaded = self
            .accounts()
            .load(&call.who, AccountLookup::of_request(mark))
            .await?;
        match (loaded.account, same_call(loaded.receipt, mark)?) {
            (Some(account), Some(receipt)) => {
                let enrolled = self.enrolled_before(call, &account, &receipt)?;
                Ok(Confirmed::Enrolled(Box::new(enrolled)))
            }
            _ => Ok(Confirmed::Rejected(rejection)),
        }
    }

    async fn enroll(&self, call: &Call, passed: &Passed) -> Result<Enrolled, Error> {
        let mark = self.mark(call);
        for _ in 0..TRIES {
            let now = self.now();
            let loaded = self
                .accounts()
                .load(&call.who, AccountLookup::of_request(mark))
                .await?;
            let account = loaded.account.ok_or(Error::UserNotFound)?;
            if let Some(receipt) = same_call(loaded.receipt, mark)? {
                return self.enrolled_before(call, &account, &receipt);
            }
            // The codes of this call are gone with short-lived memory, and nobody has seen them.
            let challenge = passed.challenge.as_ref().ok_or(Refusal::ChallengeOver)?;
            let (change, enrolled) = self
                .turning_on(call, &account, (challenge, passed), now)
                .await?;
            match self.commit(&change).await? {
                Committed::Done => return Ok(enrolled),
                Committed::ChangedConcurrently | Committed::RanBefore => {}
                refused => committed(refused)?,
            }
        }
        Err(Error::ChangedConcurrently)
    }

    async fn turning_on(
        &self,
        call: &Call,
        account: &Account,
        (challenge, passed): (&Challenge, &Passed),
        now: Timestamp,
    ) -> Result<(Change, Enrolled), Error> {
        let policy = self.policy(account);
        let (enrollment, secret) = confirmed(challenge, account, &policy)?;
        self.still_permitted(account, (enrollment, secret.kind()), now)?;
        let method = self.new_method(account, enrollment, &secret, now)?;
        let first = account.methods.is_empty();
        let mut writes: Vec<Write> = enrollment
            .replaces
            .map(Write::RemoveMethod)
            .into_iter()
            .collect();
        writes.push(Write::AddMethod(method.clone(), setup_step(passed.effect)));
        let mut codes = Vec::new();
        let new = if first {
            self.new_recovery_codes(&policy).await?
        } else {
            None
        };
        if let Some(new) = new {
            writes.push(new.write);
            codes = new.shown;
        }
        let News {
            notices,
            confirmations,
        } = self.news_of_enrollment(account, (enrollment, &method), &secret, &mut writes)?;
        let shown = Shown {
            codes,
            confirmations,
            sign_in_waits: enrollment.warrant == Warrant::Ticket,
        };
        // A first factor alone lets one method in: the growth voids whatever else it has begun. So does the first method,
        // whatever let it in: with it two-factor is on.
        let grows = first || enrollment.warrant.is_first_factor() || enrollment.replaces.is_some();
        let change = Change {
            subject: call.who.clone(),
            base: Base::Present(account.epoch, account.revision),
            epoch: if grows {
                account.epoch.grown()
            } else {
                account.epoch
            },
            now,
            spends: vec![Spend::Approval(passed.approval.id)],
            writes,
            event: self.enrolled_event(call, challenge, (enrollment, &method), now),
            notices,
            receipt: self.receipt(call, Made::Method(method.id), &shown, now),
        };
        let after = with_method(account, &method, enrollment.replaces);
        let enrolled = self.enrolled(call, &after, &method, (shown, now))?;
        Ok((change, enrolled))
    }

    /// Whether the policy still has it as it had when the enrolment began.
    fn still_permitted(
        &self,
        account: &Account,
        (enrollment, kind): (&Enrollment, Kind),
        now: Timestamp,
    ) -> Result<(), Error> {
        let policy = self.policy(account);
        account.email_allows_enrollment(&policy)?;
        account.place_for_method(&policy, enrollment.replaces)?;
        let action = match enrollment.replaces {
            Some(old) => Action::ReplaceMethod(old, kind),
            None => Action::AddMethod(kind),
        };
        self.permit(account, &action, now)
    }

    /// Everyone hears of it; and may say that it was somebody else, unless the methods before it were declared lost: then
    /// what could be suspended is all that the user has. What came by recovery codes falls with those codes only.
    fn news_of_enrollment(
        &self,
        account: &Account,
        (enrollment, method): (&Enrollment, &Method),
        secret: &MethodSecret,
        writes: &mut Vec<Write>,
    ) -> Result<News, Error> {
        let new = secret.destination().cloned();
        let switches =
            enrollment.replaces.is_some() || account.was_turned_off_lately(method.created_at);
        let told = notice(method, secret, switches);
        let did = match enrollment.warrant {
            Warrant::Bypass => return self.news(account, new, &told),
            Warrant::Recovery => {
                writes.push(self.reverted_with_others(Did::RecoveredMethod(method.id)));
                return self.news(account, new, &told);
            }
            Warrant::Proof | Warrant::FirstFactor | Warrant::Ticket => {
                if account.methods.is_empty() {
                    Did::FirstMethod(method.id)
                } else {
                    Did::Method(method.id)
                }
            }
        };
        let (news, revertible) = self.revertible_news(account, new, (told, did))?;
        writes.push(revertible);
        Ok(news)
    }

    fn new_method(
        &self,
        account: &Account,
        enrollment: &Enrollment,
        secret: &MethodSecret,
        now: Timestamp,
    ) -> Result<Method, Error> {
        let bound_to = (enrollment.method, FIRST_VERSION);
        Ok(Method {
            id: enrollment.method,
            kind: secret.kind(),
            label: account.label_for(
                Some(enrollment.label.clone()),
                secret.kind(),
                enrollment.replaces,
            )?,
            version: FIRST_VERSION,
            sealed: self.seal_method(&account.subject, bound_to, secret),
            disabled: false,
            created_at: now,
            last_used_at: None,
            suspended: false,
            consecutive_failures: 0,
            last_step: None,
        })
    }

    fn enrolled_event(
        &self,
        call: &Call,
        challenge: &Challenge,
        (enrollment, method): (&Enrollment, &Method),
        now: Timestamp,
    ) -> Event {
        let kind = match enrollment.replaces {
            Some(_) => EventKind::MethodReplaced,
            None => EventKind::MethodAdded,
        };
        let facts = Facts::none()
            .with("method_id", method.id)
            .with("method_kind", method.kind.as_str());
        self.event(call, &challenge.user_key, kind, facts, now)
    }

    fn enrolled_before(
        &self,
        call: &Call,
        account: &Account,
        receipt: &Receipt,
    ) -> Result<Enrolled, Error> {
        let Made::Method(id) = receipt.made else {
            return Err(Error::RequestIdReused);
        };
        let method = account.method(id).ok_or(Error::MethodNotFound)?;
        let shown = self.shown(&call.who, receipt)?;
        self.enrolled(call, account, method, (shown, receipt.at))
    }

    fn enrolled(
        &self,
        call: &Call,
        account: &Account,
        method: &Method,
        (shown, at): (Shown, Timestamp),
    ) -> Result<Enrolled, Error> {
        let Shown {
            codes,
            confirmations,
            sign_in_waits,
        } = shown;
        let codes = (!codes.is_empty()).then_some(codes);
        let codes = codes.map(|codes| self.shown_codes(call, account, (codes, at)));
        Ok(Enrolled {
            method: self.method_view(account, method)?,
            recovery_codes: codes.transpose()?,
            sign_in_waits,
            confirmations,
        })
    }
}

/// What was enrolled, if nothing has voided it since.
fn confirmed<'a>(
    challenge: &'a Challenge,
    account: &Account,
    policy: &Policy,
) -> Result<(&'a Enrollment, MethodSecret), Error> {
    let Purpose::Enrollment(enrollment) = &challenge.purpose else {
        return Err(Refusal::WrongPurpose.into());
    };
    let outrun = enrollment.warrant.is_first_factor() && account.is_protected(&policy.rules);
    if challenge.epoch != account.epoch || outrun {
        return Err(Refusal::ChallengeOver.into());
    }
    if let Some(old) = enrollment.replaces {
        account.method(old).ok_or(Error::MethodNotFound)?;
    }
    let secret = challenge
        .asks
        .method_secret()
        .ok_or(Refusal::WrongPurpose)?;
    Ok((enrollment, secret))
}

fn notice(method: &Method, secret: &MethodSecret, switches: bool) -> Notice {
    let kind = if switches {
        NoticeKind::MethodReplaced
    } else {
        NoticeKind::MethodAdded
    };
    let destination = secret.destination().map(Destination::masked);
    Notice::of_method(kind, method.kind, destination, method.created_at)
}

/// The set-up code counts as used.
const fn setup_step(effect: Option<Effect>) -> Option<Step> {
    match effect {
        Some(Effect::Step { step, .. }) => Some(step),
        _ => None,
    }
}

fn with_method(account: &Account, method: &Method, replaces: Option<MethodId>) -> Account {
    let mut after = account.clone();
    after.methods.retain(|old| Some(old.id) != replaces);
    after.methods.push(method.clone());
    after
}
