//! Handlers of `UserService`.

use crate::{
    app::{self, App, CallerRequest, UpsertedUser},
    grpc::{
        RpcResult,
        entry::{CallParties, RequestIdFields, enter},
        response_fields::{self, timestamp},
        user::{convert, directory, parse},
    },
};
use countersign_domain::authorization::caller::CallerRight;
use countersign_proto::v1::{self as pb, user_service_server::UserService};
use std::sync::Arc;
use tonic::{Request, Response};

/// Serves `UserService`.
pub struct UserHandlers {
    /// The use cases.
    pub app: Arc<App>,
}

#[tonic::async_trait]
impl UserService for UserHandlers {
    async fn upsert_user(
        &self,
        request: Request<pb::UpsertUserRequest>,
    ) -> RpcResult<pb::UpsertUserResponse> {
        let (caller, message) = enter(request, CallerRight::UserService)?;
        let request_id_fields = RequestIdFields::new("UpsertUser", &message.request_id, &message);
        let pb::UpsertUserRequest {
            tenant_id,
            user_id,
            request_id: _,
            profile,
            update_mask,
        } = message;
        let call = caller.call(
            CallParties::new(&tenant_id, &user_id),
            Some(request_id_fields),
        )?;
        let UpsertedUser {
            user,
            queued_notices: queued,
        } = app::upsert_user(
            &self.app.user,
            call,
            parse::profile_update(profile, update_mask.as_ref())?,
        )
        .await?;
        let user = Some(convert::user(user));
        Ok(Response::new(pb::UpsertUserResponse {
            user,
            queued_notices: response_fields::queued_notices(queued),
        }))
    }

    async fn get_user(
        &self,
        request: Request<pb::GetUserRequest>,
    ) -> RpcResult<pb::GetUserResponse> {
        let (caller, message) = enter(request, CallerRight::UserService)?;
        let pb::GetUserRequest { tenant_id, user_id } = message;
        let call = caller.call(CallParties::new(&tenant_id, &user_id), None)?;
        let user = Some(convert::user(app::get_user(&self.app.user, call).await?));
        Ok(Response::new(pb::GetUserResponse { user }))
    }

    async fn reset_user(
        &self,
        request: Request<pb::ResetUserRequest>,
    ) -> RpcResult<pb::ResetUserResponse> {
        let (caller, message) = enter(request, CallerRight::UserService)?;
        let request_id_fields = RequestIdFields::new("ResetUser", &message.request_id, &message);
        let pb::ResetUserRequest {
            tenant_id,
            user_id,
            request_id: _,
            context,
            acting_user_id,
            reason,
        } = message;
        let call = caller.call(
            CallParties::new(&tenant_id, &user_id).from(context),
            Some(request_id_fields),
        )?;
        let actor = Some(parse::actor(&acting_user_id, &reason)?);
        let queued = app::reset_user(&self.app.user, CallerRequest { actor, ..call }).await?;
        Ok(Response::new(pb::ResetUserResponse {
            queued_notices: response_fields::queued_notices(queued),
        }))
    }

    async fn unlock_user(
        &self,
        request: Request<pb::UnlockUserRequest>,
    ) -> RpcResult<pb::UnlockUserResponse> {
        let (caller, message) = enter(request, CallerRight::UserService)?;
        let request_id_fields = RequestIdFields::new("UnlockUser", &message.request_id, &message);
        let pb::UnlockUserRequest {
            tenant_id,
            user_id,
            request_id: _,
            context,
            acting_user_id,
            reason,
        } = message;
        let call = caller.call(
            CallParties::new(&tenant_id, &user_id).from(context),
            Some(request_id_fields),
        )?;
        let actor = Some(parse::actor(&acting_user_id, &reason)?);
        let unlocked = app::unlock_user(&self.app.user, CallerRequest { actor, ..call }).await?;
        Ok(Response::new(pb::UnlockUserResponse {
            next_message_unlock_time: unlocked.next_message_unlock.map(timestamp),
        }))
    }

    async fn issue_bypass_code(
        &self,
        request: Request<pb::IssueBypassCodeRequest>,
    ) -> RpcResult<pb::IssueBypassCodeResponse> {
        let (caller, message) = enter(request, CallerRight::UserService)?;
        let request_id_fields =
            RequestIdFields::new("IssueBypassCode", &message.request_id, &message);
        let pb::IssueBypassCodeRequest {
            tenant_id,
            user_id,
            request_id: _,
            context,
            acting_user_id,
            reason,
            lifetime,
        } = message;
        let call = caller.call(
            CallParties::new(&tenant_id, &user_id).from(context),
            Some(request_id_fields),
        )?;
        let actor = Some(parse::actor(&acting_user_id, &reason)?);
        let lifetime = parse::bypass_lifetime(lifetime)?;
        let call = CallerRequest { actor, ..call };
        let issued = app::issue_bypass_code(&self.app.user, call, lifetime).await?;
        Ok(Response::new(convert::issued_bypass_code(issued)))
    }

    async fn list_users(
        &self,
        request: Request<pb::ListUsersRequest>,
    ) -> RpcResult<pb::ListUsersResponse> {
        let (caller, message) = enter(request, CallerRight::UserService)?;
        let tenant = caller.tenant(&message.tenant_id)?;
        let page = app::list_users(&self.app.user, tenant, parse::list_request(message)?).await?;
        Ok(Response::new(directory::user_page(page)))
    }

    async fn export_user(
        &self,
        request: Request<pb::ExportUserRequest>,
    ) -> RpcResult<pb::ExportUserResponse> {
        let (caller, message) = enter(request, CallerRight::UserService)?;
        let pb::ExportUserRequest {
            tenant_id,
            user_id,
            page_token,
        } = message;
        let call = caller.call(CallParties::new(&tenant_id, &user_id), None)?;
        let export = app::export_user(&self.app.user, call, page_token).await?;
        Ok(Response::new(directory::export(export)))
    }

    async fn delete_user(
        &self,
        request: Request<pb::DeleteUserRequest>,
    ) -> RpcResult<pb::DeleteUserResponse> {
        let (caller, message) = enter(request, CallerRight::UserService)?;
        let request_id_fields = RequestIdFields::new("DeleteUser", &message.request_id, &message);
        let pb::DeleteUserRequest {
            tenant_id,
            user_id,
            request_id: _,
        } = message;
        let call = caller.call(
            CallParties::new(&tenant_id, &user_id),
            Some(request_id_fields),
        )?;
        app::delete_user(&self.app.user, call).await?;
        Ok(Response::new(pb::DeleteUserResponse {}))
    }
}
