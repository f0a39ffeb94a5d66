//! `RevokeDevice` and `RevokeAllDevices`: end device trust, or remove a device that is not the user's.
//!
//! They require no proof beyond the caller's right, because they only take rights away. A user who lost a device,
//! perhaps with their only method, must be able to revoke it.

use crate::app::{
    CallerRequest, Error, QueuedNoticeSummary, context::RequestContext,
    dependencies::DeviceDependencies, notices::ChangeNotice, replayed_response::ReplayedResponse,
};
use countersign_domain::{
    account::change::{AccountChange, AccountWriteOp, CreatedResource},
    audit_event::{AuditDetails, AuditEventKind},
    notice::message::{Notice, NoticeKind},
    value::id::DeviceId,
};
use std::sync::Arc;

struct DeviceRevocation {
    write: AccountWriteOp,
    kind: AuditEventKind,
    details: AuditDetails,
    /// Whether the credential epoch grows.
    voids: bool,
}

/// Ends trust in a device. With `not_me`, removes the device and grows the credential epoch. Returns where notices were
/// queued.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn revoke_device(
    deps: &Arc<DeviceDependencies>,
    call: CallerRequest,
    device: DeviceId,
    not_me: bool,
) -> Result<Vec<QueuedNoticeSummary>, Error> {
    deps.requests
        .run_once(
            deps,
            call,
            |_, repeat| async { Ok(repeat.response.queued_notices) },
            move |deps, context| async move {
                let account = &context.user.account;
                account.device(device).ok_or(Error::DeviceNotFound)?;
                revoke(&deps, &context, DeviceRevocation::of(device, not_me)).await
            },
        )
        .await
}

/// Ends trust in all devices.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn revoke_all_devices(
    deps: &Arc<DeviceDependencies>,
    call: CallerRequest,
) -> Result<(), Error> {
    let revoked = deps.requests.run_once(
        deps,
        call,
        |_, _| async { Ok(Vec::new()) },
        |deps, context| async move { revoke(&deps, &context, DeviceRevocation::of_all()).await },
    );
    revoked.await.map(drop)
}

impl DeviceRevocation {
    fn of_all() -> Self {
        Self {
            write: AccountWriteOp::UntrustDevices,
            kind: AuditEventKind::AllDevicesRevoked,
            details: AuditDetails::none(),
            voids: false,
        }
    }

    fn of(device: DeviceId, not_me: bool) -> Self {
        let (write, kind) = if not_me {
            (
                AccountWriteOp::ForgetDevice(device),
                AuditEventKind::DeviceDisowned,
            )
        } else {
            (
                AccountWriteOp::UntrustDevice(device),
                AuditEventKind::DeviceRevoked,
            )
        };
        Self {
            write,
            kind,
            details: AuditDetails::none().with("device_id", device),
            voids: not_me,
        }
    }
}

async fn revoke(
    deps: &DeviceDependencies,
    context: &RequestContext,
    revocation: DeviceRevocation,
) -> Result<Option<Vec<QueuedNoticeSummary>>, Error> {
    let RequestContext { user, now, .. } = context;
    let epoch = user.account.epoch;
    let DeviceRevocation {
        write,
        kind,
        details,
        voids,
    } = revocation;
    let (epoch, change_notice) = if voids {
        let notice = Notice::of(NoticeKind::DeviceDisowned, *now);
        let mut change_notice = deps.notices.change_notice(user, [], &notice)?;
        let of_reset = deps.notices.ended_reset_notice(user, *now)?;
        change_notice.notices.extend(of_reset);
        (epoch.grown(), change_notice)
    } else {
        (epoch, ChangeNotice::default())
    };
    let response = ReplayedResponse::with_queued_notices(change_notice.queued_notices);
    let change = AccountChange {
        epoch,
        writes: vec![write],
        notices: change_notice.notices,
        idempotency_record: deps
            .idempotency
            .record(context, CreatedResource::Nothing, &response),
        ..context.change(deps.events.event(context, kind, details))
    };
    let saved = deps.changes.save_or_conflict(&change).await?;
    Ok(saved.map(|()| response.queued_notices))
}
