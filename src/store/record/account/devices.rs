//! Recognized devices.

use super::methods::{kind, stored_kind};
use crate::store::record::{InvalidRow, UNKNOWN_ENUM, array, each, id, instant, optional_array};
use countersign_domain::{
    device::{ClientApp, Device, DeviceName, DeviceTokenHash, DeviceTrust, SeriesHash},
    value::epoch::Epoch,
};
use countersign_proto::stored as pb;

const TOKEN: usize = 16;

/// A device of a user whose epoch is this one.
pub(super) fn stored_device(device: &Device, epoch: Epoch) -> pb::Device {
    let app = match device.app {
        None => pb::ClientApp::Unspecified,
        Some(ClientApp::Browser) => pb::ClientApp::Browser,
        Some(ClientApp::Mobile) => pb::ClientApp::Mobile,
    };
    let accepted = device.accepted.map(|token| token.as_bytes().to_vec());
    let pending = device.given.iter().flat_map(|token| *token.as_bytes());
    pb::Device {
        id: device.id.as_bytes().to_vec(),
        name: device.name.as_str().to_owned(),
        app: app.into(),
        place: device.place.clone().unwrap_or_default(),
        series: device.series.as_bytes().to_vec(),
        accepted_token: accepted.unwrap_or_default(),
        pending_tokens: pending.collect(),
        proved_by: stored_kind(device.proved_by).into(),
        trust: stored_trust(device.trust, epoch),
        created_at_millis: device.created_at.millis(),
        seen_at_millis: device.seen_at.millis(),
    }
}

fn stored_trust(trust: DeviceTrust, now: Epoch) -> Option<pb::Trust> {
    let state = match trust {
        DeviceTrust::Never => return None,
        DeviceTrust::Withdrawn => pb::trust::State::Withdrawn(pb::trust::Withdrawn {}),
        DeviceTrust::Given { at, until, epoch } => pb::trust::State::Given(pb::trust::Given {
            at_millis: at.millis(),
            until_millis: until.millis(),
            epochs_since: now.number().wrapping_sub(epoch.number()),
        }),
    };
    Some(pb::Trust { state: Some(state) })
}

/// A device of a user whose epoch is this one.
pub(super) fn device(stored: &pb::Device, epoch: Epoch) -> Result<Device, InvalidRow> {
    let app = match pb::ClientApp::try_from(stored.app) {
        Ok(pb::ClientApp::Unspecified) => None,
        Ok(pb::ClientApp::Browser) => Some(ClientApp::Browser),
        Ok(pb::ClientApp::Mobile) => Some(ClientApp::Mobile),
        Err(_) => return Err(UNKNOWN_ENUM),
    };
    let accepted = optional_array(&stored.accepted_token)?;
    let pending: Vec<&[u8]> = stored.pending_tokens.chunks(TOKEN).collect();
    Ok(Device {
        id: id(&stored.id)?,
        name: DeviceName::from_stored(stored.name.clone()),
        app,
        place: Some(stored.place.clone()).filter(|place| !place.is_empty()),
        series: SeriesHash::from_bytes(array(&stored.series)?),
        accepted: accepted.map(DeviceTokenHash::from_bytes),
        given: each(&pending, |token| {
            array(token).map(DeviceTokenHash::from_bytes)
        })?,
        proved_by: kind(stored.proved_by)?,
        trust: trust(stored.trust.as_ref(), epoch)?,
        created_at: instant(stored.created_at_millis),
        seen_at: instant(stored.seen_at_millis),
    })
}

fn trust(stored: Option<&pb::Trust>, now: Epoch) -> Result<DeviceTrust, InvalidRow> {
    let Some(stored) = stored else {
        return Ok(DeviceTrust::Never);
    };
    match stored.state.as_ref().ok_or(UNKNOWN_ENUM)? {
        pb::trust::State::Withdrawn(_) => Ok(DeviceTrust::Withdrawn),
        pb::trust::State::Given(given) => Ok(DeviceTrust::Given {
            at: instant(given.at_millis),
            until: instant(given.until_millis),
            epoch: Epoch::from_number(now.number().wrapping_sub(given.epochs_since)),
        }),
    }
}
