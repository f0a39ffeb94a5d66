//! What a device's token says at a sign-in: that the user trusts the device, nothing, or that somebody copied it.

use crate::app::{
    CallContext, Error, Replay, RequestContext, SignInRequest,
    begin_sign_in::{Allowed, allowed_facts, claims_of_allowed, need},
    call::Shown as Showing,
    dependencies::ChallengeDependencies,
    notices::News,
};
use countersign_domain::{
    caller::Audience,
    change::{Base, Change, Made, Receipt, Rotation, Write},
    device::{Device, DeviceToken, Shown, TrustTerms, shown},
    event::{EventKind, Facts},
    id::DeviceId,
    message::{Notice, NoticeKind},
    sign_in::{Need, Pass},
    time::Timestamp,
};
use std::sync::Arc;

/// What a sign-in comes to.
pub(super) enum Asked {
    /// It goes on: the user trusts the device, or nothing more is needed.
    Allowed(Allowed),
    /// It needs a second factor.
    NeedsChallenge(Box<RequestContext>),
    /// It needs a method, before anything else.
    NeedsEnrollment(Box<RequestContext>),
}

/// What a sign-in needs that goes on because of the device.
const BY_TRUST: Need = Need::Nothing(Pass::TrustedDevice);

/// Loads the user, asks the device that the call comes from, and decides what the sign-in needs. One that is trusted
/// gets a new token in place of its own; a token whose successor was seen ends its series, and people are told (A24).
pub(super) async fn ask_device(
    deps: &ChallengeDependencies,
    call: &Arc<CallContext>,
    asked: &SignInRequest,
) -> Result<Asked, Error> {
    deps.requests
        .once(
            call,
            |repeat| asked_before(deps, repeat, asked),
            |context| ask(deps, context, asked),
        )
        .await
}

/// Nothing if another change got in the way, or the device's series had to end first.
async fn ask(
    deps: &ChallengeDependencies,
    context: RequestContext,
    asked: &SignInRequest,
) -> Result<Option<Asked>, Error> {
    let RequestContext { call, user, now } = &context;
    let (account, now) = (&user.account, *now);
    let terms = TrustTerms::of(&user.policy.rules);
    let token = call.client.device_token.as_ref();
    match shown(token, &account.devices, terms, account.epoch, now) {
        Shown::Trusted(device) if need(user, true, now)? == BY_TRUST => {
            let allowed = rotate(deps, &context, device, asked).await?;
            Ok(allowed.map(Asked::Allowed))
        }
        Shown::Reused(device) => {
            end_series(deps, &context, device).await?;
            Ok(None)
        }
        Shown::Stranger | Shown::Recognised(_) | Shown::Trusted(_) => {
            match need(user, false, now)? {
                Need::Nothing(pass) => allow(deps, &context, pass, asked).await,
                Need::Challenge => Ok(Some(Asked::NeedsChallenge(Box::new(context)))),
                Need::Enrollment => Ok(Some(Asked::NeedsEnrollment(Box::new(context)))),
            }
        }
    }
}

/// Records that the sign-in goes on: with a request id beside its idempotency record, so that a repeat records nothing.
/// Nothing if another change got in the way.
async fn allow(
    deps: &ChallengeDependencies,
    context: &RequestContext,
    pass: Pass,
    asked: &SignInRequest,
) -> Result<Option<Asked>, Error> {
    let RequestContext { call, user, now } = context;
    let audience = call.audience(&asked.audience)?;
    let facts = allowed_facts(pass, asked.first_factor, &audience);
    let event = deps.events.event(context, EventKind::SignInAllowed, facts);
    if call.idempotency.is_some() {
        let receipt = deps
            .idempotency
            .record(context, Made::Nothing, &Showing::default());
        let change = Change {
            base: Base::Epoch(user.account.epoch),
            receipt,
            ..context.change(event)
        };
        if deps.changes.save_or_conflict(&change).await?.is_none() {
            return Ok(None);
        }
    } else {
        deps.accounts.record(&event).await?;
    }
    let allowed = allowed_without_device(deps, call, pass, &audience, *now);
    Ok(Some(Asked::Allowed(allowed)))
}

/// Gives a trusted device its next token; nothing if that is not what it is any more.
async fn rotate(
    deps: &ChallengeDependencies,
    context: &RequestContext,
    device: &Device,
    asked: &SignInRequest,
) -> Result<Option<Allowed>, Error> {
    const NO_TOKEN: Error = Error::Defect("a device was trusted without a token");
    let RequestContext { call, user, now } = context;
    let audience = call.audience(&asked.audience)?;
    let shown = call.device_token_hash().ok_or(NO_TOKEN)?;
    let mark = call.idempotency;
    let what = mark.map_or_else(|| deps.randomness.bytes(), |mark| mark.tag);
    let token = token_for(deps, device.id, what)?;
    let pass = Pass::TrustedDevice;
    let facts = allowed_facts(pass, asked.first_factor, &audience).with("device_id", device.id);
    let rotation = Rotation {
        device: device.id,
        shown,
        given: token.hash(),
        series: token.series(),
    };
    let event = deps.events.event(context, EventKind::SignInAllowed, facts);
    let made = Made::TokenOf(device.id);
    let change = Change {
        base: Base::Epoch(user.account.epoch),
        writes: vec![Write::RotateToken(rotation)],
        receipt: deps.idempotency.record(context, made, &Showing::default()),
        ..context.change(event)
    };
    let saved = deps.changes.save_or_conflict(&change).await?;
    Ok(saved.map(|()| allowed(deps, call, &audience, Some(token), *now)))
}

/// This very call let the sign-in go on before, and it does so again while what let it go on holds: a device gets the same
/// token, while it has that.
async fn asked_before(
    deps: &ChallengeDependencies,
    repeat: Replay,
    asked: &SignInRequest,
) -> Result<Asked, Error> {
    let Replay {
        context, record, ..
    } = repeat;
    let RequestContext { call, user, now } = &context;
    let account = &user.account;
    let terms = TrustTerms::of(&user.policy.rules);
    let device = match record.made {
        Made::TokenOf(id) => account.device(id),
        Made::Nothing | Made::Challenge(_) | Made::Method(_) => None,
    };
    let trusted =
        device.filter(|device| device.trusted_until(terms, account.epoch, *now).is_some());
    let spared = need(user, true, *now)? == BY_TRUST;
    let Some(device) = trusted.filter(|_| spared) else {
        return asked_before_without_device(deps, context, &record, asked).await;
    };
    let token = token_for(deps, device.id, record.mark.tag)?;
    let token = Some(token).filter(|token| device.holds(token.hash()));
    let audience = call.audience(&asked.audience)?;
    let allowed = allowed(deps, call, &audience, token, record.at);
    Ok(Asked::Allowed(allowed))
}

/// The same without a device. What a device let go on goes on for another reason now, which no record tells yet.
async fn asked_before_without_device(
    deps: &ChallengeDependencies,
    context: RequestContext,
    record: &Receipt,
    asked: &SignInRequest,
) -> Result<Asked, Error> {
    let RequestContext { call, user, now } = &context;
    let pass = match need(user, false, *now)? {
        Need::Nothing(pass) => pass,
        Need::Challenge => return Ok(Asked::NeedsChallenge(Box::new(context))),
        Need::Enrollment => return Ok(Asked::NeedsEnrollment(Box::new(context))),
    };
    let audience = call.audience(&asked.audience)?;
    if record.made != Made::Nothing {
        let facts = allowed_facts(pass, asked.first_factor, &audience);
        let event = deps.events.event(&context, EventKind::SignInAllowed, facts);
        deps.accounts.record(&event).await?;
    }
    let allowed = allowed_without_device(deps, call, pass, &audience, record.at);
    Ok(Asked::Allowed(allowed))
}

/// Forgets a device whose token was copied, and tells its user. If another change was first, the next load tells.
async fn end_series(
    deps: &ChallengeDependencies,
    context: &RequestContext,
    device: &Device,
) -> Result<(), Error> {
    let notice = Notice::of(NoticeKind::DeviceTokenReused, context.now);
    let News { notices, .. } = deps.notices.news(&context.user, [], &notice)?;
    let facts = Facts::none().with("device_id", device.id);
    let kind = EventKind::DeviceTokenReused;
    let change = Change {
        writes: vec![Write::ForgetDevice(device.id)],
        notices,
        ..context.change(deps.events.event(context, kind, facts))
    };
    deps.changes.save_or_conflict(&change).await.map(drop)
}

fn allowed_without_device(
    deps: &ChallengeDependencies,
    call: &CallContext,
    pass: Pass,
    audience: &Audience,
    at: Timestamp,
) -> Allowed {
    let claims = claims_of_allowed(deps, call, pass, audience, at);
    Allowed {
        pass,
        assertion: deps.keys.sign(&claims),
        device_token: None,
    }
}

fn allowed(
    deps: &ChallengeDependencies,
    call: &CallContext,
    audience: &Audience,
    device_token: Option<DeviceToken>,
    at: Timestamp,
) -> Allowed {
    let pass = Pass::TrustedDevice;
    let claims = claims_of_allowed(deps, call, pass, audience, at);
    Allowed {
        pass,
        assertion: deps.keys.sign(&claims.on_trusted_device()),
        device_token,
    }
}

fn token_for(
    deps: &ChallengeDependencies,
    device: DeviceId,
    what: [u8; 16],
) -> Result<DeviceToken, Error> {
    let keys = &deps.keys;
    let token = keys.device_token(&keys.active(), device, what);
    token.ok_or(Error::Defect("the active key is not in the ring"))
}
