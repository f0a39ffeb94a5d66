//! Handlers of `RecoveryService`.

use crate::{
    app::{self, App, GeneratedRecoveryCodes, ResetRequest},
    grpc::{
        RpcResult, client_context,
        entry::{CallParties, RequestIdFields, enter, request_identity},
        recovery::{convert, parse},
        request_fields, response_fields,
    },
};
use countersign_domain::{authorization::caller::CallerRight, recovery::reset::CancelToken};
use countersign_proto::v1::{self as pb, recovery_service_server::RecoveryService};
use std::sync::Arc;
use tonic::{Request, Response};
use zeroize::Zeroizing;

/// Serves `RecoveryService`.
pub struct RecoveryHandlers {
    /// The use cases.
    pub app: Arc<App>,
}

#[tonic::async_trait]
impl RecoveryService for RecoveryHandlers {
    async fn generate_recovery_codes(
        &self,
        request: Request<pb::GenerateRecoveryCodesRequest>,
    ) -> RpcResult<pb::GenerateRecoveryCodesResponse> {
        let (caller, message) = enter(request, CallerRight::RecoveryService)?;
        let request_id_fields =
            RequestIdFields::new("GenerateRecoveryCodes", &message.request_id, &message);
        let pb::GenerateRecoveryCodesRequest {
            tenant_id,
            user_id,
            request_id: _,
            context,
            authorization,
        } = message;
        let call = caller.call(
            CallParties::new(&tenant_id, &user_id).from(context),
            Some(request_id_fields),
        )?;
        let GeneratedRecoveryCodes {
            codes,
            queued_notices,
        } = app::generate_recovery_codes(
            &self.app.recovery,
            call,
            request_fields::proof(authorization)?,
        )
        .await?;
        Ok(Response::new(pb::GenerateRecoveryCodesResponse {
            recovery_codes: Some(convert::recovery_codes(codes)),
            queued_notices: response_fields::queued_notices(queued_notices),
        }))
    }

    async fn confirm_recovery_codes(
        &self,
        request: Request<pb::ConfirmRecoveryCodesRequest>,
    ) -> RpcResult<pb::ConfirmRecoveryCodesResponse> {
        let (caller, message) = enter(request, CallerRight::RecoveryService)?;
        let request_id_fields =
            RequestIdFields::new("ConfirmRecoveryCodes", &message.request_id, &message);
        let pb::ConfirmRecoveryCodesRequest {
            tenant_id,
            user_id,
            request_id: _,
            context,
            create_time,
        } = message;
        let call = caller.call(
            CallParties::new(&tenant_id, &user_id).from(context),
            Some(request_id_fields),
        )?;
        let made_at = create_time.map(|time| request_fields::timestamp("create_time", time));
        let set =
            app::confirm_recovery_codes(&self.app.recovery, call, made_at.transpose()?).await?;
        Ok(Response::new(pb::ConfirmRecoveryCodesResponse {
            recovery: Some(convert::recovery_status(Some(&set))),
        }))
    }

    async fn begin_reset(
        &self,
        request: Request<pb::BeginResetRequest>,
    ) -> RpcResult<pb::BeginResetResponse> {
        let (caller, message) = enter(request, CallerRight::RecoveryService)?;
        let request_id_fields = RequestIdFields::new("BeginReset", &message.request_id, &message);
        let pb::BeginResetRequest {
            tenant_id,
            whose,
            request_id: _,
            context,
            mailbox_is_independent: independent,
        } = message;
        let (caller, tenant) = caller.within(&tenant_id)?;
        let context = context.map(client_context::read);
        let parsed = ResetRequest {
            caller,
            tenant,
            whose: parse::whose(whose)?,
            independent,
            request_identity: request_identity(request_id_fields)?,
            context: context.unwrap_or_default(),
        };
        app::begin_reset(&self.app.recovery, parsed).await?;
        Ok(Response::new(pb::BeginResetResponse {}))
    }

    async fn confirm_reset(
        &self,
        request: Request<pb::ConfirmResetRequest>,
    ) -> RpcResult<pb::ConfirmResetResponse> {
        let (caller, mut message) = enter(request, CallerRight::RecoveryService)?;
        message.code = request_fields::canonical_code(message.code);
        let request_id_fields = RequestIdFields::new("ConfirmReset", &message.request_id, &message);
        let pb::ConfirmResetRequest {
            tenant_id,
            user_id,
            request_id: _,
            context,
            code,
        } = message;
        let code = Zeroizing::new(code);
        let call = caller.call(
            CallParties::new(&tenant_id, &user_id).from(context),
            Some(request_id_fields),
        )?;
        let outcome = app::confirm_reset(&self.app.recovery, call, parse::digits(&code)?).await?;
        Ok(Response::new(convert::reset_outcome(outcome)))
    }

    async fn cancel_reset(
        &self,
        request: Request<pb::CancelResetRequest>,
    ) -> RpcResult<pb::CancelResetResponse> {
        let (caller, mut message) = enter(request, CallerRight::RecoveryService)?;
        message.cancel_token = request_fields::canonical_cancel_token(message.cancel_token);
        let request_id_fields = RequestIdFields::new("CancelReset", &message.request_id, &message);
        let pb::CancelResetRequest {
            tenant_id,
            user_id,
            request_id: _,
            context,
            cancel_token,
        } = message;
        let token = CancelToken::parse(&Zeroizing::new(cancel_token));
        let call = caller.call(
            CallParties::new(&tenant_id, &user_id).from(context),
            Some(request_id_fields),
        )?;
        let queued = app::cancel_reset(&self.app.recovery, call, token).await?;
        Ok(Response::new(pb::CancelResetResponse {
            queued_notices: response_fields::queued_notices(queued),
        }))
    }
}
