//! `UpdateDevice`: a new name.

use crate::app::{
    Call, Error, RequestContext,
    call::Shown,
    dependencies::DeviceDependencies,
    list_devices::{DeviceView, Seen},
};
use countersign_domain::{
    change::{Change, Made, Write},
    device::{Device, DeviceName},
    event::{EventKind, Facts},
    id::DeviceId,
};
use std::sync::Arc;

/// Renames a device. Nobody is told: it changes what is shown, not what may happen.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn update_device(
    deps: &Arc<DeviceDependencies>,
    call: Call,
    device: DeviceId,
    name: DeviceName,
) -> Result<DeviceView, Error> {
    deps.requests
        .run_once(
            deps,
            call,
            move |_, repeat| async move {
                let known = device_of(&repeat.context, device)?;
                Ok(Seen::by(&repeat.context).view(known))
            },
            move |deps, context| {
                let name = name.clone();
                async move { rename(&deps, &context, device, name).await }
            },
        )
        .await
}

async fn rename(
    deps: &DeviceDependencies,
    context: &RequestContext,
    id: DeviceId,
    name: DeviceName,
) -> Result<Option<DeviceView>, Error> {
    let device = device_of(context, id)?;
    let facts = Facts::none().with("device_id", id);
    let kind = EventKind::DeviceRenamed;
    let change = Change {
        writes: vec![Write::RenameDevice(id, name.clone())],
        receipt: deps
            .idempotency
            .record(context, Made::Nothing, &Shown::default()),
        ..context.change(deps.events.event(context, kind, facts))
    };
    let saved = deps.changes.save_or_conflict(&change).await?;
    let renamed = Device {
        name,
        ..device.clone()
    };
    Ok(saved.map(|()| Seen::by(context).view(&renamed)))
}

fn device_of(context: &RequestContext, id: DeviceId) -> Result<&Device, Error> {
    let device = context.user.account.device(id);
    device.ok_or(Error::DeviceNotFound)
}
