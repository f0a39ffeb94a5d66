//! `UpdateMethod`: a new name, or the user's choice of a default.

use crate::{
    app::{
        App, Call, Confirmation, Error, GivenProof, MethodView,
        call::{Shown, same_call},
        error::committed,
        notices::News,
    },
    ports::AccountLookup,
};
use countersign_domain::{
    account::Account,
    action::Action,
    change::{Base, Change, Made, Spend, Write},
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

/// What the choice of a default takes, and tells.
#[derive(Default)]
struct Chosen {
    spends: Vec<Spend>,
    writes: Vec<Write>,
    news: News,
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
        let loaded = self
            .accounts()
            .load(&call.who, AccountLookup::of_request(mark))
            .await?;
        let account = loaded.account.ok_or(Error::UserNotFound)?;
        let method = account.method(update.method).ok_or(Error::MethodNotFound)?;
        if let Some(receipt) = same_call(loaded.receipt, mark)? {
            let confirmations = self.shown(&call.who, &receipt)?.confirmations;
            return Ok((self.method_view(&account, method)?, confirmations));
        }
        let facts = Facts::none().with("method_id", method.id);
        let (mut after, mut writes) = (account.clone(), Vec::new());
        let renames = update.label.is_some();
        if let Some(label) = update.label {
            writes.push(rename(&mut after, method, label)?);
        }
        let (kind, facts, chosen) = if update.make_default {
            after.chosen_default = Some(method.id);
            let chosen = self.choose(call, &account, method, (proof, now)).await?;
            let facts = facts.with("renamed", renames);
            (EventKind::DefaultChanged, facts, chosen)
        } else {
            (EventKind::MethodRenamed, facts, Chosen::default())
        };
        writes.extend(chosen.writes);
        let shown = Shown {
            confirmations: chosen.news.confirmations,
            ..Shown::default()
        };
        let change = Change {
            subject: call.who.clone(),
            base: Base::Present(account.epoch, account.revision),
            epoch: account.epoch,
            now,
            spends: chosen.spends,
            writes,
            event: self.event(call, &self.user_key(&account)?, kind, facts, now),
            notices: chosen.news.notices,
            receipt: self.receipt(call, Made::Method(method.id), &shown, now),
        };
        committed(self.commit(&change).await?)?;
        self.bells.ring();
        let method = after.method(update.method).ok_or(Error::MethodNotFound)?;
        Ok((self.method_view(&after, method)?, shown.confirmations))
    }

    /// The proof is good for this default, and whoever has to hear of it is told.
    async fn choose(
        &self,
        call: &Call,
        account: &Account,
        method: &Method,
        (proof, now): (&GivenProof, Timestamp),
    ) -> Result<Chosen, Error> {
        let action = Action::SetDefaultMethod(method.id);
        let spend = self.authorize(call, account, &action, proof, now).await?;
        let (news, revertible) = self.news_of_default(account, method, now)?;
        Ok(Chosen {
            spends: vec![spend],
            writes: vec![Write::SetDefault(method.id), revertible],
            news,
        })
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

/// The new name, in the account as it will be.
fn rename(after: &mut Account, method: &Method, label: Label) -> Result<Write, Error> {
    let label = after.label_for(Some(label), method.kind, Some(method.id))?;
    let mut methods = after.methods.iter_mut();
    let renamed = methods.find(|other| other.id == method.id);
    renamed.ok_or(Error::MethodNotFound)?.label = label.clone();
    Ok(Write::RenameMethod(method.id, label))
}
