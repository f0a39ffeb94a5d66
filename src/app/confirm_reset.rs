//! `ConfirmReset`: the fresh code to the address on file is right, and the hold is over: all methods go. First factor and
//! enrolment come next.

use crate::{
    app::{
        App, Call, Confirmation, Error,
        answer::{Answers, Outcome, Passed, Typed},
        call::same_call,
        commit::TRIES,
        error::committed,
    },
    ports::{AccountLookup, Committed},
};
use countersign_domain::{
    account::Account,
    challenge::Purpose,
    change::{Change, Spend, Write},
    code::{Answer, Digits},
    event::EventKind,
    id::ResetId,
    refusal::Refusal,
    reset::{Reset, may_be_reset},
    time::Timestamp,
};
use std::sync::Arc;

/// What became of a confirmation.
pub enum ResetOutcome {
    /// The methods are gone. Tells who hears of it.
    Done(Vec<Confirmation>),
    /// The code was not accepted, or there was nothing to confirm: nobody is told which.
    Refused,
}

impl App {
    /// Judges the code of a reset like any other, and takes all methods of the user.
    ///
    /// # Errors
    /// See [`Error`]; a wrong code is none of them, nor is a user who does not exist.
    pub async fn confirm_reset(
        self: &Arc<Self>,
        call: Call,
        code: Digits,
    ) -> Result<ResetOutcome, Error> {
        self.to_the_end(call, move |app, call| async move {
            app.confirm_pending(call, code).await
        })
        .await
    }

    async fn confirm_pending(
        self: Arc<Self>,
        call: Call,
        code: Digits,
    ) -> Result<ResetOutcome, Error> {
        let now = self.now();
        let mark = self.mark(&call);
        let loaded = self
            .accounts()
            .load(&call.who, AccountLookup::of_request(mark))
            .await?;
        if let Some(receipt) = same_call(loaded.receipt, mark)? {
            return Ok(ResetOutcome::Done(
                self.shown(&call.who, &receipt)?.confirmations,
            ));
        }
        let reset = loaded
            .account
            .and_then(|account| self.due_reset(&account, now));
        let Some((reset, Some(challenge))) = reset.map(|reset| (reset.id, reset.challenge)) else {
            return Ok(ResetOutcome::Refused);
        };
        let typed = Typed {
            challenge,
            answer: Answer::Digits(code),
            answers: Answers::Reset,
        };
        let passed = match self.answer(&call, typed).await? {
            Outcome::Approved(passed) => passed,
            Outcome::Rejected(_) => return Ok(ResetOutcome::Refused),
        };
        let told = self.finish(&call, &passed, reset).await?;
        self.bells.ring();
        self.afterwards(move |app| async move { app.conclude(&call, &passed.approval).await });
        Ok(ResetOutcome::Done(told))
    }

    async fn finish(
        &self,
        call: &Call,
        passed: &Passed,
        id: ResetId,
    ) -> Result<Vec<Confirmation>, Error> {
        let challenge = passed.challenge.as_ref();
        if challenge.is_some_and(|challenge| challenge.purpose != Purpose::Reset(id)) {
            return Err(Refusal::ChallengeOver.into());
        }
        for _ in 0..TRIES {
            let now = self.now();
            let account = self.account(call).await?;
            let due = self.due_reset(&account, now);
            let due = due.filter(|reset| reset.id == id);
            due.ok_or(Refusal::ChallengeOver)?;
            let kind = EventKind::ResetConfirmed;
            let (change, told) = self.resetting(call, &account, kind, now)?;
            let mut writes = change.writes;
            writes.push(Write::FinishReset(id));
            let change = Change {
                spends: vec![Spend::Approval(passed.approval.id)],
                writes,
                ..change
            };
            match self.commit(&change).await? {
                Committed::Done => return Ok(told),
                Committed::ChangedConcurrently => {}
                refused => committed(refused)?,
            }
        }
        Err(Error::ChangedConcurrently)
    }

    /// The reset that can be confirmed now, if there is one and the policy still has it.
    fn due_reset(&self, account: &Account, now: Timestamp) -> Option<Reset> {
        let rules = self.policy(account).rules;
        let reset = account.reset.clone()?;
        let due = reset.is_due(account.epoch, &rules, now);
        (due && may_be_reset(account, &rules)).then_some(reset)
    }
}
