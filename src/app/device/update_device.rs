//! `UpdateDevice`: renames a device.

use crate::app::{
    CallerRequest, Error,
    context::RequestContext,
    dependencies::DeviceDependencies,
    device::list_devices::{DeviceView, DeviceViewContext},
    replayed_response::ReplayedResponse,
};
use countersign_domain::{
    account::change::{AccountChange, AccountWriteOp, CreatedResource},
    audit_event::{AuditDetails, AuditEventKind},
    device::{Device, DeviceName},
    value::id::DeviceId,
};
use std::sync::Arc;

/// Renames a device. No notice is queued, because a name grants nothing.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn update_device(
    deps: &Arc<DeviceDependencies>,
    call: CallerRequest,
    device: DeviceId,
    name: DeviceName,
) -> Result<DeviceView, Error> {
    deps.requests
        .run_once(
            deps,
            call,
            move |_, repeat| async move {
                let known = device_of(&repeat.context, device)?;
                Ok(DeviceViewContext::by(&repeat.context).view(known))
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
    let details = AuditDetails::none().with("device_id", id);
    let kind = AuditEventKind::DeviceRenamed;
    let change = AccountChange {
        writes: vec![AccountWriteOp::RenameDevice(id, name.clone())],
        idempotency_record: deps.idempotency.record(
            context,
            CreatedResource::Nothing,
            &ReplayedResponse::default(),
        ),
        ..context.change(deps.events.event(context, kind, details))
    };
    let saved = deps.changes.save_or_conflict(&change).await?;
    let renamed = Device {
        name,
        ..device.clone()
    };
    Ok(saved.map(|()| DeviceViewContext::by(context).view(&renamed)))
}

fn device_of(context: &RequestContext, id: DeviceId) -> Result<&Device, Error> {
    let device = context.user.account.device(id);
    device.ok_or(Error::DeviceNotFound)
}
