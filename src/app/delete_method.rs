//! `DeleteMethod`: one method goes. With the last one that counts, two-factor is off.

use crate::{
    app::{
        App, Call, Confirmation, Error, GivenProof,
        call::{Shown, same_call},
        error::committed,
        notices::News,
    },
    ports::AccountLookup,
};
use countersign_domain::{
    account::Account,
    action::Action,
    change::{Base, Change, Made, Write},
    event::{EventKind, Facts},
    id::MethodId,
    message::{Notice, NoticeKind},
    method::Method,
    revert::Did,
    time::Timestamp,
};
use std::sync::Arc;

impl App {
    /// Removes a method, if the proof lets it; with the last one that counts, the recovery codes too. Tells who hears of it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn delete_method(
        self: &Arc<Self>,
        call: Call,
        method: MethodId,
        proof: GivenProof,
    ) -> Result<Vec<Confirmation>, Error> {
        self.to_the_end(call, move |app, call| async move {
            app.delete(&call, method, &proof).await
        })
        .await
    }

    async fn delete(
        &self,
        call: &Call,
        id: MethodId,
        proof: &GivenProof,
    ) -> Result<Vec<Confirmation>, Error> {
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
        let method = account.method(id).ok_or(Error::MethodNotFound)?;
        let action = Action::RemoveMethod(id);
        let spend = self.authorize(call, &account, &action, proof, now).await?;
        let last = account.ends_with(id, &self.policy(&account).rules);
        let facts = Facts::none()
            .with("method_id", id)
            .with("method_kind", method.kind.as_str())
            .with("last", last);
        let told = if last {
            (Notice::of(NoticeKind::TwoFactorDisabled, now), Did::TurnOff)
        } else {
            let notice = self.notice_of_removal(&account, method, now)?;
            (notice, Did::Removal)
        };
        let (news, revertible) = self.revertible_news(&account, [], told)?;
        let News {
            notices,
            confirmations,
        } = news;
        let shown = Shown {
            confirmations,
            ..Shown::default()
        };
        let change = Change {
            subject: call.who.clone(),
            base: Base::Present(account.epoch, account.revision),
            epoch: account.epoch.grown(),
            now,
            spends: vec![spend],
            writes: [Write::RemoveMethod(id)]
                .into_iter()
                .chain(last.then_some(Write::NoRecoveryCodes))
                .chain([revertible])
                .collect(),
            event: self.event(
                call,
                &self.user_key(&account)?,
                EventKind::MethodRemoved,
                facts,
                now,
            ),
            notices,
            receipt: self.receipt(call, Made::Nothing, &shown, now),
        };
        committed(self.commit(&change).await?)?;
        self.bells.ring();
        Ok(shown.confirmations)
    }

    fn notice_of_removal(
        &self,
        account: &Account,
        method: &Method,
        now: Timestamp,
    ) -> Result<Notice, Error> {
        let destination = self.masked_destination(account, method)?;
        let kind = NoticeKind::MethodRemoved;
        Ok(Notice::of_method(kind, method.kind, destination, now))
    }
}
