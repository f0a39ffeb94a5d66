//! `UserService`.

use crate::{
    app::{self, App, Call, UpsertedUser},
    grpc::{
        convert,
        entry::{Marked, Named, enter},
        parse,
    },
    proto::v1::{self as pb, user_service_server::UserService},
};
use countersign_domain::caller::Right;
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// `UserService` over the use cases.
pub struct Users {
    /// The use cases.
    pub app: Arc<App>,
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl UserService for Users {
    async fn upsert_user(
        &self,
        request: Request<pb::UpsertUserRequest>,
    ) -> Answer<pb::UpsertUserResponse> {
        let (entered, message) = enter(request, Right::UserService)?;
        let marked = Marked::new("UpsertUser", &message.request_id, &message);
        let pb::UpsertUserRequest {
            tenant_id,
            user_id,
            request_id: _,
            profile,
            update_mask,
        } = message;
        let call = entered.call(Named::new(&tenant_id, &user_id), Some(marked))?;
        let UpsertedUser {
            user,
            confirmations: told,
        } = app::upsert_user(
            &self.app.user,
            call,
            parse::profile_update(profile, update_mask.as_ref())?,
        )
        .await?;
        let user = Some(convert::user(user));
        Ok(Response::new(pb::UpsertUserResponse {
            user,
            confirmations: convert::confirmations(told),
        }))
    }

    async fn get_user(&self, request: Request<pb::GetUserRequest>) -> Answer<pb::GetUserResponse> {
        let (entered, message) = enter(request, Right::UserService)?;
        let pb::GetUserRequest { tenant_id, user_id } = message;
        let call = entered.call(Named::new(&tenant_id, &user_id), None)?;
        let user = Some(convert::user(app::get_user(&self.app.user, call).await?));
        Ok(Response::new(pb::GetUserResponse { user }))
    }

    async fn reset_user(
        &self,
        request: Request<pb::ResetUserRequest>,
    ) -> Answer<pb::ResetUserResponse> {
        let (entered, message) = enter(request, Right::UserService)?;
        let marked = Marked::new("ResetUser", &message.request_id, &message);
        let pb::ResetUserRequest {
            tenant_id,
            user_id,
            request_id: _,
            context,
            acting_user_id,
            reason,
        } = message;
        let call = entered.call(Named::new(&tenant_id, &user_id).from(context), Some(marked))?;
        let acting = Some(parse::acting(&acting_user_id, &reason)?);
        let told = app::reset_user(&self.app.user, Call { acting, ..call }).await?;
        Ok(Response::new(pb::ResetUserResponse {
            confirmations: convert::confirmations(told),
        }))
    }

    async fn unlock_user(
        &self,
        request: Request<pb::UnlockUserRequest>,
    ) -> Answer<pb::UnlockUserResponse> {
        let (entered, message) = enter(request, Right::UserService)?;
        let marked = Marked::new("UnlockUser", &message.request_id, &message);
        let pb::UnlockUserRequest {
            tenant_id,
            user_id,
            request_id: _,
            context,
            acting_user_id,
            reason,
        } = message;
        let call = entered.call(Named::new(&tenant_id, &user_id).from(context), Some(marked))?;
        let acting = Some(parse::acting(&acting_user_id, &reason)?);
        app::unlock_user(&self.app.user, Call { acting, ..call }).await?;
        Ok(Response::new(pb::UnlockUserResponse {}))
    }

    async fn issue_bypass_code(
        &self,
        request: Request<pb::IssueBypassCodeRequest>,
    ) -> Answer<pb::IssueBypassCodeResponse> {
        let (entered, message) = enter(request, Right::UserService)?;
        let marked = Marked::new("IssueBypassCode", &message.request_id, &message);
        let pb::IssueBypassCodeRequest {
            tenant_id,
            user_id,
            request_id: _,
            context,
            acting_user_id,
            reason,
            life,
        } = message;
        let call = entered.call(Named::new(&tenant_id, &user_id).from(context), Some(marked))?;
        let acting = Some(parse::acting(&acting_user_id, &reason)?);
        let life = parse::bypass_life(life)?;
        let call = Call { acting, ..call };
        let issued = app::issue_bypass_code(&self.app.user, call, life).await?;
        Ok(Response::new(convert::issued_bypass_code(issued)))
    }

    async fn list_users(
        &self,
        request: Request<pb::ListUsersRequest>,
    ) -> Answer<pb::ListUsersResponse> {
        let (entered, message) = enter(request, Right::UserService)?;
        let tenant = entered.tenant(&message.tenant_id)?;
        let page = app::list_users(&self.app.user, tenant, parse::list_request(message)?).await?;
        Ok(Response::new(convert::user_page(page)))
    }

    async fn export_user(
        &self,
        request: Request<pb::ExportUserRequest>,
    ) -> Answer<pb::ExportUserResponse> {
        let (entered, message) = enter(request, Right::UserService)?;
        let pb::ExportUserRequest {
            tenant_id,
            user_id,
            page_token,
        } = message;
        let call = entered.call(Named::new(&tenant_id, &user_id), None)?;
        let export = app::export_user(&self.app.user, call, page_token).await?;
        Ok(Response::new(convert::export(export)))
    }

    async fn delete_user(
        &self,
        request: Request<pb::DeleteUserRequest>,
    ) -> Answer<pb::DeleteUserResponse> {
        let (entered, message) = enter(request, Right::UserService)?;
        let marked = Marked::new("DeleteUser", &message.request_id, &message);
        let pb::DeleteUserRequest {
            tenant_id,
            user_id,
            request_id: _,
        } = message;
        let call = entered.call(Named::new(&tenant_id, &user_id), Some(marked))?;
        app::delete_user(&self.app.user, call).await?;
        Ok(Response::new(pb::DeleteUserResponse {}))
    }
}
