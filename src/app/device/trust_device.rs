//! `TrustDevice`: lets devices skip the second factor, if the proof authorizes it.

use crate::app::{
    CallerRequest, Error, QueuedNoticeSummary, SubmittedProof,
    context::{ReplayedCall, RequestContext},
    dependencies::DeviceDependencies,
    device::list_devices::{DeviceView, DeviceViewContext},
    replayed_response::ReplayedResponse,
};
use countersign_domain::{
    account::{
        Account,
        change::{AccountChange, AccountWriteOp, CreatedResource},
    },
    audit_event::{AuditDetails, AuditEventKind},
    authorization::action::{Action, TrustedDevices},
    device::{Device, DeviceTrust, DeviceTrustTerms},
    notice::message::{Notice, NoticeKind},
    refusal::Refusal,
    revert::RevertibleChange,
    value::time::Timestamp,
};
use std::{sync::Arc, time::Duration};

/// Devices after they became trusted, and where notices were queued.
pub struct TrustUpdate {
    /// The trusted devices.
    pub devices: Vec<DeviceView>,
    /// Where notices were queued, masked.
    pub queued_notices: Vec<QueuedNoticeSummary>,
}

/// Trusts devices. Returns where notices were queued.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn trust_device(
    deps: &Arc<DeviceDependencies>,
    call: CallerRequest,
    devices: TrustedDevices,
    proof: SubmittedProof,
) -> Result<TrustUpdate, Error> {
    let (asked, devices, proof) = (devices.clone(), Arc::new(devices), Arc::new(proof));
    deps.requests
        .run_once(
            deps,
            call,
            move |_, repeat| {
                let trusted = trusted_before(&repeat, &asked);
                async { trusted }
            },
            move |deps, context| {
                let (devices, proof) = (Arc::clone(&devices), Arc::clone(&proof));
                async move { trust(&deps, &context, &devices, &proof).await }
            },
        )
        .await
}

fn trusted_before(repeat: &ReplayedCall, devices: &TrustedDevices) -> Result<TrustUpdate, Error> {
    let selected = devices_of(&repeat.context.user.account, devices)?;
    Ok(TrustUpdate {
        devices: DeviceViewContext::by(&repeat.context).views(&selected),
        queued_notices: repeat.response.queued_notices.clone(),
    })
}

async fn trust(
    deps: &DeviceDependencies,
    context: &RequestContext,
    devices: &TrustedDevices,
    proof: &SubmittedProof,
) -> Result<Option<TrustUpdate>, Error> {
    let RequestContext { user, now, .. } = context;
    let account = &user.account;
    let selected = devices_of(account, devices)?;
    let until = now.plus(trust_lifetime(context)?);
    let details = AuditDetails::none().with("device_ids", devices);
    let trusted = devices.ids().to_vec();
    let action = Action::TrustDevice(devices.clone());
    let consumed_proof = deps
        .authorization
        .authorize(context, &action, proof)
        .await?;
    let notice = Notice::of(NoticeKind::DeviceTrusted, *now);
    let (change_notice, revertible) =
        deps.notices
            .revertible_notice(user, [], notice, RevertibleChange::Trust)?;
    let response = ReplayedResponse::with_queued_notices(change_notice.queued_notices);
    let kind = AuditEventKind::DeviceTrusted;
    let change = AccountChange {
        consumed_proofs: vec![consumed_proof],
        writes: vec![AccountWriteOp::TrustDevices(trusted, until), revertible],
        notices: change_notice.notices,
        idempotency_record: deps
            .idempotency
            .record(context, CreatedResource::Nothing, &response),
        ..context.change(deps.events.event(context, kind, details))
    };
    let saved = deps.changes.save_or_conflict(&change).await?;
    Ok(saved.map(|()| TrustUpdate {
        devices: DeviceViewContext::by(context).views(&now_trusted(context, selected, until)),
        queued_notices: response.queued_notices,
    }))
}

/// The lifetime of trust, if the policy allows it and the user has a second factor to skip.
fn trust_lifetime(context: &RequestContext) -> Result<Duration, Error> {
    let rules = &context.user.policy.rules;
    if !context.user.account.is_protected(rules) {
        return Err(Refusal::TwoFactorOff.into());
    }
    let terms = DeviceTrustTerms::of(rules).ok_or(Refusal::TrustNotAllowed)?;
    Ok(terms.lifetime)
}

fn now_trusted(context: &RequestContext, devices: Vec<Device>, until: Timestamp) -> Vec<Device> {
    let trust = DeviceTrust::Given {
        at: context.now,
        until,
        epoch: context.user.account.epoch,
    };
    let devices = devices.into_iter();
    devices.map(|device| Device { trust, ..device }).collect()
}

/// All of the named devices; fails if one is unknown.
fn devices_of(account: &Account, devices: &TrustedDevices) -> Result<Vec<Device>, Error> {
    let found = devices.ids().iter().map(|id| account.device(*id).cloned());
    let found: Option<Vec<Device>> = found.collect();
    found.ok_or(Error::DeviceNotFound)
}
