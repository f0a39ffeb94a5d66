//! `TrustDevice`: devices may skip the second factor from now on, if the proof lets them.

use crate::{
    app::{
        App, Call, Confirmation, Error, GivenProof,
        call::{Shown, same_call},
        error::committed,
        list_devices::DeviceView,
    },
    ports::AccountLookup,
};
use countersign_domain::{
    account::Account,
    action::{Action, TrustedDevices},
    change::{Base, Change, Made, Write},
    device::{Device, Trust, TrustTerms},
    event::{EventKind, Facts},
    message::{Notice, NoticeKind},
    refusal::Refusal,
    revert::Did,
    time::Timestamp,
};
use std::sync::Arc;

impl App {
    /// Trusts devices. Tells who hears of it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn trust_device(
        self: &Arc<Self>,
        call: Call,
        devices: TrustedDevices,
        proof: GivenProof,
    ) -> Result<(Vec<DeviceView>, Vec<Confirmation>), Error> {
        self.to_the_end(call, move |app, call| async move {
            app.trust(&call, devices, &proof).await
        })
        .await
    }

    async fn trust(
        &self,
        call: &Call,
        devices: TrustedDevices,
        proof: &GivenProof,
    ) -> Result<(Vec<DeviceView>, Vec<Confirmation>), Error> {
        let now = self.now();
        let mark = self.mark(call);
        let loaded = self
            .accounts()
            .load(&call.who, AccountLookup::of_request(mark))
            .await?;
        let account = loaded.account.ok_or(Error::UserNotFound)?;
        let chosen = devices_of(&account, &devices)?;
        if let Some(receipt) = same_call(loaded.receipt, mark)? {
            let confirmations = self.shown(&call.who, &receipt)?.confirmations;
            return Ok((self.views(call, &account, &chosen, now), confirmations));
        }
        let rules = self.policy(&account).rules;
        if !account.is_protected(&rules) {
            return Err(Refusal::TwoFactorOff.into());
        }
        let terms = TrustTerms::of(&rules);
        let TrustTerms { life, .. } = terms.ok_or(Refusal::TrustNotAllowed)?;
        let facts = Facts::none().with("device_ids", &devices);
        let trusted = devices.ids().to_vec();
        let action = Action::TrustDevice(devices);
        let spend = self.authorize(call, &account, &action, proof, now).await?;
        let notice = Notice::of(NoticeKind::DeviceTrusted, now);
        let (news, revertible) = self.revertible_news(&account, [], (notice, Did::Trust))?;
        let shown = Shown {
            confirmations: news.confirmations,
            ..Shown::default()
        };
        let until = now.plus(life);
        let key = self.user_key(&account)?;
        let change = Change {
            subject: call.who.clone(),
            base: Base::Present(account.epoch, account.revision),
            epoch: account.epoch,
            now,
            spends: vec![spend],
            writes: vec![Write::TrustDevices(trusted, until), revertible],
            event: self.event(call, &key, EventKind::DeviceTrusted, facts, now),
            notices: news.notices,
            receipt: self.receipt(call, Made::Nothing, &shown, now),
        };
        committed(self.commit(&change).await?)?;
        self.bells.ring();
        let trust = Trust::Given {
            at: now,
            until,
            epoch: account.epoch,
        };
        let after: Vec<Device> = chosen
            .into_iter()
            .map(|device| Device { trust, ..device })
            .collect();
        Ok((self.views(call, &account, &after, now), shown.confirmations))
    }

    fn views(
        &self,
        call: &Call,
        account: &Account,
        devices: &[Device],
        now: Timestamp,
    ) -> Vec<DeviceView> {
        self.seen(call, account, now).views(devices)
    }
}

/// All of them, or none.
fn devices_of(account: &Account, devices: &TrustedDevices) -> Result<Vec<Device>, Error> {
    let found = devices.ids().iter().map(|id| account.device(*id).cloned());
    let found: Option<Vec<Device>> = found.collect();
    found.ok_or(Error::DeviceNotFound)
}
