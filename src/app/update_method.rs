//! `UpdateMethod`: a new name, or the user's choice of a default.

use crate::app::{
    App, Call, Confirmation, Error, GivenProof, MethodView,
    call::{Shown, same_call},
    error::committed,
    notices::News,
};
use countersign_domain::{
    account::Account,
    action::Action,
    change::{Base, Change, Made, Write},
    event::{EventKind, Facts},
    id::MethodId,
    message::{Notice, NoticeKind},
    method::{Label, Method},
    revert::Did,
    time::Timestamp,
};
use std::sync::Arc;

/// What is to change.
pub struct MethodUpdate {
    /// Of which method.
    pub method: MethodId,
    /// The new name.
    pub label: Option<Label>,
    /// Whether it becomes the default.
    pub make_default: bool,
}

impl App {
    /// Renames a method, or makes it the default if the proof lets it. Tells who hears of it: nobody of a name.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn update_method(
        self: &Arc<Self>,
        call: Call,
        update: MethodUpdate,
        proof: GivenProof,
    ) -> Result<(MethodView, Vec<Confirmation>), Error> {
        self.to_the_end(call, move |app, call| async move {
            app.update(&call, update, &proof).await
        })
        .await
    }

    async fn update(
        &self,
        call: &Call,
        update: MethodUpdate,
        proof: &GivenProof,
    ) -> Result<(MethodView, Vec<Confirmation>), Error> {
        let now = self.now();
        let mark = self.mark(call);
        let loaded = self.accounts().load(&call.who, mark, now).await?;
        let account = loaded.account.ok_or(Error::UserNotFound)?;
        let method = account.method(update.method).ok_or(Error::MethodNotFound)?;
        if let Some(receipt) = same_call(loaded.receipt, mark)? {
            let confirmations = self.shown(&call.who, &receipt)?.confirmations;
            return Ok((self.method_view(&account, method)?, confirmations));
        }
        let mut writes = Vec::new();
        let mut spends = Vec::new();
        let mut news = News::default();
        let mut after: Account = account.clone();
        if let Some(label) = update.label {
            let label = account.label_for(Some(label), method.kind, Some(method.id))?;
            let renamed = after
                .methods
                .iter_mut()
                .filter(|other| other.id == update.method);
            renamed.for_each(|method| method.label = label.clone());
            writes.push(Write::RenameMethod(method.id, label));
        }
        if update.make_default {
            let action = Action::SetDefaultMethod(method.id);
            spends.push(self.authorize(call, &account, &action, proof, now).await?);
            let (told, revertible) = self.news_of_default(&account, method, now)?;
            news = told;
            after.chosen_default = Some(method.id);
            writes.push(Write::SetDefault(method.id));
            writes.push(revertible);
        }
        let kind = if update.make_default {
            EventKind::DefaultChanged
        } else {
            EventKind::MethodRenamed
        };
        let facts = Facts::none().with("method_id", method.id);
        let shown = Shown {
            confirmations: news.confirmations,
            ..Shown::default()
        };
        let change = Change {
            subject: call.who.clone(),
            base: Base::Present(account.epoch, account.revision),
            epoch: account.epoch,
            now,
            spends,
            writes,
            event: self.event(call, &self.user_key(&account)?, kind, facts, now),
            notices: news.notices,
            receipt: self.receipt(call, Made::Method(method.id), &shown, now),
        };
        committed(self.commit(&change).await?)?;
        self.bells.ring();
        let method = after.method(update.method).ok_or(Error::MethodNotFound)?;
        Ok((self.method_view(&after, method)?, shown.confirmations))
    }

    fn news_of_default(
        &self,
        account: &Account,
        method: &Method,
        now: Timestamp,
    ) -> Result<(News, Write), Error> {
        let destination = self.masked_destination(account, method)?;
        let kind = NoticeKind::DefaultChanged;
        let notice = Notice::of_method(kind, method.kind, destination, now);
        self.revertible_news(account, [], (notice, Did::Default))
    }
}
