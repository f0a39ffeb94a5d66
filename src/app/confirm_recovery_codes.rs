//! `ConfirmRecoveryCodes`: the user says that they have saved them.

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
    recovery::RecoverySet,
    refusal::Refusal,
    time::Timestamp,
};
use std::sync::Arc;

impl App {
    /// Notes that the user has saved their recovery codes or key: those made at `made_at`, where the caller says so.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn confirm_recovery_codes(
        self: &Arc<Self>,
        call: Call,
        made_at: Option<Timestamp>,
    ) -> Result<RecoverySet, Error> {
        self.to_the_end(call, move |app, call| async move {
            app.saved(&call, made_at).await
        })
        .await
    }

    async fn saved(&self, call: &Call, made_at: Option<Timestamp>) -> Result<RecoverySet, Error> {
        let now = self.now();
        let mark = self.mark(call);
        let loaded = self
            .accounts()
            .load(&call.who, AccountLookup::of_request(mark))
            .await?;
        let account = loaded.account.ok_or(Error::UserNotFound)?;
        let repeated = same_call(loaded.receipt, mark)?.is_some();
        let set = account.recovery.clone().ok_or(Refusal::NoRecoveryCodes)?;
        if made_at.is_some_and(|made_at| made_at != set.created_at) {
            return Err(Refusal::RecoveryCodesReplaced.into());
        }
        if repeated || set.confirmed_at.is_some() {
            return Ok(set);
        }
        let change = self.saving(call, &account, &set, now)?;
        committed(self.commit(&change).await?)?;
        Ok(RecoverySet {
            confirmed_at: Some(now),
            ..set
        })
    }

    fn saving(
        &self,
        call: &Call,
        account: &Account,
        set: &RecoverySet,
        now: Timestamp,
    ) -> Result<Change, Error> {
        let kind = EventKind::RecoveryCodesConfirmed;
        let facts = Facts::none().with("set", set.id);
        Ok(Change {
            subject: call.who.clone(),
            base: Base::Present(account.epoch, account.revision),
            epoch: account.epoch,
            now,
            spends: Vec::new(),
            writes: vec![Write::ConfirmRecoveryCodes(set.id)],
            event: self.event(call, &self.user_key(account)?, kind, facts, now),
            notices: Vec::new(),
            receipt: self.receipt(call, Made::Nothing, &Shown::default(), now),
        })
    }
}
