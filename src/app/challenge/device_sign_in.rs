//! Evaluates the device token of a sign-in: trusted device, unknown or untrusted device, or reused token.

use crate::app::{
    Error, SignInRequest,
    challenge::sign_in::{AllowedSignIn, allowed_details, claims_of_allowed, need},
    context::{CallContext, ReplayedCall, RequestContext},
    dependencies::ChallengeDependencies,
    notices::ChangeNotice,
    replayed_response::ReplayedResponse as Showing,
};
use countersign_domain::{
    account::change::{
        AccountChange, AccountWriteOp, ChangeBase, CreatedResource, IdempotencyRecord,
        TokenRotation,
    },
    audit_event::{AuditDetails, AuditEventKind},
    authorization::caller::Audience,
    decisions::sign_in::{SecondFactorExemption, SignInRequirement},
    device::{Device, DeviceRecognition, DeviceToken, DeviceTrustTerms, recognize_device},
    notice::message::{Notice, NoticeKind},
    value::{id::DeviceId, time::Timestamp},
};
use std::sync::Arc;

/// What a sign-in requires after its device token was evaluated.
pub(crate) enum DeviceSignIn {
    /// The sign-in is allowed without a second factor.
    Allowed(AllowedSignIn),
    /// The sign-in requires a second factor.
    NeedsChallenge(Box<RequestContext>),
    /// The user must enroll a method first.
    NeedsEnrollment(Box<RequestContext>),
}

/// The requirement when device trust exempts a sign-in from the second factor.
const REQUIRED_WITHOUT_TRUST: SignInRequirement =
    SignInRequirement::Nothing(SecondFactorExemption::TrustedDevice);

/// Loads the user, recognizes the device and decides what the sign-in requires. A trusted device receives a new token.
/// A reused token ends its series, and the user is notified (A24).
pub(crate) async fn check_device_token(
    deps: &ChallengeDependencies,
    call: &Arc<CallContext>,
    request: &SignInRequest,
) -> Result<DeviceSignIn, Error> {
    deps.requests
        .once(
            call,
            |repeat| repeated_sign_in(deps, repeat, request),
            |context| ask(deps, context, request),
        )
        .await
}

/// Returns `None` after a write conflict, or if a reused token ended its series: decide the sign-in again.
async fn ask(
    deps: &ChallengeDependencies,
    context: RequestContext,
    request: &SignInRequest,
) -> Result<Option<DeviceSignIn>, Error> {
    let RequestContext { call, user, now } = &context;
    let (account, now) = (&user.account, *now);
    let terms = DeviceTrustTerms::of(&user.policy.rules);
    let token = call.client.device_token.as_ref();
    match recognize_device(token, &account.devices, terms, account.epoch, now) {
        DeviceRecognition::Trusted(device) if need(user, true, now)? == REQUIRED_WITHOUT_TRUST => {
            let allowed = rotate(deps, &context, device, request).await?;
            Ok(allowed.map(DeviceSignIn::Allowed))
        }
        DeviceRecognition::Reused(device) => {
            end_series(deps, &context, device).await?;
            Ok(None)
        }
        DeviceRecognition::Stranger
        | DeviceRecognition::Recognized(_)
        | DeviceRecognition::Trusted(_) => match need(user, false, now)? {
            SignInRequirement::Nothing(pass) => allow(deps, &context, pass, request).await,
            SignInRequirement::Challenge => {
                Ok(Some(DeviceSignIn::NeedsChallenge(Box::new(context))))
            }
            SignInRequirement::Enrollment => {
                Ok(Some(DeviceSignIn::NeedsEnrollment(Box::new(context))))
            }
        },
    }
}

/// Records that the sign-in is allowed. With a request id, the event is saved with the idempotency record, so a repeat
/// records nothing. Returns `None` after a write conflict.
async fn allow(
    deps: &ChallengeDependencies,
    context: &RequestContext,
    pass: SecondFactorExemption,
    request: &SignInRequest,
) -> Result<Option<DeviceSignIn>, Error> {
    let RequestContext { call, user, now } = context;
    let audience = call.audience(&request.audience)?;
    let details = allowed_details(pass, request.first_factor, &audience);
    let event = deps
        .events
        .event(context, AuditEventKind::SignInAllowed, details);
    if call.idempotency.is_some() {
        let idempotency_record =
            deps.idempotency
                .record(context, CreatedResource::Nothing, &Showing::default());
        let change = AccountChange {
            base: ChangeBase::Epoch(user.account.epoch),
            idempotency_record,
            ..context.change(event)
        };
        if deps.changes.save_or_conflict(&change).await?.is_none() {
            return Ok(None);
        }
    } else {
        deps.accounts.record(&event).await?;
    }
    let allowed = allowed_without_device(deps, call, pass, &audience, *now);
    Ok(Some(DeviceSignIn::Allowed(allowed)))
}

/// Gives a trusted device its next token. Returns `None` if the token or the trust changed meanwhile.
async fn rotate(
    deps: &ChallengeDependencies,
    context: &RequestContext,
    device: &Device,
    request: &SignInRequest,
) -> Result<Option<AllowedSignIn>, Error> {
    const NO_TOKEN: Error = Error::Defect("a device is trusted, but the call has no device token");
    let RequestContext { call, user, now } = context;
    let audience = call.audience(&request.audience)?;
    let shown = call.device_token_hash().ok_or(NO_TOKEN)?;
    let idempotency_key = call.idempotency;
    let what = idempotency_key.map_or_else(
        || deps.randomness.bytes(),
        |idempotency_key| idempotency_key.key_digest,
    );
    let token = token_for(deps, device.id, what)?;
    let pass = SecondFactorExemption::TrustedDevice;
    let details =
        allowed_details(pass, request.first_factor, &audience).with("device_id", device.id);
    let rotation = TokenRotation {
        device: device.id,
        shown,
        given: token.hash(),
        series: token.series(),
    };
    let event = deps
        .events
        .event(context, AuditEventKind::SignInAllowed, details);
    let created = CreatedResource::TokenOf(device.id);
    let change = AccountChange {
        base: ChangeBase::Epoch(user.account.epoch),
        writes: vec![AccountWriteOp::RotateToken(rotation)],
        idempotency_record: deps
            .idempotency
            .record(context, created, &Showing::default()),
        ..context.change(event)
    };
    let saved = deps.changes.save_or_conflict(&change).await?;
    Ok(saved.map(|()| allowed(deps, call, &audience, Some(token), *now)))
}

/// Answers a repeat of an allowed sign-in. It is allowed again while its reason still holds. A device receives the same
/// token while that token is current.
async fn repeated_sign_in(
    deps: &ChallengeDependencies,
    repeat: ReplayedCall,
    request: &SignInRequest,
) -> Result<DeviceSignIn, Error> {
    let ReplayedCall {
        context, record, ..
    } = repeat;
    let RequestContext { call, user, now } = &context;
    let account = &user.account;
    let terms = DeviceTrustTerms::of(&user.policy.rules);
    let device = match record.created {
        CreatedResource::TokenOf(id) => account.device(id),
        CreatedResource::Nothing | CreatedResource::Challenge(_) | CreatedResource::Method(_) => {
            None
        }
    };
    let trusted =
        device.filter(|device| device.trusted_until(terms, account.epoch, *now).is_some());
    let spared = need(user, true, *now)? == REQUIRED_WITHOUT_TRUST;
    let Some(device) = trusted.filter(|_| spared) else {
        return repeated_sign_in_without_device(deps, context, &record, request).await;
    };
    let token = token_for(deps, device.id, record.idempotency_key.key_digest)?;
    let token = Some(token).filter(|token| device.holds(token.hash()));
    let audience = call.audience(&request.audience)?;
    let allowed = allowed(deps, call, &audience, token, record.at);
    Ok(DeviceSignIn::Allowed(allowed))
}

/// Answers a repeat without a trusted device. If the first call was allowed by device trust, the sign-in now has
/// another reason, which is recorded here.
async fn repeated_sign_in_without_device(
    deps: &ChallengeDependencies,
    context: RequestContext,
    record: &IdempotencyRecord,
    request: &SignInRequest,
) -> Result<DeviceSignIn, Error> {
    let RequestContext { call, user, now } = &context;
    let pass = match need(user, false, *now)? {
        SignInRequirement::Nothing(pass) => pass,
        SignInRequirement::Challenge => return Ok(DeviceSignIn::NeedsChallenge(Box::new(context))),
        SignInRequirement::Enrollment => {
            return Ok(DeviceSignIn::NeedsEnrollment(Box::new(context)));
        }
    };
    let audience = call.audience(&request.audience)?;
    if record.created != CreatedResource::Nothing {
        let details = allowed_details(pass, request.first_factor, &audience);
        let event = deps
            .events
            .event(&context, AuditEventKind::SignInAllowed, details);
        deps.accounts.record(&event).await?;
    }
    let allowed = allowed_without_device(deps, call, pass, &audience, record.at);
    Ok(DeviceSignIn::Allowed(allowed))
}

/// Removes a device whose token was reused, and notifies its user. After a write conflict, the next load detects the
/// reuse again.
async fn end_series(
    deps: &ChallengeDependencies,
    context: &RequestContext,
    device: &Device,
) -> Result<(), Error> {
    let notice = Notice::of(NoticeKind::DeviceTokenReused, context.now);
    let ChangeNotice { notices, .. } = deps.notices.change_notice(&context.user, [], &notice)?;
    let details = AuditDetails::none().with("device_id", device.id);
    let kind = AuditEventKind::DeviceTokenReused;
    let change = AccountChange {
        writes: vec![AccountWriteOp::ForgetDevice(device.id)],
        notices,
        ..context.change(deps.events.event(context, kind, details))
    };
    deps.changes.save_or_conflict(&change).await.map(drop)
}

fn allowed_without_device(
    deps: &ChallengeDependencies,
    call: &CallContext,
    pass: SecondFactorExemption,
    audience: &Audience,
    at: Timestamp,
) -> AllowedSignIn {
    let claims = claims_of_allowed(deps, call, pass, audience, at);
    AllowedSignIn {
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
) -> AllowedSignIn {
    let pass = SecondFactorExemption::TrustedDevice;
    let claims = claims_of_allowed(deps, call, pass, audience, at);
    AllowedSignIn {
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
