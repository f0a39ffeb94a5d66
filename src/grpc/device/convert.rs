//! Builds responses of `DeviceService`.

use crate::{
    app::{DeviceView, DeviceViews},
    grpc::response_fields::{kind, timestamp},
};
use countersign_domain::device::ClientApp;
use countersign_proto::v1 as pb;

pub(in crate::grpc) fn devices(devices: DeviceViews) -> (Vec<pb::Device>, bool) {
    let DeviceViews {
        devices,
        trust_offered,
    } = devices;
    (devices.into_iter().map(device).collect(), trust_offered)
}

pub(in crate::grpc) fn device(view: DeviceView) -> pb::Device {
    let DeviceView {
        id,
        name,
        app,
        place,
        proved_by,
        trusted_until,
        created_at,
        seen_at,
        is_current,
    } = view;
    let app = match app {
        None => pb::ClientApp::Unspecified,
        Some(ClientApp::Browser) => pb::ClientApp::Browser,
        Some(ClientApp::Mobile) => pb::ClientApp::Mobile,
    };
    pb::Device {
        device_id: id.to_string(),
        name: name.as_str().to_owned(),
        app: app.into(),
        trusted: trusted_until.is_some(),
        trust_expire_time: trusted_until.map(timestamp),
        create_time: Some(timestamp(created_at)),
        last_seen_time: Some(timestamp(seen_at)),
        current: is_current,
        place: place.unwrap_or_default(),
        proved_by: kind(proved_by).into(),
    }
}
