//! `RevokeDevice` and `RevokeAllDevices`: trust ends; of a device that is not the user's, everything does. They ask for no
//! proof beyond the caller's right: they only take away, and whoever lost a device, and perhaps their method with it, has
//! to be able to.

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
    change::{Base, Change, Made, Write},
    event::{EventKind, Facts},
    id::DeviceId,
    message::{Notice, NoticeKind},
    time::Timestamp,
};
use std::sync::Arc;

/// What is taken from whom.
struct Revocation {
    write: Write,
    kind: EventKind,
    facts: Facts,
    /// Whether all that was issued before is void.
    voids: bool,
}

impl App {
    /// Ends trust in a device; with `not_me`, forgets it and lets the epoch grow. Tells who hears of that.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn revoke_device(
        self: &Arc<Self>,
        call: Call,
        device: DeviceId,
        not_me: bool,
    ) -> Result<Vec<Confirmation>, Error> {
        self.to_the_end(call, move |app, call| async move {
            let now = app.now();
            let mark = app.mark(&call);
            let loaded = app
                .accounts()
                .load(&call.who, AccountLookup::of_request(mark))
                .await?;
            let account = loaded.account.ok_or(Error::UserNotFound)?;
            if let Some(receipt) = same_call(loaded.receipt, mark)? {
                return Ok(app.shown(&call.who, &receipt)?.confirmations);
            }
            account.device(device).ok_or(Error::DeviceNotFound)?;
            let (write, kind) = if not_me {
                (Write::ForgetDevice(device), EventKind::DeviceDisowned)
            } else {
                (Write::UntrustDevice(device), EventKind::DeviceRevoked)
            };
            let revocation = Revocation {
                write,
                kind,
                facts: Facts::none().with("device_id", device),
                voids: not_me,
            };
            app.revoke(&call, &account, revocation, now).await
        })
        .await
    }

    /// Ends trust in all devices.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn revoke_all_devices(self: &Arc<Self>, call: Call) -> Result<(), Error> {
        self.to_the_end(call, move |app, call| async move {
            let now = app.now();
            let mark = app.mark(&call);
            let loaded = app
                .accounts()
                .load(&call.who, AccountLookup::of_request(mark))
                .await?;
            let account = loaded.account.ok_or(Error::UserNotFound)?;
            if same_call(loaded.receipt, mark)?.is_some() {
                return Ok(());
            }
            let revocation = Revocation {
                write: Write::UntrustDevices,
                kind: EventKind::AllDevicesRevoked,
                facts: Facts::none(),
                voids: false,
            };
            app.revoke(&call, &account, revocation, now).await.map(drop)
        })
        .await
    }

    async fn revoke(
        &self,
        call: &Call,
        account: &Account,
        revocation: Revocation,
        now: Timestamp,
    ) -> Result<Vec<Confirmation>, Error> {
        let Revocation {
            write,
            kind,
            facts,
            voids,
        } = revocation;
        let (epoch, news) = if voids {
            let notice = Notice::of(NoticeKind::DeviceDisowned, now);
            let mut news = self.news(account, [], &notice)?;
            news.notices.extend(self.news_of_ended_reset(account, now)?);
            (account.epoch.grown(), news)
        } else {
            (account.epoch, News::default())
        };
        let shown = Shown {
            confirmations: news.confirmations,
            ..Shown::default()
        };
        let change = Change {
            subject: call.who.clone(),
            base: Base::Present(account.epoch, account.revision),
            epoch,
            now,
            spends: Vec::new(),
            writes: vec![write],
            event: self.event(call, &self.user_key(account)?, kind, facts, now),
            notices: news.notices,
            receipt: self.receipt(call, Made::Nothing, &shown, now),
        };
        committed(self.commit(&change).await?)?;
        self.bells.ring();
        Ok(shown.confirmations)
    }
}
