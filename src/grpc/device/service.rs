//! Handlers of `DeviceService`.

use crate::{
    app::{self, App, TrustUpdate},
    grpc::{
        RpcResult,
        device::{convert, parse},
        entry::{CallParties, RequestIdFields, enter},
        request_fields, response_fields,
    },
};
use countersign_domain::authorization::caller::CallerRight;
use countersign_proto::v1::{self as pb, device_service_server::DeviceService};
use std::sync::Arc;
use tonic::{Request, Response};

/// Serves `DeviceService`.
pub struct DeviceHandlers {
    /// The use cases.
    pub app: Arc<App>,
}

#[tonic::async_trait]
impl DeviceService for DeviceHandlers {
    async fn list_devices(
        &self,
        request: Request<pb::ListDevicesRequest>,
    ) -> RpcResult<pb::ListDevicesResponse> {
        let (caller, message) = enter(request, CallerRight::DeviceService)?;
        let pb::ListDevicesRequest {
            tenant_id,
            user_id,
            context,
        } = message;
        let call = caller.call(CallParties::new(&tenant_id, &user_id).from(context), None)?;
        let (devices, trust_offered) =
            convert::devices(app::list_devices(&self.app.device, call).await?);
        Ok(Response::new(pb::ListDevicesResponse {
            devices,
            trust_offered,
        }))
    }

    async fn trust_device(
        &self,
        request: Request<pb::TrustDeviceRequest>,
    ) -> RpcResult<pb::TrustDeviceResponse> {
        let (caller, message) = enter(request, CallerRight::DeviceService)?;
        let request_id_fields = RequestIdFields::new("TrustDevice", &message.request_id, &message);
        let pb::TrustDeviceRequest {
            tenant_id,
            user_id,
            request_id: _,
            context,
            device_ids,
            authorization,
        } = message;
        let call = caller.call(
            CallParties::new(&tenant_id, &user_id).from(context),
            Some(request_id_fields),
        )?;
        let devices_to_trust = request_fields::trusted_devices("device_ids", &device_ids)?;
        let TrustUpdate {
            devices,
            queued_notices: queued,
        } = app::trust_device(
            &self.app.device,
            call,
            devices_to_trust,
            request_fields::proof(authorization)?,
        )
        .await?;
        Ok(Response::new(pb::TrustDeviceResponse {
            devices: devices.into_iter().map(convert::device).collect(),
            queued_notices: response_fields::queued_notices(queued),
        }))
    }

    async fn update_device(
        &self,
        request: Request<pb::UpdateDeviceRequest>,
    ) -> RpcResult<pb::UpdateDeviceResponse> {
        let (caller, message) = enter(request, CallerRight::DeviceService)?;
        let request_id_fields = RequestIdFields::new("UpdateDevice", &message.request_id, &message);
        let pb::UpdateDeviceRequest {
            tenant_id,
            user_id,
            request_id: _,
            context,
            device_id,
            name,
            update_mask,
        } = message;
        let call = caller.call(
            CallParties::new(&tenant_id, &user_id).from(context),
            Some(request_id_fields),
        )?;
        let id = request_fields::id("device_id", &device_id)?;
        let name = parse::device_name(&name, update_mask.as_ref())?;
        let device = app::update_device(&self.app.device, call, id, name).await?;
        Ok(Response::new(pb::UpdateDeviceResponse {
            device: Some(convert::device(device)),
        }))
    }

    async fn revoke_device(
        &self,
        request: Request<pb::RevokeDeviceRequest>,
    ) -> RpcResult<pb::RevokeDeviceResponse> {
        let (caller, message) = enter(request, CallerRight::DeviceService)?;
        let request_id_fields = RequestIdFields::new("RevokeDevice", &message.request_id, &message);
        let pb::RevokeDeviceRequest {
            tenant_id,
            user_id,
            request_id: _,
            context,
            device_id,
            not_me,
        } = message;
        let call = caller.call(
            CallParties::new(&tenant_id, &user_id).from(context),
            Some(request_id_fields),
        )?;
        let id = request_fields::id("device_id", &device_id)?;
        let queued = app::revoke_device(&self.app.device, call, id, not_me).await?;
        Ok(Response::new(pb::RevokeDeviceResponse {
            queued_notices: response_fields::queued_notices(queued),
        }))
    }

    async fn revoke_all_devices(
        &self,
        request: Request<pb::RevokeAllDevicesRequest>,
    ) -> RpcResult<pb::RevokeAllDevicesResponse> {
        let (caller, message) = enter(request, CallerRight::DeviceService)?;
        let request_id_fields =
            RequestIdFields::new("RevokeAllDevices", &message.request_id, &message);
        let pb::RevokeAllDevicesRequest {
            tenant_id,
            user_id,
            request_id: _,
            context,
        } = message;
        let call = caller.call(
            CallParties::new(&tenant_id, &user_id).from(context),
            Some(request_id_fields),
        )?;
        app::revoke_all_devices(&self.app.device, call).await?;
        Ok(Response::new(pb::RevokeAllDevicesResponse {}))
    }
}
