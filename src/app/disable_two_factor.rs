//! `DisableTwoFactor`: everything goes that signs in, or spares it, in one step.

use crate::{
    app::{
        App, Call, Confirmation, Error, GivenProof,
        call::{Shown, same_call},
        error::committed,
    },
    ports::AccountLookup,
};
use countersign_domain::{
    account::Account,
    action::Action,
    change::{Base, Change, Made, Spend, Write},
    event::{EventKind, Facts},
    message::{Notice, NoticeKind},
    refusal::Refusal,
    revert::Did,
    time::Timestamp,
};
use std::sync::Arc;

impl App {
    /// Takes all methods, recovery codes and devices, if the proof lets it. Tells who hears of it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn disable_two_factor(
        self: &Arc<Self>,
        call: Call,
        proof: GivenProof,
    ) -> Result<Vec<Confirmation>, Error> {
        self.to_the_end(call, move |app, call| async move {
            app.disable(&call, &proof).await
        })
        .await
    }

    async fn disable(&self, call: &Call, proof: &GivenProof) -> Result<Vec<Confirmation>, Error> {
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
        if account.methods.is_empty() {
            return Err(Refusal::TwoFactorOff.into());
        }
        let action = Action::DisableTwoFactor;
        let spend = self.authorize(call, &account, &action, proof, now).await?;
        let (change, confirmations) = self.disabling(call, &account, spend, now)?;
        committed(self.commit(&change).await?)?;
        self.bells.ring();
        Ok(confirmations)
    }

    /// The tokens of earlier changes stay: who disclaims one of those disclaims this one too.
    fn disabling(
        &self,
        call: &Call,
        account: &Account,
        spend: Spend,
        now: Timestamp,
    ) -> Result<(Change, Vec<Confirmation>), Error> {
        let notice = Notice::of(NoticeKind::TwoFactorDisabled, now);
        let (news, revertible) = self.revertible_news(account, [], (notice, Did::TurnOff))?;
        let shown = Shown {
            confirmations: news.confirmations,
            ..Shown::default()
        };
        let facts = Facts::none().with("methods", account.methods.len());
        let kind = EventKind::TwoFactorDisabled;
        let change = Change {
            subject: call.who.clone(),
            base: Base::Present(account.epoch, account.revision),
            epoch: account.epoch.grown(),
            now,
            spends: vec![spend],
            writes: [
                Write::RemoveAllMethods,
                Write::NoRecoveryCodes,
                Write::NoBypassCode,
                Write::NoDevices,
            ]
            .into_iter()
            .chain([revertible])
            .collect(),
            event: self.event(call, &self.user_key(account)?, kind, facts, now),
            notices: news.notices,
            receipt: self.receipt(call, Made::Nothing, &shown, now),
        };
        Ok((change, shown.confirmations))
    }
}
