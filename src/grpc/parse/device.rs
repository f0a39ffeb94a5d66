//! Devices.

use super::{ParseResult, id, paths};
use countersign_domain::{
    authorization::action::TrustedDevices,
    device::DeviceName,
    value::{id::DeviceId, malformed::MalformedValue},
};
use prost_types::FieldMask;

pub(in crate::grpc) fn trusted_devices(
    field: &'static str,
    named: &[String],
) -> ParseResult<TrustedDevices> {
    if named.len() > TrustedDevices::MAX_DEVICES {
        return Err(MalformedValue::TooMany(TrustedDevices::MAX_DEVICES)
            .at(field)
            .into());
    }
    let ids: ParseResult<Vec<DeviceId>> = named.iter().map(|text| id(field, text)).collect();
    Ok(TrustedDevices::new(ids?).map_err(|why| why.at(field))?)
}

/// The new name, which is all that a mask can name.
pub(in crate::grpc) fn device_name(
    name: &str,
    mask: Option<&FieldMask>,
) -> ParseResult<DeviceName> {
    if paths(mask, 1)?.iter().any(|path| *path != "name") {
        return Err(MalformedValue::NotAMaskPath("name")
            .at("update_mask")
            .into());
    }
    Ok(DeviceName::parse(name).map_err(|why| why.at("name"))?)
}
