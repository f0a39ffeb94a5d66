//! The writes of a change to the devices of an account.

use super::{CHANGED, ChangeRejection, ChangeResult};
use crate::{
    account::{
        Account,
        change::{AccountChange, AccountWriteOp, TokenRotation},
    },
    device::{Device, DeviceTrust, forget_surplus_tokens},
    value::id::DeviceId,
};

impl Account {
    pub(super) fn write_devices(
        &mut self,
        change: &AccountChange,
        write: &AccountWriteOp,
    ) -> ChangeResult {
        match write {
            AccountWriteOp::RotateToken(rotation) => self.rotate_token(change, rotation)?,
            AccountWriteOp::TrustDevices(ids, until) => {
                for id in ids {
                    self.device_mut(*id)?.trust = DeviceTrust::Given {
                        at: change.now,
                        until: *until,
                        epoch: change.epoch,
                    };
                }
            }
            AccountWriteOp::UntrustDevice(id) => {
                self.device_mut(*id)?.trust = DeviceTrust::Withdrawn;
            }
            AccountWriteOp::UntrustDevices => {
                let devices = self.devices.iter_mut();
                devices.for_each(|device| device.trust = DeviceTrust::Withdrawn);
            }
            AccountWriteOp::ForgetDevice(id) => {
                self.device_mut(*id)?;
                self.devices.retain(|device| device.id != *id);
            }
            AccountWriteOp::RenameDevice(id, name) => self.device_mut(*id)?.name = name.clone(),
            AccountWriteOp::NoDevices => self.devices.clear(),
            _ => {}
        }
        Ok(())
    }

    fn device_mut(&mut self, id: DeviceId) -> Result<&mut Device, ChangeRejection> {
        let mut devices = self.devices.iter_mut();
        devices.find(|device| device.id == id).ok_or(CHANGED)
    }

    /// Requires that the presented token and the trust are valid. Concurrent calls with the same token each get their
    /// own successor, and none of them undoes another one.
    fn rotate_token(&mut self, change: &AccountChange, rotation: &TokenRotation) -> ChangeResult {
        let place = self
            .devices
            .iter()
            .position(|device| device.id == rotation.device);
        let place = place.ok_or(CHANGED)?;
        let device = self.devices.swap_remove(place);
        let trusted =
            matches!(device.trust, DeviceTrust::Given { epoch, .. } if epoch == change.epoch);
        if !trusted || !device.holds(rotation.shown) {
            return Err(CHANGED);
        }
        self.devices.push(Device {
            series: rotation.series,
            seen_at: change.now,
            ..device.given_for(rotation.shown, rotation.given)
        });
        forget_surplus_tokens(&mut self.devices);
        Ok(())
    }
}
