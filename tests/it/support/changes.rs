//! Changes that a person makes, each with a proof.

use crate::support::Person;
use countersign_proto::v1::{self as pb, action::Action};
use tonic::Status;

pub(crate) fn disabling() -> Action {
    Action::DisableTwoFactor(pb::DisableTwoFactor {})
}

pub(crate) fn new_codes() -> Action {
    Action::GenerateRecoveryCodes(pb::GenerateRecoveryCodes {})
}

impl Person {
    pub(crate) async fn disable_two_factor(
        &self,
        authorization: Option<pb::Authorization>,
    ) -> Result<pb::DisableTwoFactorResponse, Status> {
        let request = pb::DisableTwoFactorRequest {
            tenant_id: self.tenant_id.clone(),
            user_id: self.user_id.clone(),
            authorization,
            ..pb::DisableTwoFactorRequest::default()
        };
        let mut methods = self.clients.methods.clone();
        Ok(methods.disable_two_factor(request).await?.into_inner())
    }

    pub(crate) async fn generate_recovery_codes(
        &self,
        authorization: Option<pb::Authorization>,
    ) -> Result<pb::GenerateRecoveryCodesResponse, Status> {
        let request = pb::GenerateRecoveryCodesRequest {
            tenant_id: self.tenant_id.clone(),
            user_id: self.user_id.clone(),
            authorization,
            ..pb::GenerateRecoveryCodesRequest::default()
        };
        let mut recovery = self.clients.recovery.clone();
        Ok(recovery
            .generate_recovery_codes(request)
            .await?
            .into_inner())
    }
}
