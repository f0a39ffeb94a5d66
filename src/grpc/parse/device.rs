//! Devices.

use super::{Parsed, id, paths};
use countersign_domain::{
    action::TrustedDevices, device::DeviceName, id::DeviceId, malformed::Malformed,
};
use prost_types::FieldMask;

pub(in crate::grpc) fn trusted_devices(
    field: &'static str,
    named: &[String],
) -> Parsed<TrustedDevices> {
    if named.len() > TrustedDevices::AT_MOST {
        return Err(Malformed::TooMany(TrustedDevices::AT_MOST).at(field).into());
    }
    let ids: Parsed<Vec<DeviceId>> = named.iter().map(|text| id(field, text)).collect();
    Ok(TrustedDevices::new(ids?).map_err(|why| why.at(field))?)
}

/// The new name, which is all that a mask can name.
pub(in crate::grpc) fn device_name(name: &str, mask: Option<&FieldMask>) -> Parsed<DeviceName> {
    if paths(mask, 1)?.iter().any(|path| *path != "name") {
        return Err(Malformed::NotAMaskPath("name").at("update_mask").into());
    }
    Ok(DeviceName::parse(name).map_err(|why| why.at("name"))?)
}
