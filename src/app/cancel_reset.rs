//! `CancelReset`: who was told of a reset says that they want none.

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
    change::{Change, Made, QueuedNotice, Write},
    event::EventKind,
    message::{Notice, NoticeKind},
    reset::CancelToken,
    time::Timestamp,
};
use std::sync::Arc;

impl App {
    /// Cancels the reset that a token of its notices belongs to.
    ///
    /// # Errors
    /// [`Error::ResetNotFound`] if none is pending with that token, or there is no such user: the same for all.
    pub async fn cancel_reset(
        self: &Arc<Self>,
        call: Call,
        token: Option<CancelToken>,
    ) -> Result<Vec<Confirmation>, Error> {
        self.to_the_end(call, move |app, call| async move {
            app.cancel_pending(&call, token).await
        })
        .await
    }

    /// What everyone is told where another change ends the reset that is pending, if one is.
    pub(super) fn news_of_ended_reset(
        &self,
        account: &Account,
        now: Timestamp,
    ) -> Result<Vec<QueuedNotice>, Error> {
        let pending = account.reset.as_ref();
        if !pending.is_some_and(|reset| reset.is_pending(account.epoch, now)) {
            return Ok(Vec::new());
        }
        let notice = Notice::of(NoticeKind::ResetCancelled, now);
        Ok(self.news(account, [], &notice)?.notices)
    }

    async fn cancel_pending(
        &self,
        call: &Call,
        token: Option<CancelToken>,
    ) -> Result<Vec<Confirmation>, Error> {
        let now = self.now();
        let mark = self.mark(call);
        let loaded = self
            .accounts()
            .load(&call.who, AccountLookup::of_request(mark))
            .await?;
        let account = loaded.account.ok_or(Error::ResetNotFound)?;
        if let Some(receipt) = same_call(loaded.receipt, mark)? {
            return Ok(self.shown(&call.who, &receipt)?.confirmations);
        }
        let pending = account.reset.as_ref();
        let pending = pending.filter(|reset| reset.is_pending(account.epoch, now));
        let reset = pending.ok_or(Error::ResetNotFound)?;
        let own = self.cancel_token(&call.who, reset);
        if !token.is_some_and(|token| token.is(&own)) {
            return Err(Error::ResetNotFound);
        }
        let News {
            notices,
            confirmations,
        } = self.news(&account, [], &Notice::of(NoticeKind::ResetCancelled, now))?;
        let shown = Shown {
            confirmations,
            ..Shown::default()
        };
        let written = (Write::CancelReset(reset.id), EventKind::ResetCancelled);
        let change = Change {
            notices,
            receipt: self.receipt(call, Made::Nothing, &shown, now),
            ..self.reset_change(call, &account, written, now)?
        };
        committed(self.commit(&change).await?)?;
        self.bells.ring();
        Ok(shown.confirmations)
    }
}
