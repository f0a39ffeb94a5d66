//! `SimulatePolicy`: reports step by step how another policy would affect each user of a tenant.

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

/// Users that one step reads.
const USERS_PER_STEP: u32 = 200;

/// Larger tenants are not counted, because counting would take too long.
const COUNTED_USERS: u32 = 100_000;

/// The policy to simulate.
pub struct SimulationRequest {
    /// The new values.
    pub layer: PolicyOverride,
    /// The fields to take from `layer`; other fields keep their current values.
    pub fields: Vec<PolicyField>,
    /// The token of an interrupted simulation; empty to start.
    pub page_token: String,
}

/// A running simulation. Between its steps it holds no users and no connection.
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

/// The result of one step.
pub struct SimulationStep {
    /// The users of this step whom the policy would affect.
    pub users: Vec<SimulatedUser>,
    /// The counts so far.
    pub totals: SimulationCounts,
    /// The number of users in the tenant; `None` if it has more than 100,000.
    pub total: Option<u32>,
    /// The token that continues from here; `None` after the last step.
    pub next: Option<String>,
}

/// A user whom the policy would affect.
pub struct SimulatedUser {
    /// The user's id.
    pub user: UserId,
    /// How the policy would affect the user.
    pub effects: Vec<SimulationOutcome>,
    /// The date by which the user would have to enroll.
    pub enroll_by: Option<Timestamp>,
}

/// Starts to simulate the tenant's policy with some fields changed.
///
/// # Errors
/// [`Error::PolicyConflict`] if the policy would contradict itself.
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

/// Evaluates the next users. Nothing is read ahead, so the scan stops when the caller stops asking.
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

/// Counts a user. Returns the user if the policy would affect them.
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
