//! Use cases of `DeviceService`.

pub(crate) mod list_devices;
pub(crate) mod revoke_device;
pub(crate) mod trust_device;
pub(crate) mod update_device;
