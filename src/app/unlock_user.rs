//! `UnlockUser`: an administrator lifts the windows of wrong codes. A method that was disabled stays so until it is bound
//! again (NIST SP 800-63B-4 §3.2.2).

use crate::{
    app::{
        App, Call, Error,
        call::{Shown, same_call},
        error::committed,
    },
    ports::AccountLookup,
};
use countersign_domain::{
    account::Account,
    change::{Base, Change, Made, Write},
    event::{EventKind, Facts},
    time::Timestamp,
};
use std::sync::Arc;

impl App {
    /// Lifts a user's windows of wrong codes, the durable ones first: short-lived memory is raised to them.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn unlock_user(self: &Arc<Self>, call: Call) -> Result<(), Error> {
        self.to_the_end(
            call,
            move |app, call| async move { app.unlock(&call).await },
        )
        .await
    }

    async fn unlock(&self, call: &Call) -> Result<(), Error> {
        let now = self.now();
        let mark = self.mark(call);
        let loaded = self
            .accounts()
            .load(&call.who, AccountLookup::of_request(mark))
            .await?;
        let account = loaded.account.ok_or(Error::UserNotFound)?;
        if same_call(loaded.receipt, mark)?.is_none() {
            self.may_act(call, &account)?;
            let change = self.unlocking(call, &account, now)?;
            committed(self.commit(&change).await?)?;
        }
        // A repeat does it too: the first call may have died before it did.
        self.parts.challenges.lift_windows(self.tag(call)).await?;
        Ok(())
    }

    fn unlocking(&self, call: &Call, account: &Account, now: Timestamp) -> Result<Change, Error> {
        let facts = Facts::none().with("failures", account.failures().len());
        let kind = EventKind::UserUnlocked;
        Ok(Change {
            subject: call.who.clone(),
            base: Base::Present(account.epoch, account.revision),
            epoch: account.epoch,
            now,
            spends: Vec::new(),
            writes: vec![Write::LiftWindows],
            event: self.event(call, &self.user_key(account)?, kind, facts, now),
            notices: Vec::new(),
            receipt: self.receipt(call, Made::Nothing, &Shown::default(), now),
        })
    }
}
