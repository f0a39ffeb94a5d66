//! `GetMethodSettings`: everything that a settings page shows, in one call.

use crate::app::{
    CallerRequest, DeviceViews, Error, MethodView, context::RequestContext,
    dependencies::MethodDependencies,
};
use countersign_domain::{
    account::DefaultMethod, challenge::Purpose, decisions::settings::MethodKindStatus,
    method::MethodKind, policy::SecondFactorRequirement, recovery::RecoverySet,
};

/// The content of a settings page.
pub struct MethodSettings {
    /// Whether the account has a second factor.
    pub two_factor_enabled: bool,
    /// Every method kind, and what the user can do with it.
    pub kinds: Vec<MethodKindStatus>,
    /// The enrolled methods, oldest first.
    pub methods: Vec<MethodView>,
    /// The method that sign-ins ask for first.
    pub default: Option<DefaultMethod>,
    /// The remaining recovery codes or the key; `None` if there are none.
    pub recovery: Option<RecoverySet>,
    /// Whether the policy lets users change their methods.
    pub changes_allowed: bool,
    /// Whether the policy forbids users to change the default method.
    pub default_locked: bool,
    /// Whether the policy requires a second factor; `None` if that depends on the user's groups and they are unknown.
    pub requirement: Option<SecondFactorRequirement>,
    /// The recognized devices.
    pub devices: DeviceViews,
}

/// Reads everything that a settings page shows.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn get_method_settings(
    deps: &MethodDependencies,
    call: CallerRequest,
) -> Result<MethodSettings, Error> {
    let context = deps.requests.read(call).await?;
    // If the challenge store is unavailable, the page omits the pending enrollment.
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

/// The kind of the enrollment that is waiting for its code, unless a change has voided it.
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
