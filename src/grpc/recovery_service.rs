//! `RecoveryService`.

use crate::{
    app::{App, Generated},
    grpc::{
        convert,
        entry::{Marked, Named, enter},
        parse,
    },
    proto::v1::{self as pb, recovery_service_server::RecoveryService},
};
use countersign_domain::caller::Right;
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// `RecoveryService` over the use cases.
pub struct Recovery {
    /// The use cases.
    pub app: Arc<App>,
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl RecoveryService for Recovery {
    async fn generate_recovery_codes(
        &self,
        request: Request<pb::GenerateRecoveryCodesRequest>,
    ) -> Answer<pb::GenerateRecoveryCodesResponse> {
        let (entered, message) = enter(request, Right::RecoveryService)?;
        let marked = Marked::new("GenerateRecoveryCodes", &message.request_id, &message);
        let pb::GenerateRecoveryCodesRequest {
            tenant_id,
            user_id,
            request_id: _,
            context,
            authorization,
        } = message;
        let call = entered.call(Named::new(&tenant_id, &user_id).from(context), Some(marked))?;
        let Generated {
            codes,
            confirmations,
        } = self
            .app
            .generate_recovery_codes(call, parse::proof(authorization)?)
            .await?;
        Ok(Response::new(pb::GenerateRecoveryCodesResponse {
            recovery_codes: Some(convert::recovery_codes(codes)),
            confirmations: convert::confirmations(confirmations),
        }))
    }

    async fn confirm_recovery_codes(
        &self,
        request: Request<pb::ConfirmRecoveryCodesRequest>,
    ) -> Answer<pb::ConfirmRecoveryCodesResponse> {
        let (entered, message) = enter(request, Right::RecoveryService)?;
        let marked = Marked::new("ConfirmRecoveryCodes", &message.request_id, &message);
        let pb::ConfirmRecoveryCodesRequest {
            tenant_id,
            user_id,
            request_id: _,
            context,
            create_time,
        } = message;
        let call = entered.call(Named::new(&tenant_id, &user_id).from(context), Some(marked))?;
        let made_at = create_time.map(|time| parse::timestamp("create_time", time));
        let set = self
            .app
            .confirm_recovery_codes(call, made_at.transpose()?)
            .await?;
        Ok(Response::new(pb::ConfirmRecoveryCodesResponse {
            recovery: Some(convert::recovery_status(Some(&set))),
        }))
    }
}
