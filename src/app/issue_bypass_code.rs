//! `IssueBypassCode`: an administrator gives a user who has nothing left to answer with a code for one sign-in.

use crate::{
    app::{
        App, Call, Confirmation, Error,
        call::{Shown, same_call},
        error::committed,
        notices::News,
    },
    ports::AccountLookup,
};
use countersign_domain::{
    account::Account,
    bypass::{BypassCode, NewBypassCode},
    change::{Base, Change, Made, Write},
    event::{EventKind, Facts},
    message::{Notice, NoticeKind},
    refusal::Refusal,
    time::Timestamp,
};
use std::{sync::Arc, time::Duration};

/// A bypass code, shown this once.
pub struct IssuedBypassCode {
    /// The code.
    pub code: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Where the news of it went, masked.
    pub confirmations: Vec<Confirmation>,
}

impl App {
    /// Makes a bypass code that lives so long; the one before dies in the same step.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn issue_bypass_code(
        self: &Arc<Self>,
        call: Call,
        life: Duration,
    ) -> Result<IssuedBypassCode, Error> {
        self.to_the_end(call, move |app, call| async move {
            app.bypass(&call, life).await
        })
        .await
    }

    async fn bypass(&self, call: &Call, life: Duration) -> Result<IssuedBypassCode, Error> {
        let now = self.now();
        let mark = self.mark(call);
        let loaded = self
            .accounts()
            .load(&call.who, AccountLookup::of_request(mark))
            .await?;
        let account = loaded.account.ok_or(Error::UserNotFound)?;
        if let Some(receipt) = same_call(loaded.receipt, mark)? {
            let shown = self.shown(&call.who, &receipt)?;
            return issued(shown, receipt.at.plus(life));
        }
        self.may_act(call, &account)?;
        if !account.two_factor_enabled() {
            return Err(Refusal::TwoFactorOff.into());
        }
        let code = BypassCode::new(&self.random());
        let (code, hash) = self.parts.hashing.hash_bypass(code, self.random()).await?;
        let new = NewBypassCode {
            id: self.new_id(),
            hash,
            expires_at: now.plus(life),
        };
        let (change, shown) = self.bypassing(call, &account, (&code, new), now)?;
        committed(self.commit(&change).await?)?;
        self.bells.ring();
        issued(shown, now.plus(life))
    }

    fn bypassing(
        &self,
        call: &Call,
        account: &Account,
        (code, new): (&BypassCode, NewBypassCode),
        now: Timestamp,
    ) -> Result<(Change, Shown), Error> {
        let News {
            notices,
            confirmations,
        } = self.news(account, [], &Notice::of(NoticeKind::BypassCodeIssued, now))?;
        let shown = Shown {
            codes: vec![code.expose()],
            confirmations,
            ..Shown::default()
        };
        let facts = Facts::none()
            .with("bypass_id", new.id)
            .with("expires_at", new.expires_at.millis());
        let kind = EventKind::BypassCodeIssued;
        let change = Change {
            subject: call.who.clone(),
            base: Base::Present(account.epoch, account.revision),
            epoch: account.epoch,
            now,
            spends: Vec::new(),
            writes: vec![Write::BypassCode(new)],
            event: self.event(call, &self.user_key(account)?, kind, facts, now),
            notices,
            receipt: self.receipt(call, Made::Nothing, &shown, now),
        };
        Ok((change, shown))
    }
}

fn issued(shown: Shown, expires_at: Timestamp) -> Result<IssuedBypassCode, Error> {
    let Shown {
        codes,
        confirmations,
        sign_in_waits: _,
    } = shown;
    let code = codes.into_iter().next();
    Ok(IssuedBypassCode {
        code: code.ok_or(Error::RequestIdReused)?,
        expires_at,
        confirmations,
    })
}
