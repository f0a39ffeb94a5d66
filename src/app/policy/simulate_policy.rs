//! `SimulatePolicy`: what another policy would do to each user of a tenant, told step by step before it is decided.

use crate::{
    app::{
        Error, dependencies::PolicyDependencies, page_tokens::SimulationCursor,
        policy::update_policy::decided,
    },
    ports::DirectoryScan,
};
use countersign_domain::{
    account::{
        Account,
        directory::{DirectoryProjection, UserIdPrefix},
    },
    decisions::simulation::{SimulationCounts, SimulationOutcome, SimulationTrial},
    policy::{Policy, PolicyField, PolicyOverride},
    value::{
        id::{TenantId, UserId},
        time::Timestamp,
    },
};

/// How many users a step looks at.
const USERS_PER_STEP: u32 = 200;

/// A tenant with more users is not counted: that would take longer than it is worth.
const COUNTED_USERS: u32 = 100_000;

/// Which policy is tried.
pub struct SimulationRequest {
    /// The new values.
    pub layer: PolicyOverride,
    /// Which of them are tried; the others stay as they were decided.
    pub fields: Vec<PolicyField>,
    /// Where a simulation before was cut short; empty to begin.
    pub page_token: String,
}

/// A simulation on its way. It holds no user and no connection between its steps.
pub struct PolicySimulation {
    tenant: TenantId,
    layer: PolicyOverride,
    before: Policy,
    after: Policy,
    total: Option<u32>,
    last: Option<UserId>,
    totals: SimulationCounts,
    now: Timestamp,
}

/// What a step found.
pub struct SimulationStep {
    /// The users to whom the policy would do something.
    pub users: Vec<SimulatedUser>,
    /// What it came to so far.
    pub totals: SimulationCounts,
    /// How many users there are, where that is cheap to know.
    pub total: Option<u32>,
    /// What goes on from here; nothing if this was the last step.
    pub next: Option<String>,
}

/// A user to whom the policy would do something.
pub struct SimulatedUser {
    /// Who.
    pub user: UserId,
    /// What.
    pub effects: Vec<SimulationOutcome>,
    /// By when they would have to have enrolled.
    pub enroll_by: Option<Timestamp>,
}

/// Begins to try a policy: the tenant's, with some values otherwise.
///
/// # Errors
/// [`Error::PolicyConflict`] if it would contradict itself.
pub(crate) async fn begin_simulation(
    deps: &PolicyDependencies,
    tenant: TenantId,
    request: SimulationRequest,
) -> Result<PolicySimulation, Error> {
    deps.requests.readiness.pass()?;
    let (present, _) = deps.accounts.policy(&tenant, None).await?;
    let layer = decided(&present.layer, &request.layer, &request.fields);
    let before = deps.policies.merge(&present.layer);
    let after = deps.policies.merge(&layer);
    let conflicts = after.rules.conflicts();
    if !conflicts.is_empty() {
        return Err(Error::PolicyConflict(conflicts));
    }
    let previous_page = deps
        .page_tokens
        .end_of_simulation(&tenant, &layer, &request.page_token)?;
    let totals = previous_page.as_ref().map(|page| page.totals);
    let _permit = deps.scans.permit()?;
    Ok(PolicySimulation {
        total: deps.accounts.count_users(&tenant, COUNTED_USERS).await?,
        now: deps.requests.clock.now(),
        tenant,
        layer,
        before,
        after,
        last: previous_page.map(|page| page.last_user),
        totals: totals.unwrap_or_default(),
    })
}

/// Looks at the next users. Nothing is read ahead: a caller that stops asking stops the scan.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn simulate_further(
    deps: &PolicyDependencies,
    simulation: &mut PolicySimulation,
) -> Result<SimulationStep, Error> {
    deps.requests.readiness.pass()?;
    let scan = DirectoryScan {
        tenant: simulation.tenant.clone(),
        prefix: UserIdPrefix::default(),
        after: simulation.last.clone(),
        projections: vec![DirectoryProjection::Anyone],
        at_most: USERS_PER_STEP,
        now: simulation.now,
    };
    let scanned = deps.scans.scan(&scan).await?;
    let is_last = u32::try_from(scanned.len()).is_ok_and(|count| count < USERS_PER_STEP);
    let mut users = Vec::new();
    for one in scanned {
        if let Some(account) = one.account {
            users.extend(try_on(deps, simulation, &account)?);
        }
        simulation.last = Some(one.user);
    }
    let last_user = simulation.last.clone().filter(|_| !is_last);
    let end = last_user.map(|last_user| SimulationCursor {
        last_user,
        totals: simulation.totals,
    });
    let (tenant, layer) = (&simulation.tenant, &simulation.layer);
    Ok(SimulationStep {
        users,
        totals: simulation.totals,
        total: simulation.total,
        next: end.map(|end| deps.page_tokens.simulation_token(tenant, layer, &end)),
    })
}

/// Counts a user, and tells of them if the policy would do something to them.
fn try_on(
    deps: &PolicyDependencies,
    simulation: &mut PolicySimulation,
    account: &Account,
) -> Result<Option<SimulatedUser>, Error> {
    let profile_record = deps.sealing.profile_record(account)?;
    let trial = SimulationTrial {
        account,
        profile: &profile_record.profile,
        before: &simulation.before,
        after: &simulation.after,
        served: deps.notifier.served(),
        now: simulation.now,
    };
    let (effects, enroll_by) = trial.effects();
    simulation.totals.count(&effects);
    let user = account.subject.user.clone();
    Ok((!effects.is_empty()).then_some(SimulatedUser {
        user,
        effects,
        enroll_by,
    }))
}
