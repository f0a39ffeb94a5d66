//! `UpdateMethod`: a new name, or the user's choice of a default.

use crate::app::{App, Call, Error, GivenProof, MethodView, call::same_call, error::committed};
use countersign_domain::{
    account::Account,
    action::Action,
    change::{Base, Change, Made, Write},
    event::{EventKind, Facts},
    id::MethodId,
    method::Label,
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
    /// Renames a method, or makes it the default if the proof lets it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn update_method(
        self: &Arc<Self>,
        call: Call,
        update: MethodUpdate,
        proof: GivenProof,
    ) -> Result<MethodView, Error> {
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
    ) -> Result<MethodView, Error> {
        let now = self.now();
        let mark = self.mark(call);
        let loaded = self.accounts().load(&call.who, mark, now).await?;
        let account = loaded.account.ok_or(Error::UserNotFound)?;
        let method = account.method(update.method).ok_or(Error::MethodNotFound)?;
        if same_call(loaded.receipt, mark)?.is_some() {
            return self.method_view(&account, method);
        }
        let mut writes = Vec::new();
        let mut spends = Vec::new();
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
            after.chosen_default = Some(method.id);
            writes.push(Write::SetDefault(method.id));
        }
        let kind = if update.make_default {
            EventKind::DefaultChanged
        } else {
            EventKind::MethodRenamed
        };
        let facts = Facts::none().with("method_id", method.id);
        let change = Change {
            subject: call.who.clone(),
            base: Base::Present(account.epoch, account.revision),
            epoch: account.epoch,
            now,
            spends,
            writes,
            event: self.event(call, &self.user_key(&account)?, kind, facts, now),
            notices: Vec::new(),
            receipt: Self::receipt(mark, Made::Method(method.id), None, now),
        };
        committed(self.accounts().commit(&change).await?)?;
        let method = after.method(update.method).ok_or(Error::MethodNotFound)?;
        self.method_view(&after, method)
    }
}
