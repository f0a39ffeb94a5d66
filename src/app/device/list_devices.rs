//! `ListDevices`: the recognized devices, and which of them may skip the second factor.

use crate::app::{CallerRequest, Error, context::RequestContext, dependencies::DeviceDependencies};
use countersign_domain::{
    device::{ClientApp, Device, DeviceName, DeviceTrustTerms},
    method::MethodKind,
    value::{epoch::Epoch, id::DeviceId, time::Timestamp},
};
use std::cmp::Reverse;

/// The devices of a user.
pub struct DeviceViews {
    /// The devices, most recently seen first.
    pub devices: Vec<DeviceView>,
    /// Whether the policy allows device trust.
    pub trust_offered: bool,
}

/// A device as its user sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceView {
    /// The device's id.
    pub id: DeviceId,
    /// The user's name for the device.
    pub name: DeviceName,
    /// The kind of app on the device, if the caller named it.
    pub app: Option<ClientApp>,
    /// Where the device last completed a second factor, as the caller described it.
    pub place: Option<String>,
    /// The kind of method that last completed a second factor on the device.
    pub proved_by: MethodKind,
    /// When trust expires; `None` if the device is not trusted.
    pub trusted_until: Option<Timestamp>,
    /// When the device was first seen.
    pub created_at: Timestamp,
    /// When the device last signed in.
    pub seen_at: Timestamp,
    /// Whether this call came from the device.
    pub is_current: bool,
}

/// What the view of a device depends on.
pub(crate) struct DeviceViewContext {
    /// The user's credential epoch.
    pub(crate) epoch: Epoch,
    /// The policy's terms of device trust; `None` if it allows none.
    pub(crate) terms: Option<DeviceTrustTerms>,
    /// The device that the call came from.
    pub(crate) current: Option<DeviceId>,
    pub(crate) now: Timestamp,
}

/// Lists the recognized devices of a user.
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
    /// The devices of an account as its user sees them.
    pub(in crate::app) fn of(context: &RequestContext) -> Self {
        let seen = DeviceViewContext::by(context);
        Self {
            trust_offered: seen.terms.is_some(),
            devices: seen.views(&context.user.account.devices),
        }
    }
}

impl DeviceViewContext {
    /// The context of the call's user.
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

    /// Views of the devices, most recently seen first.
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
            place: device.place.clone(),
            proved_by: device.proved_by,
            trusted_until: device.trusted_until(self.terms, self.epoch, self.now),
            created_at: device.created_at,
            seen_at: device.seen_at,
            is_current: self.current == Some(device.id),
        }
    }
}
