//! Handlers of `PolicyService`.

use crate::{
    app::{self, App, PolicySimulation, SimulationStep},
    grpc::{
        RpcResult,
        entry::{CallParties, RequestIdFields, enter},
        policy::{convert, parse, simulation},
    },
};
use countersign_domain::authorization::caller::CallerRight;
use countersign_proto::v1::{self as pb, policy_service_server::PolicyService};
use countersign_transport::{
    edge::CallDeadline,
    status::{deadline_passed, defect},
};
use futures_util::{FutureExt, stream, stream::BoxStream};
use std::{panic::AssertUnwindSafe, sync::Arc};
use tokio::time::timeout_at;
use tonic::{Request, Response, Status};

/// Serves `PolicyService`.
pub struct PolicyHandlers {
    /// The use cases.
    pub app: Arc<App>,
}

#[tonic::async_trait]
impl PolicyService for PolicyHandlers {
    type SimulatePolicyStream = BoxStream<'static, Result<pb::SimulatePolicyResponse, Status>>;

    /// Each step runs when its message can be sent. So a slow caller delays the scan, and a caller who goes away ends
    /// it.
    async fn simulate_policy(
        &self,
        request: Request<pb::SimulatePolicyRequest>,
    ) -> RpcResult<Self::SimulatePolicyStream> {
        let ends = request.extensions().get::<CallDeadline>().copied();
        let (caller, message) = enter(request, CallerRight::PolicyService)?;
        let tenant = caller.tenant(&message.tenant_id)?;
        let parsed = parse::simulation(message)?;
        let simulation = app::begin_simulation(&self.app.policy, tenant, parsed).await?;
        let app = Arc::clone(&self.app);
        let steps = stream::try_unfold(Some(simulation), move |left| {
            let app = Arc::clone(&app);
            async move {
                let Some(mut simulation) = left else {
                    return Ok(None);
                };
                let step = step(&app, &mut simulation, ends).await?;
                let left = step.next.is_some().then_some(simulation);
                Ok(Some((simulation::simulated(step), left)))
            }
        });
        Ok(Response::new(Box::pin(steps)))
    }

    async fn get_policy(
        &self,
        request: Request<pb::GetPolicyRequest>,
    ) -> RpcResult<pb::GetPolicyResponse> {
        let (caller, message) = enter(request, CallerRight::PolicyService)?;
        let pb::GetPolicyRequest { tenant_id } = message;
        let view = app::get_policy(&self.app.policy, caller.tenant(&tenant_id)?).await?;
        Ok(Response::new(pb::GetPolicyResponse {
            policy: Some(convert::decided(&view)),
            effective: Some(convert::effective(&view.tenant, &view.effective)),
        }))
    }

    async fn update_policy(
        &self,
        request: Request<pb::UpdatePolicyRequest>,
    ) -> RpcResult<pb::UpdatePolicyResponse> {
        let (caller, message) = enter(request, CallerRight::PolicyService)?;
        let request_id_fields = RequestIdFields::new("UpdatePolicy", &message.request_id, &message);
        let pb::UpdatePolicyRequest {
            tenant_id,
            request_id: _,
            policy,
            update_mask,
            acting_user_id,
            reason,
        } = message;
        let call = caller.call(
            CallParties::actor(&tenant_id, &acting_user_id),
            Some(request_id_fields),
        )?;
        let update = parse::policy_update(policy, update_mask.as_ref(), &reason)?;
        let view = app::update_policy(&self.app.policy, call, update).await?;
        Ok(Response::new(pb::UpdatePolicyResponse {
            policy: Some(convert::decided(&view)),
            effective: Some(convert::effective(&view.tenant, &view.effective)),
            warnings: view.warnings,
        }))
    }

    async fn explain_policy(
        &self,
        request: Request<pb::ExplainPolicyRequest>,
    ) -> RpcResult<pb::ExplainPolicyResponse> {
        let (caller, message) = enter(request, CallerRight::PolicyService)?;
        let pb::ExplainPolicyRequest { tenant_id, user_id } = message;
        let tenant = caller.tenant(&tenant_id)?;
        let explanation = if user_id.is_empty() {
            app::explain_policy(&self.app.policy, tenant.clone()).await?
        } else {
            let call = caller.call(CallParties::new(&tenant_id, &user_id), None)?;
            app::explain_policy_for_user(&self.app.policy, call).await?
        };
        Ok(Response::new(convert::explanation(&tenant, explanation)))
    }
}

/// Runs a step within the call's deadline. The transport's guards end with the handler, so the deadline and panics are
/// handled here.
async fn step(
    app: &App,
    simulation: &mut PolicySimulation,
    ends: Option<CallDeadline>,
) -> Result<SimulationStep, Status> {
    let step = AssertUnwindSafe(app::simulate_further(&app.policy, simulation)).catch_unwind();
    let taken = match ends {
        Some(CallDeadline(at)) => timeout_at(at, step).await.map_err(|_| deadline_passed())?,
        None => step.await,
    };
    let Ok(step) = taken else {
        tracing::error!("a handler panicked; please report it");
        return Err(defect());
    };
    Ok(step?)
}
