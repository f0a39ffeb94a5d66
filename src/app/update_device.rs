//! `UpdateDevice`: a new name.

use crate::{
    app::{
        App, Call, Error,
        call::{Shown, same_call},
        error::committed,
        list_devices::DeviceView,
    },
    ports::AccountLookup,
};
use countersign_domain::{
    change::{Base, Change, Made, Write},
    device::{Device, DeviceName},
    event::{EventKind, Facts},
    id::DeviceId,
};
use std::sync::Arc;

impl App {
    /// Renames a device. Nobody is told: it changes what is shown, not what may happen.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn update_device(
        self: &Arc<Self>,
        call: Call,
        device: DeviceId,
        name: DeviceName,
    ) -> Result<DeviceView, Error> {
        self.to_the_end(call, move |app, call| async move {
            app.rename_device(&call, device, name).await
        })
        .await
    }

    async fn rename_device(
        &self,
        call: &Call,
        id: DeviceId,
        name: DeviceName,
    ) -> Result<DeviceView, Error> {
        let now = self.now();
        let mark = self.mark(call);
        let loaded = self
            .accounts()
            .load(&call.who, AccountLookup::of_request(mark))
            .await?;
        let account = loaded.account.ok_or(Error::UserNotFound)?;
        let device = account.device(id).ok_or(Error::DeviceNotFound)?;
        let seen = self.seen(call, &account, now);
        if same_call(loaded.receipt, mark)?.is_some() {
            return Ok(seen.view(device));
        }
        let key = self.user_key(&account)?;
        let facts = Facts::none().with("device_id", id);
        let change = Change {
            subject: call.who.clone(),
            base: Base::Present(account.epoch, account.revision),
            epoch: account.epoch,
            now,
            spends: Vec::new(),
            writes: vec![Write::RenameDevice(id, name.clone())],
            event: self.event(call, &key, EventKind::DeviceRenamed, facts, now),
            notices: Vec::new(),
            receipt: self.receipt(call, Made::Nothing, &Shown::default(), now),
        };
        committed(self.commit(&change).await?)?;
        let renamed = Device {
            name,
            ..device.clone()
        };
        Ok(seen.view(&renamed))
    }
}
