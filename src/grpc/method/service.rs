//! Handlers of `MethodService`.

use crate::{
    app::{self, App, EnrollmentRequest, Error, StartedEnrollment, TotpSetup, UpdatedMethod},
    grpc::{
        RpcResult, challenge,
        entry::{CallParties, RequestIdFields, enter},
        method::{convert, parse, qr},
        request_fields, response_fields,
    },
};
use countersign_domain::authorization::caller::CallerRight;
use countersign_proto::v1::{self as pb, method_service_server::MethodService};
use std::sync::Arc;
use tonic::{Request, Response};
use zeroize::Zeroizing;

/// Serves `MethodService`.
pub struct MethodHandlers {
    /// The use cases.
    pub app: Arc<App>,
}

#[tonic::async_trait]
impl MethodService for MethodHandlers {
    async fn get_method_settings(
        &self,
        request: Request<pb::GetMethodSettingsRequest>,
    ) -> RpcResult<pb::GetMethodSettingsResponse> {
        let (caller, message) = enter(request, CallerRight::MethodService)?;
        let pb::GetMethodSettingsRequest {
            tenant_id,
            user_id,
            context,
        } = message;
        let call = caller.call(CallParties::new(&tenant_id, &user_id).from(context), None)?;
        let settings = app::get_method_settings(&self.app.method, call).await?;
        Ok(Response::new(convert::settings(settings)))
    }

    async fn begin_enrollment(
        &self,
        request: Request<pb::BeginEnrollmentRequest>,
    ) -> RpcResult<pb::BeginEnrollmentResponse> {
        let (caller, message) = enter(request, CallerRight::MethodService)?;
        let request_id_fields =
            RequestIdFields::new("BeginEnrollment", &message.request_id, &message);
        let pb::BeginEnrollmentRequest {
            tenant_id,
            user_id,
            request_id: _,
            context,
            method,
            label,
            replaced_method_id,
            authorization,
        } = message;
        let call = caller.call(
            CallParties::new(&tenant_id, &user_id).from(context),
            Some(request_id_fields),
        )?;
        let new = EnrollmentRequest {
            kind: parse::new_kind(method)?,
            label: parse::label(&label)?,
            replaced_method_id: request_fields::optional_id(
                "replaced_method_id",
                &replaced_method_id,
            )?,
        };
        let StartedEnrollment { challenge, totp } = app::begin_enrollment(
            &self.app.method,
            call,
            new,
            request_fields::proof(authorization)?,
        )
        .await?;
        Ok(Response::new(pb::BeginEnrollmentResponse {
            challenge: Some(challenge::convert::challenge(challenge)),
            totp: totp.map(setup).transpose()?,
        }))
    }

    async fn confirm_enrollment(
        &self,
        request: Request<pb::ConfirmEnrollmentRequest>,
    ) -> RpcResult<pb::ConfirmEnrollmentResponse> {
        let (caller, mut message) = enter(request, CallerRight::MethodService)?;
        message.code = request_fields::canonical_code(message.code);
        let request_id_fields =
            RequestIdFields::new("ConfirmEnrollment", &message.request_id, &message);
        let pb::ConfirmEnrollmentRequest {
            tenant_id,
            user_id,
            request_id: _,
            context,
            challenge_id,
            code,
        } = message;
        let code = Zeroizing::new(code);
        let call = caller.call(
            CallParties::new(&tenant_id, &user_id).from(context),
            Some(request_id_fields),
        )?;
        let (id, answer) = (
            request_fields::id("challenge_id", &challenge_id)?,
            request_fields::answer(&code)?,
        );
        let confirmed = app::confirm_enrollment(&self.app.method, call, id, answer).await?;
        Ok(Response::new(convert::confirmed(confirmed)))
    }

    async fn update_method(
        &self,
        request: Request<pb::UpdateMethodRequest>,
    ) -> RpcResult<pb::UpdateMethodResponse> {
        let (caller, message) = enter(request, CallerRight::MethodService)?;
        let request_id_fields = RequestIdFields::new("UpdateMethod", &message.request_id, &message);
        let named =
            CallParties::new(&message.tenant_id, &message.user_id).from(message.context.clone());
        let call = caller.call(named, Some(request_id_fields))?;
        let update = parse::method_update(&message)?;
        let UpdatedMethod {
            method,
            queued_notices: queued,
        } = app::update_method(
            &self.app.method,
            call,
            update,
            request_fields::proof(message.authorization)?,
        )
        .await?;
        let method = Some(convert::method(method));
        Ok(Response::new(pb::UpdateMethodResponse {
            method,
            queued_notices: response_fields::queued_notices(queued),
        }))
    }

    async fn delete_method(
        &self,
        request: Request<pb::DeleteMethodRequest>,
    ) -> RpcResult<pb::DeleteMethodResponse> {
        let (caller, message) = enter(request, CallerRight::MethodService)?;
        let request_id_fields = RequestIdFields::new("DeleteMethod", &message.request_id, &message);
        let pb::DeleteMethodRequest {
            tenant_id,
            user_id,
            request_id: _,
            context,
            method_id,
            authorization,
        } = message;
        let call = caller.call(
            CallParties::new(&tenant_id, &user_id).from(context),
            Some(request_id_fields),
        )?;
        let id = request_fields::id("method_id", &method_id)?;
        let queued = app::delete_method(
            &self.app.method,
            call,
            id,
            request_fields::proof(authorization)?,
        )
        .await?;
        Ok(Response::new(pb::DeleteMethodResponse {
            queued_notices: response_fields::queued_notices(queued),
        }))
    }

    async fn disable_two_factor(
        &self,
        request: Request<pb::DisableTwoFactorRequest>,
    ) -> RpcResult<pb::DisableTwoFactorResponse> {
        let (caller, message) = enter(request, CallerRight::MethodService)?;
        let request_id_fields =
            RequestIdFields::new("DisableTwoFactor", &message.request_id, &message);
        let pb::DisableTwoFactorRequest {
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
        let proof = request_fields::proof(authorization)?;
        let queued = app::disable_two_factor(&self.app.method, call, proof).await?;
        Ok(Response::new(pb::DisableTwoFactorResponse {
            queued_notices: response_fields::queued_notices(queued),
        }))
    }

    async fn revert_change(
        &self,
        request: Request<pb::RevertChangeRequest>,
    ) -> RpcResult<pb::RevertChangeResponse> {
        let (caller, message) = enter(request, CallerRight::MethodService)?;
        let request_id_fields = RequestIdFields::new("RevertChange", &message.request_id, &message);
        let pb::RevertChangeRequest {
            tenant_id,
            user_id,
            request_id: _,
            context,
            revert_token,
        } = message;
        let revert_token = Zeroizing::new(revert_token);
        let call = caller.call(
            CallParties::new(&tenant_id, &user_id).from(context),
            Some(request_id_fields),
        )?;
        let token = parse::revert_token(&revert_token)?;
        let queued = app::revert_change(&self.app.method, call, token).await?;
        Ok(Response::new(pb::RevertChangeResponse {
            queued_notices: response_fields::queued_notices(queued),
        }))
    }
}

/// The key to show for an authenticator app, with its QR code.
fn setup(setup: TotpSetup) -> Result<pb::TotpSetup, Error> {
    let TotpSetup { secret, uri } = setup;
    let qr::RenderedQrCode { png, svg } =
        qr::of(&uri).ok_or(Error::Defect("the key URI does not fit into a QR code"))?;
    Ok(pb::TotpSetup {
        secret: secret.base32(),
        otpauth_uri: uri,
        qr_png: png,
        qr_svg: svg,
    })
}
