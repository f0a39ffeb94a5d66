//! `ListDevices`: the devices that are known, and which of them may skip the second factor.

use crate::app::{CallerRequest, Error, context::RequestContext, dependencies::DeviceDependencies};
use countersign_domain::{
    device::{ClientApp, Device, DeviceName, DeviceTrustTerms},
    value::{epoch::Epoch, id::DeviceId, time::Timestamp},
};
use std::cmp::Reverse;

/// The devices of a user.
pub struct DeviceViews {
    /// Most recently seen first.
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

/// What the view of a device depends on.
pub(crate) struct DeviceViewContext {
    /// The user's epoch.
    pub(crate) epoch: Epoch,
    /// What the policy makes of trust.
    pub(crate) terms: Option<DeviceTrustTerms>,
    /// The device that the call came from.
    pub(crate) current: Option<DeviceId>,
    /// When.
    pub(crate) now: Timestamp,
}

/// The devices that are known.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn list_devices(
    deps: &DeviceDependencies,
    call: CallerRequest,
) -> Result<DeviceViews, Error> {
    Ok(DeviceViews::of(&deps.requests.read(call).await?))
}

impl DeviceViews {
    /// The devices of an account as its user may see them.
    pub(in crate::app) fn of(context: &RequestContext) -> Self {
        let seen = DeviceViewContext::by(context);
        Self {
            trust_offered: seen.terms.is_some(),
            devices: seen.views(&context.user.account.devices),
        }
    }
}

impl DeviceViewContext {
    /// The devices as the call's user sees them.
    pub(crate) fn by(context: &RequestContext) -> Self {
        let RequestContext { call, user, now } = context;
        let token = call.device_token_hash();
        let current = token.and_then(|token| user.account.device_holding(token));
        Self {
            epoch: user.account.epoch,
            terms: DeviceTrustTerms::of(&user.policy.rules),
            current: current.map(|device| device.id),
            now: *now,
        }
    }

    /// The one seen last first.
    pub(crate) fn views(&self, devices: &[Device]) -> Vec<DeviceView> {
        let mut views: Vec<DeviceView> = devices.iter().map(|device| self.view(device)).collect();
        views.sort_by_key(|view| (Reverse(view.seen_at), view.id));
        views
    }

    pub(crate) fn view(&self, device: &Device) -> DeviceView {
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
