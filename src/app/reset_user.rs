//! `ResetUser`: an administrator takes all that a user could answer with. First factor and enrolment come next.

use crate::{
    app::{
        App, Call, Confirmation, Error,
        call::{Shown, same_call},
        error::committed,
        notices::News,
    },
    ports::AccountLookup,
};
use countersign_domain::{
    account::Account,
    change::{Base, Change, Made, Write},
    event::{EventKind, Facts},
    message::{Notice, NoticeKind},
    refusal::Refusal,
    time::Timestamp,
};
use std::sync::Arc;

impl App {
    /// Takes all methods, recovery codes and the bypass code of a user, and with the epoch all trust. Tells who hears of
    /// it: everyone who could be reached before.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn reset_user(self: &Arc<Self>, call: Call) -> Result<Vec<Confirmation>, Error> {
        self.to_the_end(call, move |app, call| async move { app.reset(&call).await })
            .await
    }

    async fn reset(&self, call: &Call) -> Result<Vec<Confirmation>, Error> {
        let now = self.now();
        let mark = self.mark(call);
        let loaded = self
            .accounts()
            .load(&call.who, AccountLookup::of_request(mark))
            .await?;
        let account = loaded.account.ok_or(Error::UserNotFound)?;
        if let Some(receipt) = same_call(loaded.receipt, mark)? {
            return Ok(self.shown(&call.who, &receipt)?.confirmations);
        }
        self.may_act(call, &account)?;
        let (change, told) = self.resetting(call, &account, EventKind::UserReset, now)?;
        committed(self.commit(&change).await?)?;
        self.bells.ring();
        Ok(told)
    }

    /// Whether whoever acts on a user's account may.
    pub(super) fn may_act(&self, call: &Call, account: &Account) -> Result<(), Error> {
        let acting = call.acting.as_ref().ok_or(Refusal::ActsOnThemselves)?;
        Ok(acting.may_act_on(&call.who, &self.policy(account).rules)?)
    }

    /// The change that takes all that a user could answer with, and who hears of it.
    pub(super) fn resetting(
        &self,
        call: &Call,
        account: &Account,
        kind: EventKind,
        now: Timestamp,
    ) -> Result<(Change, Vec<Confirmation>), Error> {
        let News {
            notices,
            confirmations,
        } = self.news(account, [], &Notice::of(NoticeKind::ResetDone, now))?;
        let shown = Shown {
            confirmations,
            ..Shown::default()
        };
        let facts = Facts::none().with("methods", account.methods.len());
        let change = Change {
            subject: call.who.clone(),
            base: Base::Present(account.epoch, account.revision),
            epoch: account.epoch.grown(),
            now,
            spends: Vec::new(),
            writes: vec![
                Write::RemoveAllMethods,
                Write::NoRecoveryCodes,
                Write::NoBypassCode,
                Write::NoRevertible,
            ],
            event: self.event(call, &self.user_key(account)?, kind, facts, now),
            notices,
            receipt: self.receipt(call, Made::Nothing, &shown, now),
        };
        Ok((change, shown.confirmations))
    }
}
