//! Parses requests of `DeviceService`.

use crate::grpc::request_fields::{ParseResult, paths};
use countersign_domain::{device::DeviceName, value::malformed::MalformedValue};
use prost_types::FieldMask;

/// The new name, the only field that a mask may name.
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
