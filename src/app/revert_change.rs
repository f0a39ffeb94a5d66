//! `RevertChange`: whoever was told of a change says that it was not they who made it.

use crate::{
    app::{
        App, Call, Confirmation, Error,
        call::{Shown, same_call},
        commit::TRIES,
        error::committed,
        notices::News,
    },
    ports::{AccountLookup, Committed},
};
use countersign_domain::{
    account::Account,
    change::{Base, Change, Made, Write},
    event::{EventKind, Facts},
    message::{Notice, NoticeKind},
    revert::{Did, RevertToken, Reverting},
    time::Timestamp,
};
use std::sync::Arc;

impl App {
    /// Suspends what came with a change or since, ends trust and all that was issued before. Tells who hears of it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn revert_change(
        self: &Arc<Self>,
        call: Call,
        token: RevertToken,
    ) -> Result<Vec<Confirmation>, Error> {
        self.to_the_end(call, move |app, call| async move {
            app.revert(&call, &token).await
        })
        .await
    }

    async fn revert(&self, call: &Call, token: &RevertToken) -> Result<Vec<Confirmation>, Error> {
        let mark = self.mark(call);
        for _ in 0..TRIES {
            let now = self.now();
            let loaded = self
                .accounts()
                .load(&call.who, AccountLookup::of_request(mark))
                .await?;
            let account = loaded.account.ok_or(Error::UserNotFound)?;
            if let Some(receipt) = same_call(loaded.receipt, mark)? {
                return Ok(self.shown(&call.who, &receipt)?.confirmations);
            }
            let rules = self.policy(&account).rules;
            let reverted = account.revert(token.hash(), &rules, now)?;
            let (change, confirmations) = self.reverting(call, &account, reverted, now)?;
            match self.commit(&change).await? {
                Committed::Done => {
                    self.bells.ring();
                    return Ok(confirmations);
                }
                Committed::ChangedConcurrently | Committed::RanBefore => {}
                refused => committed(refused)?,
            }
        }
        Err(Error::ChangedConcurrently)
    }

    fn reverting(
        &self,
        call: &Call,
        account: &Account,
        (did, reverting): (Did, Reverting),
        now: Timestamp,
    ) -> Result<(Change, Vec<Confirmation>), Error> {
        let facts = Facts::none()
            .with("change", did.as_str())
            .with("methods_suspended", reverting.suspends.len())
            .with("recovery_codes_void", reverting.voids_codes)
            .with("held", reverting.holds);
        let News {
            notices,
            confirmations,
        } = self.news(account, [], &Notice::of(NoticeKind::ChangeReverted, now))?;
        let shown = Shown {
            confirmations,
            ..Shown::default()
        };
        let of_reset = self.news_of_ended_reset(account, now)?;
        let user_key = self.user_key(account)?;
        let change = Change {
            subject: call.who.clone(),
            base: Base::Present(account.epoch, account.revision),
            epoch: account.epoch.grown(),
            now,
            spends: Vec::new(),
            writes: vec![Write::Revert(reverting)],
            event: self.event(call, &user_key, EventKind::ChangeReverted, facts, now),
            notices: notices.into_iter().chain(of_reset).collect(),
            receipt: self.receipt(call, Made::Nothing, &shown, now),
        };
        Ok((change, shown.confirmations))
    }
}
