//! `RevokeDevice` and `RevokeAllDevices`: trust ends; of a device that is not the user's, everything does. They ask for no
//! proof beyond the caller's right: they only take away, and whoever lost a device, and perhaps their method with it, has
//! to be able to.

use crate::app::{
    Call, Confirmation, Error, RequestContext, call::Shown, dependencies::DeviceDependencies,
    notices::News,
};
use countersign_domain::{
    change::{Change, Made, Write},
    event::{EventKind, Facts},
    id::DeviceId,
    message::{Notice, NoticeKind},
};
use std::sync::Arc;

/// What is taken from whom.
struct Revocation {
    write: Write,
    kind: EventKind,
    facts: Facts,
    /// Whether all that was issued before is void.
    voids: bool,
}

/// Ends trust in a device; with `not_me`, forgets it and lets the epoch grow. Tells who hears of that.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn revoke_device(
    deps: &Arc<DeviceDependencies>,
    call: Call,
    device: DeviceId,
    not_me: bool,
) -> Result<Vec<Confirmation>, Error> {
    deps.requests
        .run_once(
            deps,
            call,
            |_, repeat| async { Ok(repeat.shown.confirmations) },
            move |deps, context| async move {
                let account = &context.user.account;
                account.device(device).ok_or(Error::DeviceNotFound)?;
                revoke(&deps, &context, Revocation::of(device, not_me)).await
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
    call: Call,
) -> Result<(), Error> {
    let revoked = deps.requests.run_once(
        deps,
        call,
        |_, _| async { Ok(Vec::new()) },
        |deps, context| async move { revoke(&deps, &context, Revocation::of_all()).await },
    );
    revoked.await.map(drop)
}

impl Revocation {
    fn of_all() -> Self {
        Self {
            write: Write::UntrustDevices,
            kind: EventKind::AllDevicesRevoked,
            facts: Facts::none(),
            voids: false,
        }
    }

    fn of(device: DeviceId, not_me: bool) -> Self {
        let (write, kind) = if not_me {
            (Write::ForgetDevice(device), EventKind::DeviceDisowned)
        } else {
            (Write::UntrustDevice(device), EventKind::DeviceRevoked)
        };
        Self {
            write,
            kind,
            facts: Facts::none().with("device_id", device),
            voids: not_me,
        }
    }
}

async fn revoke(
    deps: &DeviceDependencies,
    context: &RequestContext,
    revocation: Revocation,
) -> Result<Option<Vec<Confirmation>>, Error> {
    let RequestContext { user, now, .. } = context;
    let epoch = user.account.epoch;
    let Revocation {
        write,
        kind,
        facts,
        voids,
    } = revocation;
    let (epoch, news) = if voids {
        let notice = Notice::of(NoticeKind::DeviceDisowned, *now);
        let mut news = deps.notices.news(user, [], &notice)?;
        let of_reset = deps.notices.news_of_ended_reset(user, *now)?;
        news.notices.extend(of_reset);
        (epoch.grown(), news)
    } else {
        (epoch, News::default())
    };
    let shown = Shown::of_confirmations(news.confirmations);
    let change = Change {
        epoch,
        writes: vec![write],
        notices: news.notices,
        receipt: deps.idempotency.record(context, Made::Nothing, &shown),
        ..context.change(deps.events.event(context, kind, facts))
    };
    let saved = deps.changes.save_or_conflict(&change).await?;
    Ok(saved.map(|()| shown.confirmations))
}
