//! `DeleteMethod`: one method goes. With the last one, two-factor is off.

use crate::app::{App, Call, Error, GivenProof, call::same_call, error::committed};
use countersign_domain::{
    action::Action,
    change::{Base, Change, Made, Write},
    event::{EventKind, Facts},
    id::MethodId,
};
use std::sync::Arc;

impl App {
    /// Removes a method, if the proof lets it; with the last one, the recovery codes too.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn delete_method(
        self: &Arc<Self>,
        call: Call,
        method: MethodId,
        proof: GivenProof,
    ) -> Result<(), Error> {
        self.to_the_end(call, move |app, call| async move {
            app.delete(&call, method, &proof).await
        })
        .await
    }

    async fn delete(&self, call: &Call, id: MethodId, proof: &GivenProof) -> Result<(), Error> {
        let now = self.now();
        let mark = self.mark(call);
        let loaded = self.accounts().load(&call.who, mark, now).await?;
        let account = loaded.account.ok_or(Error::UserNotFound)?;
        if same_call(loaded.receipt, mark)?.is_some() {
            return Ok(());
        }
        let method = account.method(id).ok_or(Error::MethodNotFound)?;
        let action = Action::RemoveMethod(id);
        let spend = self.authorize(call, &account, &action, proof, now).await?;
        let last = account.methods.len() == 1;
        let facts = Facts::none()
            .with("method_id", id)
            .with("method_kind", method.kind.as_str())
            .with("last", last);
        let change = Change {
            subject: call.who.clone(),
            base: Base::Present(account.epoch, account.revision),
            epoch: account.epoch.grown(),
            now,
            spends: vec![spend],
            writes: [Write::RemoveMethod(id)]
                .into_iter()
                .chain(last.then_some(Write::NoRecoveryCodes))
                .collect(),
            event: self.event(
                call,
                &self.user_key(&account)?,
                EventKind::MethodRemoved,
                facts,
                now,
            ),
            notices: Vec::new(),
            receipt: Self::receipt(mark, Made::Nothing, None, now),
        };
        committed(self.accounts().commit(&change).await?)
    }
}
