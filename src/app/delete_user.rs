//! `DeleteUser`: a user goes, with everything that names them.

use crate::{
    app::{
        App, Call, Error,
        call::{Shown, same_call},
        error::committed,
    },
    ports::AccountLookup,
};
use countersign_domain::{
    change::{Base, Change, Made, Write},
    event::{EventKind, Facts},
};
use std::sync::Arc;

impl App {
    /// Erases a user. What audit records say of the person can't be read any more: its key is destroyed. Open challenges
    /// go, too; what was charged stays, without a name, so that nobody gets new tries by being erased.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn delete_user(self: &Arc<Self>, call: Call) -> Result<(), Error> {
        self.to_the_end(call, move |app, call| async move { app.erase(&call).await })
            .await
    }

    async fn erase(&self, call: &Call) -> Result<(), Error> {
        let now = self.now();
        let mark = self.mark(call);
        let loaded = self
            .accounts()
            .load(&call.who, AccountLookup::of_request(mark))
            .await?;
        if same_call(loaded.receipt, mark)?.is_some() {
            return self.drop_challenges(call).await;
        }
        let account = loaded.account.ok_or(Error::UserNotFound)?;
        let user_key = self.user_key(&account)?;
        let change = Change {
            subject: call.who.clone(),
            base: Base::Present(account.epoch, account.revision),
            epoch: account.epoch.grown(),
            now,
            spends: Vec::new(),
            writes: vec![Write::Erase],
            event: self.event(call, &user_key, EventKind::UserDeleted, Facts::none(), now),
            notices: Vec::new(),
            receipt: self.receipt(call, Made::Nothing, &Shown::default(), now),
        };
        committed(self.commit(&change).await?)?;
        self.drop_challenges(call).await
    }

    async fn drop_challenges(&self, call: &Call) -> Result<(), Error> {
        Ok(self.parts.challenges.drop_all(self.tag(call)).await?)
    }
}
