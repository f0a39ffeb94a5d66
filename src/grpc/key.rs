//! `KeyService`.

use crate::{app::App, grpc::entry::enter};
use countersign_domain::authorization::caller::CallerRight;
use countersign_proto::v1::{self as pb, key_service_server::KeyService};
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// Serves `KeyService`.
pub struct KeyHandlers {
    /// The use cases.
    pub app: Arc<App>,
}

#[tonic::async_trait]
impl KeyService for KeyHandlers {
    async fn get_jwks(
        &self,
        request: Request<pb::GetJwksRequest>,
    ) -> Result<Response<pb::GetJwksResponse>, Status> {
        let (_, pb::GetJwksRequest {}) = enter(request, CallerRight::KeyService)?;
        let jwks = self.app.jwks();
        Ok(Response::new(pb::GetJwksResponse { jwks }))
    }
}
