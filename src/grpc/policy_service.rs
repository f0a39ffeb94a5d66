//! `PolicyService`.

use crate::{
    app::App,
    grpc::{
        convert,
        entry::{Marked, Named, enter},
        parse,
    },
    proto::v1::{self as pb, policy_service_server::PolicyService},
};
use countersign_domain::caller::Right;
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// `PolicyService` over the use cases.
pub struct Policies {
    /// The use cases.
    pub app: Arc<App>,
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl PolicyService for Policies {
    async fn get_policy(
        &self,
        request: Request<pb::GetPolicyRequest>,
    ) -> Answer<pb::GetPolicyResponse> {
        let (entered, message) = enter(request, Right::PolicyService)?;
        let pb::GetPolicyRequest { tenant_id } = message;
        let view = self.app.get_policy(entered.tenant(&tenant_id)?).await?;
        Ok(Response::new(pb::GetPolicyResponse {
            policy: Some(convert::decided(&view)),
            effective: Some(convert::effective(&view.tenant, &view.effective)),
        }))
    }

    async fn update_policy(
        &self,
        request: Request<pb::UpdatePolicyRequest>,
    ) -> Answer<pb::UpdatePolicyResponse> {
        let (entered, message) = enter(request, Right::PolicyService)?;
        let marked = Marked::new("UpdatePolicy", &message.request_id, &message);
        let pb::UpdatePolicyRequest {
            tenant_id,
            request_id: _,
            policy,
            update_mask,
            acting_user_id,
            reason,
        } = message;
        let call = entered.call(Named::acting(&tenant_id, &acting_user_id), Some(marked))?;
        let update = parse::policy_update(policy, update_mask.as_ref(), &reason)?;
        let view = self.app.update_policy(call, update).await?;
        Ok(Response::new(pb::UpdatePolicyResponse {
            policy: Some(convert::decided(&view)),
            effective: Some(convert::effective(&view.tenant, &view.effective)),
            warnings: view.warnings,
        }))
    }

    async fn explain_policy(
        &self,
        request: Request<pb::ExplainPolicyRequest>,
    ) -> Answer<pb::ExplainPolicyResponse> {
        let (entered, message) = enter(request, Right::PolicyService)?;
        let pb::ExplainPolicyRequest { tenant_id, user_id } = message;
        let tenant = entered.tenant(&tenant_id)?;
        let explanation = if user_id.is_empty() {
            self.app.explain_policy(tenant.clone()).await?
        } else {
            let call = entered.call(Named::new(&tenant_id, &user_id), None)?;
            self.app.explain_policy_for_user(call).await?
        };
        Ok(Response::new(convert::explanation(&tenant, explanation)))
    }
}
