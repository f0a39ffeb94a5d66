//! `ListDevices`: the devices that are known, and which of them may skip the second factor.

use crate::app::{App, Call, Error};
use countersign_domain::{
    account::Account,
    device::{ClientApp, Device, DeviceName, DeviceToken, TrustTerms},
    epoch::Epoch,
    id::DeviceId,
    time::Timestamp,
};
use std::cmp::Reverse;

/// The devices of a user.
pub struct Devices {
    /// They, the one seen last first.
    pub devices: Vec<DeviceView>,
    /// Whether the policy lets them be trusted.
    pub trust_offered: bool,
}

/// A device as its user may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceView {
    /// Its id.
    pub id: DeviceId,
    /// What its user calls it.
    pub name: DeviceName,
    /// What the person uses on it.
    pub app: Option<ClientApp>,
    /// When trust in it ends by itself, if it is trusted now.
    pub trusted_until: Option<Timestamp>,
    /// When it was first seen.
    pub created_at: Timestamp,
    /// When it last signed in.
    pub seen_at: Timestamp,
    /// Whether this call came from it.
    pub is_current: bool,
}

/// In whose light devices are seen.
pub(super) struct Seen {
    /// The user's epoch.
    pub(super) epoch: Epoch,
    /// What the policy makes of trust.
    pub(super) terms: Option<TrustTerms>,
    /// The device that the call came from.
    pub(super) current: Option<DeviceId>,
    /// When.
    pub(super) now: Timestamp,
}

impl App {
    /// The devices that are known.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn list_devices(&self, call: Call) -> Result<Devices, Error> {
        self.gate.pass()?;
        let now = self.now();
        let account = self.account(&call).await?;
        Ok(self.devices(&call, &account, now))
    }

    /// The devices of an account as its user may see them.
    pub(super) fn devices(&self, call: &Call, account: &Account, now: Timestamp) -> Devices {
        let seen = self.seen(call, account, now);
        Devices {
            trust_offered: seen.terms.is_some(),
            devices: seen.views(&account.devices),
        }
    }

    pub(super) fn seen(&self, call: &Call, account: &Account, now: Timestamp) -> Seen {
        let shown = call.context.device_token.as_ref().map(DeviceToken::hash);
        let current = shown.and_then(|token| account.device_holding(token));
        Seen {
            epoch: account.epoch,
            terms: TrustTerms::of(&self.policy(account).rules),
            current: current.map(|device| device.id),
            now,
        }
    }
}

impl Seen {
    /// The one seen last first.
    pub(super) fn views(&self, devices: &[Device]) -> Vec<DeviceView> {
        let mut views: Vec<DeviceView> = devices.iter().map(|device| self.view(device)).collect();
        views.sort_by_key(|view| (Reverse(view.seen_at), view.id));
        views
    }

    pub(super) fn view(&self, device: &Device) -> DeviceView {
        DeviceView {
            id: device.id,
            name: device.name.clone(),
            app: device.app,
            trusted_until: device.trusted_until(self.terms, self.epoch, self.now),
            created_at: device.created_at,
            seen_at: device.seen_at,
            is_current: self.current == Some(device.id),
        }
    }
}
