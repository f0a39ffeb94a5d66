//! `TrustDevice`: devices may skip the second factor from now on, if the proof lets them.

use crate::app::{
    Call, Confirmation, Error, GivenProof, Replay, RequestContext,
    call::Shown,
    dependencies::DeviceDependencies,
    list_devices::{DeviceView, Seen},
};
use countersign_domain::{
    account::Account,
    action::{Action, TrustedDevices},
    change::{Change, Made, Write},
    device::{Device, Trust, TrustTerms},
    event::{EventKind, Facts},
    message::{Notice, NoticeKind},
    refusal::Refusal,
    revert::Did,
    time::Timestamp,
};
use std::{sync::Arc, time::Duration};

/// Devices as they are once they are trusted, and who hears of it.
pub struct TrustUpdate {
    /// The devices.
    pub devices: Vec<DeviceView>,
    /// Where the news went, masked.
    pub confirmations: Vec<Confirmation>,
}

/// Trusts devices. Tells who hears of it.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn trust_device(
    deps: &Arc<DeviceDependencies>,
    call: Call,
    devices: TrustedDevices,
    proof: GivenProof,
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

fn trusted_before(repeat: &Replay, devices: &TrustedDevices) -> Result<TrustUpdate, Error> {
    let chosen = devices_of(&repeat.context.user.account, devices)?;
    Ok(TrustUpdate {
        devices: Seen::by(&repeat.context).views(&chosen),
        confirmations: repeat.shown.confirmations.clone(),
    })
}

async fn trust(
    deps: &DeviceDependencies,
    context: &RequestContext,
    devices: &TrustedDevices,
    proof: &GivenProof,
) -> Result<Option<TrustUpdate>, Error> {
    let RequestContext { user, now, .. } = context;
    let account = &user.account;
    let chosen = devices_of(account, devices)?;
    let until = now.plus(trust_life(context)?);
    let facts = Facts::none().with("device_ids", devices);
    let trusted = devices.ids().to_vec();
    let action = Action::TrustDevice(devices.clone());
    let spend = deps
        .authorization
        .authorize(context, &action, proof)
        .await?;
    let notice = Notice::of(NoticeKind::DeviceTrusted, *now);
    let (news, revertible) = deps.notices.revertible_news(user, [], notice, Did::Trust)?;
    let shown = Shown::of_confirmations(news.confirmations);
    let kind = EventKind::DeviceTrusted;
    let change = Change {
        spends: vec![spend],
        writes: vec![Write::TrustDevices(trusted, until), revertible],
        notices: news.notices,
        receipt: deps.idempotency.record(context, Made::Nothing, &shown),
        ..context.change(deps.events.event(context, kind, facts))
    };
    let saved = deps.changes.save_or_conflict(&change).await?;
    Ok(saved.map(|()| TrustUpdate {
        devices: Seen::by(context).views(&now_trusted(context, chosen, until)),
        confirmations: shown.confirmations,
    }))
}

/// How long trust lives, where the policy has it and there is a second factor to skip.
fn trust_life(context: &RequestContext) -> Result<Duration, Error> {
    let rules = &context.user.policy.rules;
    if !context.user.account.is_protected(rules) {
        return Err(Refusal::TwoFactorOff.into());
    }
    let terms = TrustTerms::of(rules).ok_or(Refusal::TrustNotAllowed)?;
    Ok(terms.life)
}

fn now_trusted(context: &RequestContext, devices: Vec<Device>, until: Timestamp) -> Vec<Device> {
    let trust = Trust::Given {
        at: context.now,
        until,
        epoch: context.user.account.epoch,
    };
    let devices = devices.into_iter();
    devices.map(|device| Device { trust, ..device }).collect()
}

/// All of them, or none.
fn devices_of(account: &Account, devices: &TrustedDevices) -> Result<Vec<Device>, Error> {
    let found = devices.ids().iter().map(|id| account.device(*id).cloned());
    let found: Option<Vec<Device>> = found.collect();
    found.ok_or(Error::DeviceNotFound)
}
