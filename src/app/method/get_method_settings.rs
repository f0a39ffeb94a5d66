//! `GetMethodSettings`: the whole settings page in one call.

use crate::app::{
    CallerRequest, DeviceViews, Error, MethodView, context::RequestContext,
    dependencies::MethodDependencies,
};
use countersign_domain::{
    account::DefaultMethod, challenge::Purpose, decisions::settings::MethodKindStatus,
    method::MethodKind, policy::SecondFactorRequirement, recovery::RecoverySet,
};

/// The settings page.
pub struct MethodSettings {
    /// Whether a second factor is asked for.
    pub two_factor_enabled: bool,
    /// Every kind, and what the user can do with it.
    pub kinds: Vec<MethodKindStatus>,
    /// The enrolled methods, oldest first.
    pub methods: Vec<MethodView>,
    /// The method to be asked for first.
    pub default: Option<DefaultMethod>,
    /// What is left of the recovery codes.
    pub recovery: Option<RecoverySet>,
    /// Whether the user may change methods that they have.
    pub changes_allowed: bool,
    /// Whether the user has to leave the default as it is.
    pub default_locked: bool,
    /// Whether a second factor is required; nothing where that takes groups that are not known.
    pub requirement: Option<SecondFactorRequirement>,
    /// The devices that are known.
    pub devices: DeviceViews,
}

/// The whole settings page.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn get_method_settings(
    deps: &MethodDependencies,
    call: CallerRequest,
) -> Result<MethodSettings, Error> {
    let context = deps.requests.read(call).await?;
    // The page is worth more than that one line of it, where Redis is away.
    let pending = match pending_kind(deps, &context).await {
        Err(Error::Unavailable(_)) => None,
        known => known?,
    };
    let user = &context.user;
    let (account, rules) = (&user.account, &user.policy.rules);
    let requirement = rules.requirement(account, user.profile(), context.now);
    Ok(MethodSettings {
        two_factor_enabled: account.two_factor_enabled(),
        kinds: deps.views.kinds(user, pending),
        methods: deps.views.all(account, &user.policy)?,
        default: account.default_method(deps.views.sign_in_terms(&user.policy)),
        recovery: account.recovery.clone().filter(|_| rules.has_recovery()),
        changes_allowed: rules.users_may_change,
        default_locked: rules.default_locked,
        requirement: requirement.ok(),
        devices: DeviceViews::of(&context),
    })
}

/// The kind of the enrollment that waits for its code, unless a change has voided it.
async fn pending_kind(
    deps: &MethodDependencies,
    context: &RequestContext,
) -> Result<Option<MethodKind>, Error> {
    let RequestContext { call, user, now } = context;
    let pending = deps.challenges.pending_enrollment(call.subject_tag, *now);
    let Some(snapshot) = pending.await? else {
        return Ok(None);
    };
    let challenge = deps
        .sealing
        .open_challenge(call.subject_tag, snapshot.id, &snapshot.sealed)?;
    let live = challenge.epoch == user.account.epoch
        && matches!(challenge.purpose, Purpose::Enrollment(_));
    Ok(challenge.expected_answer.kind().filter(|_| live))
}
